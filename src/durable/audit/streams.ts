/**
 * Where the log is sent as it grows: one place at most, and those that it was sent to before, until they have heard of their end. Everything here runs
 * inside the caller's transaction.
 *
 * Rule [W23]: events go out in the order of their numbers, a batch at a time, each at least once: how far a stream is follows from what was taken
 *             alone. A batch that fails, or of which nothing is heard, is made anew, ever more rarely, for as long as the stream is set.
 * Rule [W26]: a stream that ends is sent on up to the event that ends it, for a day at most; then it is forgotten, with its address and token. Whoever
 *             takes a stream away, or turns it to another place, cannot keep the old place from hearing of it. So many wait for that at a time; of more,
 *             the one that was set for the shortest time is not told. One alone is set at a time: whoever sets many pushes out their own.
 */

import type { Row, Store } from "../store.ts";

export const STREAM_DESTINATIONS = ["splunk", "ndjson"] as const;
export type StreamDestination = (typeof STREAM_DESTINATIONS)[number];
export const STREAM_COMPRESSIONS = ["none", "gzip", "zstd"] as const;
export type StreamCompression = (typeof STREAM_COMPRESSIONS)[number];

/** Places that have yet to hear of their end. */
const MOST_ENDED = 8;

/** How a stream is sent: what may change while it goes on. */
export interface StreamManner {
  readonly compressionFormat: StreamCompression;
  /** Minutes between two batches; 0 for none. */
  readonly uploadPeriodMinutes: number;
}

/** What an admin says of a stream, its address and token aside. Names as Tailscale's API has them. */
export interface StreamSettings extends StreamManner {
  readonly destinationType: StreamDestination;
  /** Empty for none. */
  readonly user: string;
}

/** A stream that is to be. */
export interface NewStream extends StreamSettings {
  /** What its address and token are sealed for. */
  readonly id: string;
  /** Of its address, for people to read: the rest may be a secret. */
  readonly origin: string;
  /** Its address, sealed. */
  readonly address: Uint8Array;
  /** The token, sealed, or null where there is none. */
  readonly box: Uint8Array | null;
}

/** Times in milliseconds since the epoch. */
export interface LogStream extends NewStream {
  readonly created: number;
  /** The number of the last event that was taken. */
  readonly sent: number;
  /** Counts batches that were begun; the last one is under way until `taken`, and `started` once the consumer has it. */
  readonly batch: number;
  readonly taken: number | null;
  readonly started: boolean;
  /** Nothing is begun before. */
  readonly due: number;
  /** Failures since the last success, since when, and whether an event has told of it. */
  readonly tries: number;
  readonly failing: number | null;
  readonly told: boolean;
  readonly lastActivity: number | null;
  /** Of the last batch, or empty. */
  readonly lastError: string;
  /** In all. */
  readonly entries: number;
  readonly bytes: number;
  readonly requests: number;
  readonly failures: number;
  /** When it ended, and the number of the event that ended it; null while it is set. */
  readonly ended: number | null;
  readonly until: number | null;
}

function streamOf(row: Row): LogStream {
  return {
    id: row.text("id"),
    destinationType: row.text("destination") as StreamDestination,
    origin: row.text("origin"),
    address: row.bytes("address"),
    user: row.text("user"),
    compressionFormat: row.text("compression") as StreamCompression,
    uploadPeriodMinutes: row.integer("period"),
    box: row.bytesOrNull("box"),
    created: row.integer("created"),
    sent: row.integer("sent"),
    batch: row.integer("batch"),
    taken: row.integerOrNull("taken"),
    started: row.integer("started") === 1,
    due: row.integer("due"),
    tries: row.integer("tries"),
    failing: row.integerOrNull("failing"),
    told: row.integer("told") === 1,
    lastActivity: row.integerOrNull("last_activity"),
    lastError: row.text("last_error"),
    entries: row.integer("entries"),
    bytes: row.integer("bytes"),
    requests: row.integer("requests"),
    failures: row.integer("failures"),
    ended: row.integerOrNull("ended"),
    until: row.integerOrNull("until"),
  };
}

