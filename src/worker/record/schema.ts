/**
 * The tables of D1: the record of every tailnet, a projection of what their objects hold, and what the queues gave up on. What each column
 * means is in docs/storage.md. Migrations are made from here by drizzle-kit (`npm run migrations`), with STRICT and WITHOUT ROWID added by hand, which it
 * does not know; never edited once landed.
 *
 * Rule [W13]: an event is here once, by tailnet, seq and epoch.
 */

import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

const tailnetId = () => text("tailnet_id").notNull();
const number = (name: string) => integer(name).notNull();
const words = (name: string) => text(name).notNull();

export const tailnets = sqliteTable("tailnets", {
  tailnetId: text("tailnet_id").primaryKey().notNull(),
  era: number("era"),
  seq: number("seq"),
  epoch: words("epoch"),
  name: words("name"),
  created: number("created"),
  deleted: integer("deleted"),
  lockHead: text("lock_head"),
  logFloor: number("log_floor").default(0),
});

export const nodes = sqliteTable(
  "nodes",
  {
    tailnetId: tailnetId(),
    nodeId: number("node_id"),
    era: number("era"),
    seq: number("seq"),
    removed: number("removed"),
    stableId: words("stable_id"),
    machineKey: words("machine_key"),
    home: words("home"),
    nodeKey: words("node_key"),
    lockKey: words("lock_key"),
    name: words("name"),
    hostname: words("hostname"),
    os: words("os"),
    clientVersion: words("client_version"),
    capVersion: number("cap_version"),
    tags: words("tags"),
    ephemeral: number("ephemeral"),
    authorized: number("authorized"),
    signed: number("signed"),
    signedBy: words("signed_by"),
    ignoresLock: number("ignores_lock"),
    awakening: number("awakening"),
    created: number("created"),
    keyExpiry: integer("key_expiry"),
  },
  (table) => [primaryKey({ columns: [table.tailnetId, table.nodeId] })],
);

export const nodeKeys = sqliteTable(
  "node_keys",
  {
    tailnetId: tailnetId(),
    seq: number("seq"),
    epoch: words("epoch"),
    stableId: words("stable_id"),
    nodeKey: words("node_key"),
    at: number("at"),
  },
  (table) => [
    primaryKey({ columns: [table.tailnetId, table.seq, table.epoch] }),
    index("node_keys_node").on(table.tailnetId, table.stableId, table.seq),
    index("node_keys_key").on(table.nodeKey),
  ],
);

export const events = sqliteTable(
  "events",
  {
    tailnetId: tailnetId(),
    seq: number("seq"),
    epoch: words("epoch"),
    at: number("at"),
    kind: words("kind"),
    origin: words("origin"),
    actorId: words("actor_id"),
    actor: words("actor"),
    targetId: words("target_id"),
    target: words("target"),
    old: words("old"),
    new: words("new"),
    hash: words("hash"),
    actorLogin: text("actor_login"),
    targetName: words("target_name").default(""),
    event: words("event").default(""),
    eventGroup: text("event_group"),
  },
  (table) => [
    primaryKey({ columns: [table.tailnetId, table.seq, table.epoch] }),
    index("events_at").on(table.tailnetId, table.at),
    index("events_kind").on(table.tailnetId, table.kind, table.at),
    // Whoever asks by these for what is frequent, and for more besides, is answered from the index alone (log-search.ts).
    index("events_actor").on(table.tailnetId, table.actorId, table.at, table.seq, table.epoch, table.kind, table.event),
    index("events_target").on(
      table.tailnetId,
      table.targetId,
      table.at,
      table.seq,
      table.epoch,
      table.actorId,
      table.actorLogin,
      table.kind,
      table.event,
    ),
    index("events_event").on(table.tailnetId, table.event, table.at),
    index("events_group")
      .on(table.tailnetId, table.eventGroup, table.at)
      .where(sql`event_group IS NOT NULL`),
    index("events_actor_login")
      .on(table.tailnetId, table.actorLogin, table.at, table.seq, table.epoch, table.kind, table.event)
      .where(sql`actor_login IS NOT NULL`),
    index("events_target_name").on(
      table.tailnetId,
      table.targetName,
      table.at,
      table.seq,
      table.epoch,
      table.actorId,
      table.actorLogin,
      table.kind,
      table.event,
    ),
  ],
);

export const deadLetters = sqliteTable(
  "dead_letters",
  {
    id: text("id").primaryKey().notNull(),
    queue: words("queue"),
    body: words("body"),
    tailnetId: text("tailnet_id"),
    died: number("died"),
  },
  (table) => [index("dead_letters_died").on(table.died)],
);

export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    tailnetId: tailnetId(),
    id: words("id"),
    webhookId: words("webhook_id"),
    epoch: words("epoch"),
    seq: number("seq"),
    type: words("type"),
    created: number("created"),
    attempts: number("attempts"),
    state: words("state"),
    status: integer("status"),
    error: text("error"),
    at: number("at"),
    next: integer("next"),
    request: text("request"),
  },
  (table) => [
    primaryKey({ columns: [table.tailnetId, table.id] }),
    index("webhook_deliveries_webhook").on(table.tailnetId, table.webhookId, table.created, table.id),
    index("webhook_deliveries_created").on(table.created),
  ],
);
