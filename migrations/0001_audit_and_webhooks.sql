CREATE TABLE `webhook_deliveries` (
	`tailnet_id` text NOT NULL,
	`id` text NOT NULL,
	`webhook_id` text NOT NULL,
	`epoch` text NOT NULL,
	`seq` integer NOT NULL,
	`type` text NOT NULL,
	`created` integer NOT NULL,
	`attempts` integer NOT NULL,
	`state` text NOT NULL,
	`status` integer,
	`error` text,
	`at` integer NOT NULL,
	`next` integer,
	`request` text,
	PRIMARY KEY(`tailnet_id`, `id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `webhook_deliveries_webhook` ON `webhook_deliveries` (`tailnet_id`,`webhook_id`,`created`,`id`);--> statement-breakpoint
CREATE INDEX `webhook_deliveries_created` ON `webhook_deliveries` (`created`);--> statement-breakpoint
DROP INDEX `events_actor`;--> statement-breakpoint
DROP INDEX `events_target`;--> statement-breakpoint
ALTER TABLE `events` ADD `actor_login` text;--> statement-breakpoint
ALTER TABLE `events` ADD `target_name` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `events` ADD `event` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `events` ADD `event_group` text;--> statement-breakpoint
UPDATE `events` SET
  `target_name` = `target` ->> '$.name',
  `event` = (`target` ->> '$.type') || '.' || CASE
    WHEN `kind` IN ('tailnet.created', 'authkey.created', 'node.joined', 'lock.support_sealed', 'share.created') THEN 'CREATE'
    WHEN `kind` IN ('tailnet.deleted', 'node.removed', 'share.withdrawn', 'log.trimmed', 'stream.removed') THEN 'DELETE'
    WHEN `kind` IN ('tailnet.restored') THEN 'RESTORE'
    WHEN `kind` IN ('authkey.revoked') THEN 'REVOKE'
    WHEN `kind` IN ('login.approved', 'node.authorized') THEN 'APPROVE'
    WHEN `kind` IN ('login.denied') THEN 'CANCEL'
    WHEN `kind` IN ('node.rekeyed') THEN 'LOGIN'
    WHEN `kind` IN ('node.expired') THEN 'EXPIRED'
    WHEN `kind` IN ('node.reported') THEN 'DISCONNECT_NODE'
    WHEN `kind` IN ('lock.enabled') THEN 'ENABLE'
    WHEN `kind` IN ('lock.disabled') THEN 'DISABLE'
    WHEN `kind` IN ('lock.support_read') THEN 'READ'
    WHEN `kind` IN ('share.accepted') THEN 'ACCEPT'
    WHEN `kind` IN ('attempt.refused') THEN 'REFUSE'
    ELSE 'UPDATE' END || coalesce('.' || (`target` ->> '$.property'), '');--> statement-breakpoint
CREATE INDEX `events_event` ON `events` (`tailnet_id`,`event`,`at`);--> statement-breakpoint
CREATE INDEX `events_group` ON `events` (`tailnet_id`,`event_group`,`at`) WHERE event_group IS NOT NULL;--> statement-breakpoint
CREATE INDEX `events_actor_login` ON `events` (`tailnet_id`,`actor_login`,`at`,`seq`,`epoch`,`kind`,`event`) WHERE actor_login IS NOT NULL;--> statement-breakpoint
CREATE INDEX `events_target_name` ON `events` (`tailnet_id`,`target_name`,`at`,`seq`,`epoch`,`actor_id`,`actor_login`,`kind`,`event`);--> statement-breakpoint
CREATE INDEX `events_actor` ON `events` (`tailnet_id`,`actor_id`,`at`,`seq`,`epoch`,`kind`,`event`);--> statement-breakpoint
CREATE INDEX `events_target` ON `events` (`tailnet_id`,`target_id`,`at`,`seq`,`epoch`,`actor_id`,`actor_login`,`kind`,`event`);--> statement-breakpoint
ALTER TABLE `tailnets` ADD `log_floor` integer DEFAULT 0 NOT NULL;