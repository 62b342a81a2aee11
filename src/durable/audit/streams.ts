/**
 * Where the log is sent as it grows, one place at most, and how far it is. Everything here runs inside the caller's transaction.
 *
 * Rule [W23]: events go out in the order of their numbers, a batch at a time, each at least once: how far the stream is follows from what was taken
 *             alone. A batch that fails, or of which nothing is heard, is made anew, ever more rarely, for as long as the stream is set.
 */

import type { Row, Store } from "../store.ts";

export const STREAM_DESTINATIONS = ["splunk", "ndjson"] as const;
export type StreamDestination = (typeof STREAM_DESTINATIONS)[number];
export const STREAM_COMPRESSIONS = ["none", "gzip", "zstd"] as const;
export type StreamCompression = (typeof STREAM_COMPRESSIONS)[number];

/** What an admin says of a stream. Names as Tailscale's API has them. */
export interface StreamSettings {
  readonly destinationType: StreamDestination;
  readonly url: string;
  /** Empty for none. */
  readonly user: string;
  readonly compressionFormat: StreamCompression;
  /** Minutes between two batches; 0 for none. */
  readonly uploadPeriodMinutes: number;
}

/** Times in milliseconds since the epoch. */
export interface LogStream extends StreamSettings {
  /** What its token is sealed for. */
  readonly id: string;
  /** The token, sealed, or null where there is none. */
  readonly box: Uint8Array | null;
  readonly created: number;
  /** The number of the last event that was taken. */
  readonly sent: number;
  /** Counts batches that were begun; the last one is under way until `taken`. */
  readonly batch: number;
  readonly taken: number | null;
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
}

function streamOf(row: Row): LogStream {
  return {
    id: row.text("id"),
    destinationType: row.text("destination") as StreamDestination,
    url: row.text("url"),
    user: row.text("user"),
    compressionFormat: row.text("compression") as StreamCompression,
    uploadPeriodMinutes: row.integer("period"),
    box: row.bytesOrNull("box"),
    created: row.integer("created"),
    sent: row.integer("sent"),
    batch: row.integer("batch"),
    taken: row.integerOrNull("taken"),
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

  find(): LogStream | null {
    const row = this.#store.row("SELECT * FROM log_streams");
    return row === null ? null : streamOf(row);
  }

  /** Sets up a stream that begins after the event `sent`. */
  add(id: string, settings: StreamSettings, box: Uint8Array | null, sent: number, now: number): void {
    const sql = `INSERT INTO log_streams (one, id, destination, url, user, compression, period, box, created, sent)
      VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    this.#store.run(sql, id, ...this.#values(settings), box, now, sent);
  }

  /** Changes what is said of it; it goes on from where it is, at once. */
  change(settings: StreamSettings, box: Uint8Array | null): void {
    const sql = `UPDATE log_streams SET destination = ?, url = ?, user = ?, compression = ?, period = ?, box = ?, due = 0, tries = 0,
      failing = NULL, told = 0, taken = NULL, batch = batch + 1`;
    this.#store.run(sql, ...this.#values(settings), box);
  }

  #values({ destinationType, url, user, compressionFormat, uploadPeriodMinutes }: StreamSettings) {
    return [destinationType, url, user, compressionFormat, uploadPeriodMinutes] as const;
  }

  remove(): void {
    this.#store.run("DELETE FROM log_streams");
  }

  begin(until: number): void {
    this.#store.run("UPDATE log_streams SET batch = batch + 1, taken = ?", until);
  }

  settle(outcome: BatchOutcome, now: number): void {
    if (outcome.ok) {
      const sql = `UPDATE log_streams SET sent = ?, entries = entries + ?, bytes = bytes + ?, requests = requests + 1, due = ?, taken = NULL,
        tries = 0, failing = NULL, told = 0, last_activity = ?, last_error = ''`;
      this.#store.run(sql, outcome.upTo, outcome.entries, outcome.bytes, outcome.due, now);
      return;
    }
    const sql = `UPDATE log_streams SET requests = requests + 1, failures = failures + 1, due = ?1, taken = NULL, tries = tries + 1,
      failing = IFNULL(failing, ?2), last_activity = ?2, last_error = ?3`;
    this.#store.run(sql, outcome.due, now, outcome.error);
  }

  setTold(): void {
    this.#store.run("UPDATE log_streams SET told = 1");
  }
}
