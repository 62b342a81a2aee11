/**
 * What has happened and is not yet known to have arrived: for the lane `record` (D1) one row an event; for the lane `sessions` one number, the seq
 * up to which all sessions objects were told. Everything here runs inside the caller's transaction.
 *
 * Rule [W10]: an event's outbox row is written in the event's transaction, and goes when the consumer acknowledges it, not when it is sent.
 */

import type { EventKind } from "../audit/events.ts";
import type { Store } from "../store.ts";

export type Lane = "sessions" | "record";

/** What a queue carries: where to look, never what is there. */
export interface Pointer {
  readonly tailnet: string;
  /** A pointer into another epoch than the tailnet's own leads nowhere any more. */
  readonly epoch: string;
  readonly seq: number;
  readonly kind: EventKind;
  /** The ID of the request that the event is of, for whoever logs; empty where it has none. */
  readonly request: string;
}

/** An event that has not arrived. */
export type Pending = Pick<Pointer, "seq" | "kind" | "request">;

export class Outbox {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Puts in the event with that number. */
  add(seq: number): void {
    this.#store.run("INSERT INTO outbox (seq) VALUES (?)", seq);
  }

  /** Up to `limit` events that D1 is not known to have, of those after `after` and up to `upTo`, the oldest first. */
  records(after: number, upTo: number, limit: number): Pending[] {
    return this.#pending(
      `SELECT outbox.seq, kind, event_group FROM outbox JOIN events ON events.seq = outbox.seq
       WHERE outbox.seq > ? AND outbox.seq <= ? ORDER BY outbox.seq LIMIT ?`,
      after,
      upTo,
      limit,
    );
  }

  /** The newest event after `after` that the sessions objects are not known to have heard of, or null. */
  news(after: number): Pending | null {
    const clause = "WHERE seq > ? AND seq > (SELECT sessions FROM delivery) ORDER BY seq DESC LIMIT 1";
    return this.#pending(`SELECT seq, kind, event_group FROM events ${clause}`, after)[0] ?? null;
  }

  #pending(sql: string, ...values: number[]): Pending[] {
    return this.#store.rows(sql, ...values).map((row) => ({
      seq: row.integer("seq"),
      kind: row.text("kind") as EventKind,
      request: row.textOrNull("event_group") ?? "",
    }));
  }

  /** The seq up to which all sessions objects are known to have heard. */
  get told(): number {
    return this.#store.row("SELECT sessions FROM delivery")?.integer("sessions") ?? 0;
  }

  isEmpty(): boolean {
    return this.records(-1, Number.MAX_SAFE_INTEGER, 1).length === 0 && this.news(-1) === null;
  }

  /** Notes that these events have arrived; again is a no-op. For sessions, the greatest of them stands for all before it. */
  acknowledge(lane: Lane, seqs: readonly number[]): void {
    if (lane === "record") {
      this.#store.run("DELETE FROM outbox WHERE seq IN (SELECT value FROM json_each(?))", JSON.stringify(seqs));
      return;
    }
    const seq = Math.max(-1, ...seqs);
    this.#store.run("UPDATE delivery SET sessions = ?1 WHERE sessions < ?1", seq);
  }

  /** How often what is pending was sent again, since anything last arrived. */
  get tries(): number {
    return this.#store.row("SELECT tries FROM delivery")?.integer("tries") ?? 0;
  }

  set tries(tries: number) {
    this.#store.run("UPDATE delivery SET tries = ?1 WHERE tries <> ?1", tries);
  }
}
