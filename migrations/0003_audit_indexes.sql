DROP INDEX `events_actor`;--> statement-breakpoint
DROP INDEX `events_target`;--> statement-breakpoint
DROP INDEX `events_actor_login`;--> statement-breakpoint
DROP INDEX `events_target_name`;--> statement-breakpoint
CREATE INDEX `events_actor` ON `events` (`tailnet_id`,`actor_id`,`at`,`seq`,`epoch`,`kind`,`event`);--> statement-breakpoint
CREATE INDEX `events_target` ON `events` (`tailnet_id`,`target_id`,`at`,`seq`,`epoch`,`actor_id`,`actor_login`,`kind`,`event`);--> statement-breakpoint
CREATE INDEX `events_actor_login` ON `events` (`tailnet_id`,`actor_login`,`at`,`seq`,`epoch`,`kind`,`event`) WHERE actor_login IS NOT NULL;--> statement-breakpoint
CREATE INDEX `events_target_name` ON `events` (`tailnet_id`,`target_name`,`at`,`seq`,`epoch`,`actor_id`,`actor_login`,`kind`,`event`);