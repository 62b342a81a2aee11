/**
 * Attempts to tell endpoints, each in three turns of the object: some messages are picked and sent to the queue as pointers; the consumer takes what an attempt
 * needs; and says how it went. Everything here runs inside the caller's transaction.
 *
 *   picked   the attempt has a number, and is the message's own for a minute: a pointer that is lost is made again after it
 *   taken    once for each number: a pointer that comes twice finds nothing. One that is not settled within the minute has failed: whatever ended the
 *            consumer may have been in the message
 *   settled  the message goes, or waits for its next attempt
 */

import type { WebhookProvider, WebhookType } from "../../protocol/index.ts";
import { BY_SYSTEM, type StoredEvent } from "../audit/events.ts";
import { floorOf } from "../audit/head.ts";
import type { Row } from "../store.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import { WEBHOOK_LIMITS, webhookTarget, type Webhook } from "./webhooks.ts";

/** What the queue carries: where to look. */
export interface WebhookPointer {
  readonly tailnet: string;
  readonly delivery: string;
  /** The number of the attempt; the first one's is 1. */
  readonly attempt: number;
  /** The ID of the request that the event is of, for whoever logs; empty where it has none. */
  readonly request: string;
}

/** What an attempt needs. */
export interface WebhookAttempt {
  readonly webhook: string;
  /** Its address, sealed. */
  readonly address: Uint8Array;
  readonly provider: WebhookProvider;
  /** The sealed secrets that sign it, the newest first. */
  readonly boxes: readonly Uint8Array[];
  readonly type: WebhookType;
  readonly event: StoredEvent;
  /** The hash of the event before, of the same epoch; empty for the first one. */
  readonly hashBefore: Uint8Array;
  /** The tailnet's name. */
  readonly tailnetName: string;
  /** Of an event about a node: the login of whose it is, its tags, or empty where it is gone. */
  readonly managedBy: string;
  /** Milliseconds since the epoch: when the message was put in. */
  readonly created: number;
}

/** How an attempt went. */
export interface WebhookResult {
  readonly ok: boolean;
  /** Of the endpoint's answer, or null. */
  readonly status: number | null;
  /** In words, or null. */
  readonly error: string | null;
}

/** A message that was given up on with another one: it has waited for a day too. */
export interface WebhookAbandoned {
  readonly id: string;
  readonly epoch: string;
  readonly seq: number;
  readonly type: WebhookType;
  readonly created: number;
  readonly attempts: number;
  /** The ID of the request that the event is of, or null. */
  readonly request: string | null;
}

/** What becomes of the message. */
export interface WebhookSettled {
  readonly state: "delivered" | "waiting" | "failed";
  /** When it is tried next, in milliseconds since the epoch, or null. */
  readonly next: number | null;
  readonly abandoned: readonly WebhookAbandoned[];
}

/** Milliseconds that an attempt may take from the queue to its end. */
const ATTEMPT_MS = 60_000;
/** Milliseconds for which a message is tried, to an endpoint that has ended too. */
const GIVE_UP_MS = 24 * 60 * 60_000;
/** Milliseconds until the next attempt: three times as many each time, up to the most. */
const FIRST_RETRY_MS = 10_000;
const MOST_RETRY_MS = 60 * 60_000;
/** Messages that are given up on with one. */
const MOST_ABANDONED = 200;
const UNHEARD = "the control plane began to tell it, and did not come to the end";
/** Failures in a row from which on an endpoint rests itself. */
const FAILURES_BEFORE_REST = 3;

function backOff(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 3 ** (failures - 1), MOST_RETRY_MS);
}

/** How many more attempts an endpoint may have at a time, and when the first of those under way is over. */
function roomOf({ store }: Tailnet, { id, failures }: Webhook, now: number): { room: number; until: number | null } {
  const sql = "SELECT count(*) AS n, MIN(taken) AS until FROM webhook_deliveries WHERE webhook = ? AND taken > ?";
  const row = store.row(sql, id, now);
  const most = failures > 0 ? 1 : WEBHOOK_LIMITS.atOnce;
  return { room: most - (row?.integer("n") ?? 0), until: row?.integerOrNull("until") ?? null };
}

/** When the next attempt is due, in milliseconds since the epoch, or null for never. */
export function nextAttempt(tailnet: Tailnet, now: number): number | null {
  const due = tailnet.webhooks.told().flatMap((webhook) => {
    const row = tailnet.store.row("SELECT MIN(due) AS due FROM webhook_deliveries WHERE webhook = ?", webhook.id);
    const first = row?.integerOrNull("due") ?? null;
    if (first === null) return [];
    const { room, until } = roomOf(tailnet, webhook, now);
    return [room > 0 || until === null ? Math.max(first, webhook.resume) : until];
  });
  return due.length === 0 ? null : Math.min(...due);
}

