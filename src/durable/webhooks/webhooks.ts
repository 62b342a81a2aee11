/**
 * Endpoints that are told of events, and what has yet to be told. Everything here runs inside the caller's transaction.
 *
 * Rule [W33]: what an endpoint is to be told is written in the event's transaction, one row a message, and goes once the endpoint has taken it, or after a
 *            day of attempts.
 * Rule [W34]: an endpoint that fails is asked ever more rarely, one message at a time; others are not held up by it, and what waits for it is bounded.
 */

import {
  isSubscribed,
  ownWebhookTypeOf,
  webhookTypesOf,
  type WebhookProvider,
  type WebhookSubscription,
  type WebhookType,
} from "../../protocol/index.ts";
import type { NewEvent, Target } from "../audit/events.ts";
import { randomId } from "../random-id.ts";
import { ControlError } from "../refuse.ts";
import type { Row, Store } from "../store.ts";

/** An endpoint. Times in milliseconds since the epoch. */
export interface Webhook {
  /** `w…T…`: it carries the tailnet's. */
  readonly id: string;
  /** Of its address: its name in events, since the rest of a URL may be a secret, as Slack's are [W4]. */
  readonly host: string;
  /** Its address, sealed [W30]. */
  readonly address: Uint8Array;
  readonly provider: WebhookProvider;
  readonly subscriptions: readonly WebhookSubscription[];
  /** The login name of who made it, or what else they are called. */
  readonly creator: string;
  readonly created: number;
  readonly modified: number;
  /** Attempts that failed since the last one that did not. */
  readonly failures: number;
  /** Nothing is sent before. */
  readonly resume: number;
  /** When a message was given up on, with none taken since; or null. */
  readonly failing: number | null;
  /** Of the last attempt, or empty. */
  readonly lastError: string;
  /** Messages that were not kept for it, since too many waited. */
  readonly dropped: number;
}

export const WEBHOOK_LIMITS = {
  /** Endpoints of a tailnet. */
  endpoints: 20,
  /** Those that have yet to hear of their end: of more, the one that was there for the shortest time is not told [W26]. */
  ended: 80,
  /** Messages that wait for an endpoint which fails. */
  waiting: 5000,
  /** The same for one that takes what it is sent, and is slow about it. */
  waitingSlow: 20_000,
  /** Attempts at a time to an endpoint that does not. */
  atOnce: 10,
};

/** Milliseconds for which an old secret signs too, once there is a new one. */
export const OVERLAP_MS = 24 * 60 * 60_000;
/** Secrets of an endpoint at a time: whoever rotates more often ends the oldest. */
const MAX_SECRETS = 4;

function webhookOf(row: Row): Webhook {
  return {
    id: row.text("id"),
    host: row.text("host"),
    address: row.bytes("address"),
    provider: row.text("provider") as WebhookProvider,
    subscriptions: JSON.parse(row.text("subscriptions")) as WebhookSubscription[],
    creator: row.text("creator"),
    created: row.integer("created"),
    modified: row.integer("modified"),
    failures: row.integer("failures"),
    resume: row.integer("resume"),
    failing: row.integerOrNull("failing"),
    lastError: row.text("last_error"),
    dropped: row.integer("dropped"),
  };
}

/** An endpoint as what an event is about. */
export function webhookTarget({ id, host }: Pick<Webhook, "id" | "host">): Target {
  return { type: "WEBHOOK_ENDPOINT", id, name: host };
}