/** What came of a batch. */
export type BatchOutcome =
  | { readonly ok: true; readonly upTo: number; readonly entries: number; readonly bytes: number; readonly due: number }
  | { readonly ok: false; readonly error: string; readonly due: number };

export class LogStreams {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The one that is set, or null. */
  find(): LogStream | null {
    const row = this.#store.row("SELECT * FROM log_streams WHERE ended IS NULL");
    return row === null ? null : streamOf(row);
  }

  /** The one that is set, and those that are still to hear of their end. */
  all(): LogStream[] {
    return this.#store.rows("SELECT * FROM log_streams ORDER BY created, id").map(streamOf);
  }

  byId(id: string): LogStream | null {
    const row = this.#store.row("SELECT * FROM log_streams WHERE id = ?", id);
    return row === null ? null : streamOf(row);
  }

  /** Sets up a stream that begins after the event `sent`. */
  add({ id, ...stream }: NewStream, sent: number, now: number): void {
    const { destinationType, origin, address, user, compressionFormat, uploadPeriodMinutes, box } = stream;
    const sql = `INSERT INTO log_streams (id, destination, origin, address, user, compression, period, box, created, sent)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    const values = [destinationType, origin, address, user, compressionFormat, uploadPeriodMinutes, box] as const;
    this.#store.run(sql, id, ...values, now, sent);
  }

  /** Changes how the one that is set is sent; it goes on from where it is, at once. */
  change({ compressionFormat, uploadPeriodMinutes }: StreamManner): void {
    const sql = `UPDATE log_streams SET compression = ?, period = ?, due = 0, tries = 0, failing = NULL, told = 0, taken = NULL, batch = batch + 1
      WHERE ended IS NULL`;
    this.#store.run(sql, compressionFormat, uploadPeriodMinutes);
  }

  /** Ends the one that is set, where there is one, by the event with that number: it is sent what is left at once [W26]. */
  end(until: number, now: number): void {
    const sql = `UPDATE log_streams SET ended = ?, until = ?, due = 0, tries = 0, taken = NULL, batch = batch + 1 WHERE ended IS NULL`;
    this.#store.run(sql, now, until);
    const longest = "SELECT id FROM log_streams WHERE ended IS NOT NULL ORDER BY ended - created DESC, created LIMIT ?";
    this.#store.run(`DELETE FROM log_streams WHERE ended IS NOT NULL AND id NOT IN (${longest})`, MOST_ENDED);
  }

  forget(id: string): void {
    this.#store.run("DELETE FROM log_streams WHERE id = ?", id);
  }

  begin(id: string, until: number): void {
    this.#store.run("UPDATE log_streams SET batch = batch + 1, taken = ?, started = 0 WHERE id = ?", until, id);
  }

  start(id: string): void {
    this.#store.run("UPDATE log_streams SET started = 1 WHERE id = ?", id);
  }

  settle(id: string, outcome: BatchOutcome, now: number): void {
    if (outcome.ok) {
      const sql = `UPDATE log_streams SET sent = ?, entries = entries + ?, bytes = bytes + ?, requests = requests + 1, due = ?, taken = NULL,
        tries = 0, failing = NULL, told = 0, last_activity = ?, last_error = '' WHERE id = ?`;
      this.#store.run(sql, outcome.upTo, outcome.entries, outcome.bytes, outcome.due, now, id);
      return;
    }
    const sql = `UPDATE log_streams SET requests = requests + 1, failures = failures + 1, due = ?1, taken = NULL, tries = tries + 1,
      failing = IFNULL(failing, ?2), last_activity = ?2, last_error = ?3 WHERE id = ?4`;
    this.#store.run(sql, outcome.due, now, outcome.error, id);
  }

  setTold(id: string): void {
    this.#store.run("UPDATE log_streams SET told = 1 WHERE id = ?", id);
  }
}
