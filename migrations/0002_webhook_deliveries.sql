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
	PRIMARY KEY(`tailnet_id`, `id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `webhook_deliveries_webhook` ON `webhook_deliveries` (`tailnet_id`,`webhook_id`,`created`,`id`);--> statement-breakpoint
CREATE INDEX `webhook_deliveries_created` ON `webhook_deliveries` (`created`);