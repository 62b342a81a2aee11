/**
 * The tailnet's record: every change of it is one event, with who did it, from where, and what was there before.
 *
 * Rule [W2]: an event and the change that it tells of are one transaction; the event's `seq` is the tailnet's, which counts nothing else.
 * Rule [W3]: each event carries the hash of the one before it, of the same epoch: one that is edited, dropped or put in shows.
 * Rule [W4]: no event holds a secret: keys are named by their public halves, auth keys by their IDs.
 */

import { createHash } from "node:crypto";
import type { Row, Store } from "./store.ts";

export const EVENT_KINDS = [
  "tailnet.created",
  "tailnet.deleted",
  "tailnet.settings",
  "policy.changed",
  // The object is an older copy of itself: what came after it is not part of the tailnet's history any more.
  "tailnet.restored",
  "authkey.created",
  "authkey.revoked",
  "login.approved",
  "login.denied",
  // A node joined, came back with another key, or said something new of itself.
  "node.joined",
  "node.rekeyed",
  "node.described",
  "node.expired",
  "node.expiry",
  "node.authorized",
  "node.tagged",
  "node.renamed",
  "node.removed",
  // A person has said something on the node that is to be kept: why it was disconnected.
  "node.reported",
  // What the lock means for one node.
  "node.signed",
  "node.needs_signature",
  "node.needs_direct_signature",
  "node.waking",
  "node.ignores_lock",
  "node.follows_lock",
  // The lock itself.
  "lock.enabled",
  "lock.changed",
  "lock.disabled",
  "lock.support_sealed",
  "lock.support_read",
  "share.created",
  "share.accepting",
  "share.accepted",
  "share.withdrawn",
  "share.addressed",
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

/** Who does something: a person of the tailnet, an OAuth client, the deployment's operator, a node, or the control plane by itself. */
export interface Actor {
  readonly type: "USER" | "CLIENT" | "OPERATOR" | "NODE" | "SYSTEM";
  readonly id: string;
  readonly name: string;
  /** Of a person: the login name. */
  readonly login?: string;
  /** Of a person: the ID of the access token that was used; none in a session. */
  readonly credential?: string;
}

/** By which door it came in: a node's own request, the admin API, or none. */
export type Origin = "NODE" | "CONFIG_API" | "CONTROL";

/** Who, and by which door. */
export interface By {
  readonly actor: Actor;
  readonly origin: Origin;
}

export const BY_SYSTEM: By = { actor: { type: "SYSTEM", id: "tailward", name: "Tailward" }, origin: "CONTROL" };

/** What an event is about. `property` is `TKA` for the lock. */
export interface Target {
  readonly type: "TAILNET" | "NODE" | "AUTH_KEY" | "SHARE" | "LOGIN";
  readonly id: string;
  readonly name: string;
  readonly property?: string;
}

/** A value as JSON holds it; null where there is nothing. Never a secret [W4]. */
export type Detail = unknown;

export interface NewEvent {
  readonly kind: EventKind;
  readonly target: Target;
  readonly old?: Detail;
  readonly new?: Detail;
}

/** An event as it is stored, and as the record passes it on. */
export interface StoredEvent {
  readonly epoch: string;
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly kind: EventKind;
  /** JSON of an Actor. */
  readonly actor: string;
  readonly origin: Origin;
  /** JSON of a Target. */
  readonly target: string;
  /** JSON. */
  readonly old: string;
  /** JSON. */
  readonly new: string;
  /** SHA-256 of the hash before and this event [W3]; 32 bytes. */
  readonly hash: Uint8Array;
}

function eventOf(row: Row): StoredEvent {
  return {
    epoch: row.text("epoch"),
    seq: row.integer("seq"),
    at: row.integer("at"),
    kind: row.text("kind") as EventKind,
    actor: row.text("actor"),
    origin: row.text("origin") as Origin,
    target: row.text("target"),
    old: row.text("old"),
    new: row.text("new"),
    hash: row.bytes("hash"),
  };
}

/** The hash of an event that follows one with the hash `before`; of the first one of an epoch it is empty. */
export function eventHash(before: Uint8Array, event: Omit<StoredEvent, "hash">): Uint8Array {
  const { epoch, seq, at, kind, actor, origin, target } = event;
  const fields = [epoch, seq, at, kind, actor, origin, target, event.old, event.new];
  return new Uint8Array(createHash("sha256").update(before).update(JSON.stringify(fields)).digest());
}

export class Events {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  #lastHash(epoch: string): Uint8Array {
    const row = this.#store.row("SELECT hash FROM events WHERE epoch = ? ORDER BY seq DESC LIMIT 1", epoch);
    return row?.bytes("hash") ?? new Uint8Array(0);
  }

  /** Stores an event as the one numbered `seq` of the epoch. */
  add({ actor, origin }: By, event: NewEvent, epoch: string, seq: number, now: number): void {
    const fields = {
      epoch,
      seq,
      at: now,
      kind: event.kind,
      actor: JSON.stringify(actor),
      origin,
      target: JSON.stringify(event.target),
      old: JSON.stringify(event.old ?? null),
      new: JSON.stringify(event.new ?? null),
    };
    this.#store.run(
      `INSERT INTO events (epoch, seq, at, kind, actor, origin, target, old, new, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...Object.values(fields),
      eventHash(this.#lastHash(epoch), fields),
    );
  }

  /** Up to `limit` events after `seq`, the oldest first. */
  after(seq: number, limit: number): StoredEvent[] {
    return this.#store.rows("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit).map(eventOf);
  }

  /** The event with that number, or null. */
  at(seq: number): StoredEvent | null {
    const row = this.#store.row("SELECT * FROM events WHERE seq = ?", seq);
    return row === null ? null : eventOf(row);
  }
}
