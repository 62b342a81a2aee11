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
CREATE INDEX `events_actor_login` ON `events` (`tailnet_id`,`actor_login`,`at`) WHERE actor_login IS NOT NULL;--> statement-breakpoint
CREATE INDEX `events_target_name` ON `events` (`tailnet_id`,`target_name`,`at`);--> statement-breakpoint
ALTER TABLE `tailnets` ADD `log_floor` integer DEFAULT 0 NOT NULL;