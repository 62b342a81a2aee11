CREATE TABLE `dead_letters` (
	`id` text PRIMARY KEY NOT NULL,
	`queue` text NOT NULL,
	`body` text NOT NULL,
	`tailnet_id` text,
	`died` integer NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `dead_letters_died` ON `dead_letters` (`died`);--> statement-breakpoint
CREATE TABLE `events` (
	`tailnet_id` text NOT NULL,
	`seq` integer NOT NULL,
	`epoch` text NOT NULL,
	`at` integer NOT NULL,
	`kind` text NOT NULL,
	`origin` text NOT NULL,
	`actor_id` text NOT NULL,
	`actor` text NOT NULL,
	`target_id` text NOT NULL,
	`target` text NOT NULL,
	`old` text NOT NULL,
	`new` text NOT NULL,
	`hash` text NOT NULL,
	PRIMARY KEY(`tailnet_id`, `seq`, `epoch`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `events_at` ON `events` (`tailnet_id`,`at`);--> statement-breakpoint
CREATE INDEX `events_kind` ON `events` (`tailnet_id`,`kind`,`at`);--> statement-breakpoint
CREATE INDEX `events_actor` ON `events` (`tailnet_id`,`actor_id`,`at`);--> statement-breakpoint
CREATE INDEX `events_target` ON `events` (`tailnet_id`,`target_id`,`at`);--> statement-breakpoint
CREATE TABLE `node_keys` (
	`tailnet_id` text NOT NULL,
	`seq` integer NOT NULL,
	`epoch` text NOT NULL,
	`stable_id` text NOT NULL,
	`node_key` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`tailnet_id`, `seq`, `epoch`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `node_keys_node` ON `node_keys` (`tailnet_id`,`stable_id`,`seq`);--> statement-breakpoint
CREATE INDEX `node_keys_key` ON `node_keys` (`node_key`);--> statement-breakpoint
CREATE TABLE `nodes` (
	`tailnet_id` text NOT NULL,
	`node_id` integer NOT NULL,
	`era` integer NOT NULL,
	`seq` integer NOT NULL,
	`removed` integer NOT NULL,
	`stable_id` text NOT NULL,
	`machine_key` text NOT NULL,
	`home` text NOT NULL,
	`node_key` text NOT NULL,
	`lock_key` text NOT NULL,
	`name` text NOT NULL,
	`hostname` text NOT NULL,
	`os` text NOT NULL,
	`client_version` text NOT NULL,
	`cap_version` integer NOT NULL,
	`tags` text NOT NULL,
	`ephemeral` integer NOT NULL,
	`authorized` integer NOT NULL,
	`signed` integer NOT NULL,
	`signed_by` text NOT NULL,
	`ignores_lock` integer NOT NULL,
	`awakening` integer NOT NULL,
	`created` integer NOT NULL,
	`key_expiry` integer,
	PRIMARY KEY(`tailnet_id`, `node_id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `tailnets` (
	`tailnet_id` text PRIMARY KEY NOT NULL,
	`era` integer NOT NULL,
	`seq` integer NOT NULL,
	`epoch` text NOT NULL,
	`name` text NOT NULL,
	`created` integer NOT NULL,
	`deleted` integer,
	`lock_head` text
) STRICT, WITHOUT ROWID;
