/**
 * The tailnet's record: every change of it is one event, with who did it, from where, and what was there before.
 *
 * Rule [W2]: an event and the change that it tells of are one transaction; the event's `seq` is the tailnet's, which counts nothing else.
 * Rule [W3]: each event carries the hash of the one before it, of the same epoch: one that is edited, dropped or put in shows.
 * Rule [W4]: no event holds a secret: keys are named by their public halves, auth keys by their IDs.
 * Rule [W16]: events of one request share their group, which is the request's ID; what the control plane does of itself in an act is grouped with it.
 */

import { auditPreimage, canonicalJson, propertyOf, type EventKind, type Role } from "../../protocol/index.ts";
import { encodeHex } from "../../tka/index.ts";
import { sha256 } from "../sha256.ts";
import type { Row, Store } from "../store.ts";

export { EVENT_KINDS, type EventKind } from "../../protocol/index.ts";

/**
 * Who does something: a person, a node, an OAuth client, the deployment's operator, or a control plane by itself (ours, or that of a tailnet with
 * which nodes are shared). The words are Tailscale's, OPERATOR aside.
 */
export interface Actor {
  readonly type: "USER" | "NODE" | "OAUTH_CLIENT" | "OPERATOR" | "AUTOMATED_WORKER";
  readonly id: string;
  /** A name for people to read. */
  readonly name: string;
  /** Of a person: the login name. */
  readonly login?: string;
  /** Of a person: the ID of the access token that was used; none in a session. */
  readonly credential?: string;
  /** Of an OAuth client. */
  readonly tags?: readonly string[];
}

/** By which door it came in: a node's own request, the admin API by a token, its pages by a signed-in person, or none. */
export type Origin = "NODE" | "CONFIG_API" | "ADMIN_CONSOLE" | "CONTROL";

/** Who, by which door, and in answer to what. */
export interface By {
  readonly actor: Actor;
  readonly origin: Origin;
  /** The ID of the request [W16]; empty for what belongs to the act at hand, whichever that is. */
  readonly group: string;
  /** The role by which the door let a person through [P54]. */
  readonly role?: Role;
  /** True where it was decided in an earlier act, and only its end is told: who has decided it may have no right any more. */
  readonly isEarlier?: true;
}

export const BY_SYSTEM: By = {
  actor: { type: "AUTOMATED_WORKER", id: "tailward", name: "Tailward" },
  origin: "CONTROL",
  group: "",
};

/** What an event is about; Tailscale's words, LOGIN aside: a node that waits to be let in. `property` is `TKA` for the lock. */
export interface Target {
  readonly type:
    | "TAILNET"
    | "USER"
    | "NODE"
    | "API_KEY"
    | "INVITE"
    | "SHARE"
    | "WEBHOOK_ENDPOINT"
    | "ADMIN_CONSOLE"
    | "FAILED_REQUEST"
    | "LOGIN";
  readonly id: string;
  readonly name: string;
  /** Of a node: true where it is ephemeral. */
  readonly isEphemeral?: boolean;
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
  /** The ID of the request [W16]; null in an event that was stored before there were any. */
  readonly group: string | null;
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
    group: row.textOrNull("event_group"),
    hash: row.bytes("hash"),
  };
}

/** The hash of an event that follows one with the hash `before`; of the first one of an epoch it is empty. */
export function eventHash(before: Uint8Array, event: Omit<StoredEvent, "hash">): Uint8Array {
  return new Uint8Array(sha256(before, auditPreimage(event)));
}

function newGroup(): string {
  return encodeHex(crypto.getRandomValues(new Uint8Array(16)));
}

export class Events {
  readonly #store: Store;
  /** What the events of the act at hand are grouped by; empty while it has none. */
  #group = "";

  constructor(store: Store) {
    this.#store = store;
  }

  #lastHash(epoch: string): Uint8Array {
    const row = this.#store.row("SELECT hash FROM events WHERE epoch = ? ORDER BY seq DESC LIMIT 1", epoch);
    return row?.bytes("hash") ?? new Uint8Array(0);
  }

  /** Begins an act, in answer to the request with the ID `group`; empty where there is none, or whoever acts brings it along. */
  begin(group: string): void {
    this.#group = group;
  }

  /** [W16] */
  #groupOf({ group }: By): string {
    if (group !== "") this.#group = group;
    else if (this.#group === "") this.#group = newGroup();
    return this.#group;
  }

  /** Stores an event as the one numbered `seq` of the epoch. */
  add(by: By, event: NewEvent, epoch: string, seq: number, now: number): void {
    const fields = {
      epoch,
      seq,
      at: now,
      kind: event.kind,
      actor: canonicalJson(by.actor),
      origin: by.origin,
      target: canonicalJson({ property: propertyOf(event.kind) ?? undefined, ...event.target }),
      old: canonicalJson(event.old ?? null),
      new: canonicalJson(event.new ?? null),
      group: this.#groupOf(by),
    };
    this.#store.run(
      `INSERT INTO events (epoch, seq, at, kind, actor, origin, target, old, new, event_group, hash)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...Object.values(fields),
      eventHash(this.#lastHash(epoch), fields),
    );
  }

  /** Up to `limit` events after `seq`, the oldest first. */
  after(seq: number, limit: number): StoredEvent[] {
    return this.#store.rows("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit).map(eventOf);
  }

  /** The same, of at most so many characters in all, but one in any case; and whether there are more. */
  page(seq: number, limit: number, characters: number): { readonly rows: StoredEvent[]; readonly isMore: boolean } {
    const size = "length(actor) + length(target) + length(old) + length(new)";
    const sizes = this.#store.rows(
      `SELECT ${size} AS size FROM events WHERE seq > ? ORDER BY seq LIMIT ?`,
      seq,
      limit + 1,
    );
    let [count, sum] = [0, 0];
    for (const row of sizes.slice(0, limit)) {
      sum += row.integer("size");
      if (count > 0 && sum > characters) break;
      count += 1;
    }
    return { rows: this.after(seq, count), isMore: count < sizes.length };
  }

  /** The event with that number, or null. */
  at(seq: number): StoredEvent | null {
    const row = this.#store.row("SELECT * FROM events WHERE seq = ?", seq);
    return row === null ? null : eventOf(row);
  }
}