/** Picks messages that are due, and begins an attempt of each. */
export function beginAttempts(tailnet: Tailnet, now: number): WebhookPointer[] {
  const { id } = tailnet.info();
  for (const webhook of tailnet.webhooks.told()) lapse(tailnet, webhook, now);
  const begun = tailnet.webhooks.told().flatMap((webhook) => {
    const { room } = roomOf(tailnet, webhook, now);
    if (room <= 0 || webhook.resume > now) return [];
    return tailnet.store.rows(
      `UPDATE webhook_deliveries SET tries = tries + 1, started = 0, taken = ?1, due = ?1 WHERE id IN
         (SELECT id FROM webhook_deliveries WHERE webhook = ?2 AND due <= ?3 ORDER BY due, seq LIMIT ?4)
       RETURNING id, tries, (SELECT event_group FROM events WHERE events.seq = webhook_deliveries.seq) AS request`,
      now + ATTEMPT_MS,
      webhook.id,
      now,
      room,
    );
  });
  if (begun.length > 0) tailnet.webhooks.touch();
  return begun.map((row) => ({
    tailnet: id,
    delivery: row.text("id"),
    attempt: row.integer("tries"),
    request: row.textOrNull("request") ?? "",
  }));
}

function current({ store }: Tailnet, delivery: string, attempt: number): Row | null {
  return store.row("SELECT * FROM webhook_deliveries WHERE id = ? AND tries = ?", delivery, attempt);
}

function managerOf(tailnet: Tailnet, event: StoredEvent): string {
  const { type, id } = JSON.parse(event.target) as { readonly type: string; readonly id: string };
  const node = type === "NODE" ? tailnet.nodes.byStableId(id) : null;
  if (node === null) return "";
  const user = node.user === null ? null : tailnet.users.byId(node.user);
  return user?.login ?? node.tags.join(",");
}

/** The hash before an event's, of the same epoch; empty for the first one. */
function hashBefore(tailnet: Tailnet, { epoch, seq }: StoredEvent): Uint8Array {
  const before = tailnet.events.at(seq - 1);
  if (before !== null) return before.epoch === epoch ? before.hash : new Uint8Array(0);
  const floor = floorOf(tailnet);
  return floor?.epoch === epoch && floor.sequence === seq - 1 ? floor.hash : new Uint8Array(0);
}

/** Gives what an attempt needs, once; null where there is nothing to be done any more. */
export function takeAttempt(tailnet: Tailnet, delivery: string, attempt: number, now: number): WebhookAttempt | null {
  const row = current(tailnet, delivery, attempt);
  if (row === null || row.integer("started") === 1) return null;
  const seq = row.integer("seq");
  const event = tailnet.events.at(seq);
  const webhook = tailnet.webhooks.told().find(({ id }) => id === row.text("webhook"));
  if (event === null || webhook === undefined) {
    // An event that was let go of, or that a restored copy has not.
    tailnet.store.run("DELETE FROM webhook_deliveries WHERE id = ?", delivery);
    return null;
  }
  tailnet.store.run("UPDATE webhook_deliveries SET started = 1 WHERE id = ?", delivery);
  return {
    webhook: webhook.id,
    address: webhook.address,
    provider: webhook.provider,
    // Whoever ends a secret cannot keep the endpoint from hearing of that in words which it believes [W26].
    boxes: tailnet.webhooks.secrets(webhook.id, event.kind === "webhook.rotated" ? Math.min(event.at, now) : now),
    type: row.text("type") as WebhookType,
    event,
    hashBefore: hashBefore(tailnet, event),
    tailnetName: tailnet.info().name,
    managedBy: managerOf(tailnet, event),
    created: row.integer("created"),
  };
}

/** An endpoint that has taken a message is well. */
function recover(tailnet: Tailnet, webhook: Webhook, now: number): void {
  const { id, failures, failing } = webhook;
  if (failures === 0 && failing === null) return;
  tailnet.webhooks.setHealth(id, { failures: 0, resume: 0, failing: null, lastError: "" });
  if (failing === null) return;
  const old = { failing: new Date(failing).toISOString() };
  tailnet.record(BY_SYSTEM, { kind: "webhook.recovered", target: webhookTarget(webhook), old }, now);
}

/** Marks an endpoint that a message was given up on, and says so, once. */
function markFailing(tailnet: Tailnet, webhook: Webhook, error: string, now: number): void {
  const detail = { error, failures: webhook.failures + 1, creator: webhook.creator };
  tailnet.record(BY_SYSTEM, { kind: "webhook.failing", target: webhookTarget(webhook), new: detail }, now);
}