export class Webhooks {
  readonly #store: Store;
  /** Counts what has changed of who is to be told what: whoever has looked at this number need not look again until it is another. */
  #version = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  get version(): number {
    return this.#version;
  }

  /** To be called where rows of deliveries were changed by others. */
  touch(): void {
    this.#version++;
  }

  /** Endpoints that there are, the oldest first. */
  all(): Webhook[] {
    return this.#store.rows("SELECT * FROM webhooks WHERE deleted IS NULL ORDER BY created, id").map(webhookOf);
  }

  /** The same, and those that are still to be told of their end. */
  told(): Webhook[] {
    return this.#store.rows("SELECT * FROM webhooks").map(webhookOf);
  }

  find(id: string): Webhook | null {
    const row = this.#store.row("SELECT * FROM webhooks WHERE id = ? AND deleted IS NULL", id);
    return row === null ? null : webhookOf(row);
  }

  /** Throws `unknown_webhook`. */
  require(id: string): Webhook {
    const webhook = this.find(id);
    if (webhook === null) throw new ControlError("unknown_webhook", "there is no webhook of that ID");
    return webhook;
  }

  add({ id, host, address, provider, subscriptions, creator }: NewWebhook, now: number): void {
    this.#store.run(
      `INSERT INTO webhooks (id, host, address, provider, subscriptions, creator, created, modified)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)`,
      id,
      host,
      address,
      provider,
      JSON.stringify(subscriptions),
      creator,
      now,
    );
  }

  setSubscriptions(id: string, subscriptions: readonly WebhookSubscription[], now: number): void {
    const json = JSON.stringify(subscriptions);
    this.#store.run("UPDATE webhooks SET subscriptions = ?, modified = ? WHERE id = ?", json, now, id);
  }

  /** Puts in a sealed secret. Those before it sign for `overlap` milliseconds more. */
  addSecret(id: string, box: Uint8Array, overlap: number, now: number): void {
    // What tells of their end may wait for as long.
    this.#store.run("DELETE FROM webhook_secrets WHERE webhook = ? AND until <= ?", id, now - OVERLAP_MS);
    this.#store.run(
      "UPDATE webhook_secrets SET until = MIN(IFNULL(until, ?1), ?1) WHERE webhook = ?2",
      now + overlap,
      id,
    );
    const last = this.#store.row("SELECT MAX(number) AS last FROM webhook_secrets WHERE webhook = ?", id);
    const number = (last?.integerOrNull("last") ?? 0) + 1;
    this.#store.run("INSERT INTO webhook_secrets (webhook, number, box) VALUES (?, ?, ?)", id, number, box);
    this.#store.run("DELETE FROM webhook_secrets WHERE webhook = ? AND number <= ?", id, number - MAX_SECRETS);
    this.#store.run("UPDATE webhooks SET modified = ? WHERE id = ?", now, id);
  }

  /** The sealed secrets that sign at that time, the newest first. */
  secrets(id: string, now: number): Uint8Array[] {
    const sql =
      "SELECT box FROM webhook_secrets WHERE webhook = ? AND (until IS NULL OR until >= ?) ORDER BY number DESC";
    return this.#store.rows(sql, id, now).map((row) => row.bytes("box"));
  }

  /** Ends an endpoint. It is kept, out of sight, until what waits for it is told or given up. */
  end(id: string, now: number): void {
    const fresh = "failures = 0, resume = 0, failing = NULL";
    this.#store.run(`UPDATE webhooks SET deleted = ?, subscriptions = '[]', ${fresh} WHERE id = ?`, now, id);
  }

  /** Forgets those of too many that have ended which were there for the shortest time. */
  pushOut(): void {
    const sql =
      "SELECT id FROM webhooks WHERE deleted IS NOT NULL ORDER BY deleted - created DESC, created LIMIT -1 OFFSET ?";
    for (const row of this.#store.rows(sql, WEBHOOK_LIMITS.ended)) this.forget(row.text("id"));
  }

  /** Ends all endpoints of a tailnet that is given up; what waits for them is still told. */
  endAll(now: number): void {
    for (const { id } of this.all()) {
      this.end(id, now);
      if (this.waiting(id) === 0) this.forget(id);
    }
  }

  /** True for an endpoint that has ended, and is still to be told. */
  hasEnded(id: string): boolean {
    return this.#store.row("SELECT 1 FROM webhooks WHERE id = ? AND deleted IS NOT NULL", id) !== null;
  }

  /** True for one that has ended before that time. */
  endedBefore(id: string, time: number): boolean {
    return this.#store.row("SELECT 1 FROM webhooks WHERE id = ? AND deleted <= ?", id, time) !== null;
  }

  /** Forgets an endpoint that has ended, and all that is of it. */
  forget(id: string): void {
    this.#store.run("DELETE FROM webhook_deliveries WHERE webhook = ?", id);
    this.#store.run("DELETE FROM webhook_secrets WHERE webhook = ?", id);
    this.#store.run("DELETE FROM webhooks WHERE id = ?", id);
    this.#version++;
  }

  /** Writes down what each endpoint is to be told of the event with that number [W33]. */
  enqueue({ kind, target, new: detail }: NewEvent, seq: number, now: number): void {
    const own = ownWebhookTypeOf(kind);
    const isEnd = kind === "webhook.deleted";
    if (own !== null && (isEnd || this.waiting(target.id) < WEBHOOK_LIMITS.waitingSlow))
      this.#add(target.id, seq, own, now);
    const types = webhookTypesOf(kind, detail ?? null);
    for (const webhook of this.all()) {
      const wanted = types.filter((type) => isSubscribed(webhook.subscriptions, type));
      if (wanted.length === 0) continue;
      const most = webhook.failures > 0 ? WEBHOOK_LIMITS.waiting : WEBHOOK_LIMITS.waitingSlow;
      if (this.waiting(webhook.id) >= most) this.#drop(webhook.id);
      else for (const type of wanted) this.#add(webhook.id, seq, type, now);
    }
  }

  #drop(id: string): void {
    this.#store.run("UPDATE webhooks SET dropped = dropped + 1 WHERE id = ?", id);
  }

  #add(webhook: string, seq: number, type: WebhookType, now: number): void {
    this.put({ id: randomId("d"), webhook, seq, type, tries: 0 }, now);
  }

  /** Puts in one message; one of that ID that waits already is due at once. */
  put({ id, webhook, seq, type, tries }: NewDelivery, now: number): void {
    this.#store.run(
      `INSERT INTO webhook_deliveries (id, webhook, seq, type, created, tries, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5)
       ON CONFLICT (id) DO UPDATE SET due = MIN(due, excluded.due) WHERE taken IS NULL`,
      id,
      webhook,
      seq,
      type,
      now,
      tries,
    );
    this.#version++;
  }

  /** How many messages wait for an endpoint. */
  waiting(id: string): number {
    const row = this.#store.row("SELECT count(*) AS n FROM webhook_deliveries WHERE webhook = ?", id);
    return row?.integer("n") ?? 0;
  }

  setHealth(id: string, health: WebhookHealth): void {
    const { failures, resume, failing, lastError } = health;
    this.#store.run(
      "UPDATE webhooks SET failures = ?, resume = ?, failing = ?, last_error = ? WHERE id = ?",
      failures,
      resume,
      failing,
      lastError,
      id,
    );
  }
}

export type NewWebhook = Pick<Webhook, "id" | "host" | "address" | "provider" | "subscriptions" | "creator">;
export type WebhookHealth = Pick<Webhook, "failures" | "resume" | "failing" | "lastError">;

/** A message that is to be sent. */
export interface NewDelivery {
  readonly id: string;
  readonly webhook: string;
  /** The number of the event that it tells of. */
  readonly seq: number;
  readonly type: WebhookType;
  /** Attempts that were made before. */
  readonly tries: number;
}