/** Gives up on what has waited for as long; of an endpoint that rests, it would never be tried. */
function abandon({ store, events }: Tailnet, id: string, before: number, now: number): WebhookAbandoned[] {
  const sql = `DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries
      WHERE webhook = ?1 AND created <= ?2 AND (taken IS NULL OR taken <= ?3) ORDER BY created LIMIT ?4)
    RETURNING id, seq, type, created, tries`;
  return store.rows(sql, id, before, now, MOST_ABANDONED).map((row) => {
    const event = events.at(row.integer("seq"));
    return {
      id: row.text("id"),
      epoch: event?.epoch ?? "",
      seq: row.integer("seq"),
      type: row.text("type") as WebhookType,
      created: row.integer("created"),
      attempts: row.integer("tries"),
      request: event?.group ?? null,
    };
  });
}

/** Has a message wait for its next attempt, or go once it was tried for a day; gives when it is tried next, or null. */
function postpone({ store }: Tailnet, row: Row, now: number): number | null {
  if (row.integer("created") <= now - GIVE_UP_MS) {
    store.run("DELETE FROM webhook_deliveries WHERE id = ?", row.text("id"));
    return null;
  }
  const next = now + backOff(row.integer("tries"));
  store.run("UPDATE webhook_deliveries SET due = ?, taken = NULL WHERE id = ?", next, row.text("id"));
  return next;
}

function fail(tailnet: Tailnet, webhook: Webhook, row: Row, error: string, now: number): WebhookSettled {
  const { id } = webhook;
  const next = postpone(tailnet, row, now);
  const failures = webhook.failures + 1;
  const resume = failures < FAILURES_BEFORE_REST ? 0 : now + backOff(failures - FAILURES_BEFORE_REST + 1);
  const failing = webhook.failing ?? (next === null ? now : null);
  tailnet.webhooks.setHealth(id, { failures, resume, failing, lastError: error });
  if (next !== null) return { state: "waiting", next: Math.max(next, resume), abandoned: [] };
  if (webhook.failing === null && !tailnet.webhooks.hasEnded(id)) markFailing(tailnet, webhook, error, now);
  return { state: "failed", next: null, abandoned: abandon(tailnet, id, now - GIVE_UP_MS, now) };
}

/** Forgets an endpoint that has ended once it was told, or has ended for as long as it may be told, whatever waits then [W26]. */
function forgetEnded({ webhooks }: Tailnet, id: string, now: number): void {
  if (!webhooks.hasEnded(id)) return;
  if (webhooks.waiting(id) === 0 || webhooks.endedBefore(id, now - GIVE_UP_MS)) webhooks.forget(id);
}

/**
 * Takes as failed the attempts that were taken, and of which nothing was heard in their time. The endpoint is charged with one: what ended them, which
 * it need not have been, may have ended them all. A pointer that never came is another matter, and counts only where the day is over.
 */
function lapse(tailnet: Tailnet, webhook: Webhook, now: number): void {
  const { store, webhooks } = tailnet;
  const sql = "SELECT * FROM webhook_deliveries WHERE webhook = ? AND taken <= ? AND (started = 1 OR created <= ?)";
  const [first, ...others] = store.rows(sql, webhook.id, now, now - GIVE_UP_MS);
  if (first === undefined) return;
  for (const row of others) postpone(tailnet, row, now);
  fail(tailnet, webhook, first, UNHEARD, now);
  forgetEnded(tailnet, webhook.id, now);
  webhooks.touch();
}

/** Takes how an attempt went; null where the message is settled already. A success counts whenever it comes. */
export function settleAttempt(
  tailnet: Tailnet,
  pointer: Omit<WebhookPointer, "tailnet" | "request">,
  result: WebhookResult,
  now: number,
): WebhookSettled | null {
  const { store, webhooks } = tailnet;
  const { delivery, attempt } = pointer;
  const row = result.ok
    ? store.row("SELECT * FROM webhook_deliveries WHERE id = ?", delivery)
    : current(tailnet, delivery, attempt);
  const webhook = webhooks.told().find(({ id }) => id === row?.text("webhook"));
  if (row === null || webhook === undefined) return null;
  webhooks.touch();
  const settled = result.ok
    ? succeed(tailnet, webhook, delivery, now)
    : fail(tailnet, webhook, row, result.error ?? "", now);
  forgetEnded(tailnet, webhook.id, now);
  return settled;
}

function succeed(tailnet: Tailnet, webhook: Webhook, delivery: string, now: number): WebhookSettled {
  tailnet.store.run("DELETE FROM webhook_deliveries WHERE id = ?", delivery);
  recover(tailnet, webhook, now);
  return { state: "delivered", next: null, abandoned: [] };
}
