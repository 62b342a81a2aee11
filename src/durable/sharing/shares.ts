/** The tables of shares and of the links that carry them. Everything here runs inside the caller's transaction. */

import type { By } from "../audit/events.ts";
import { isSecretOf } from "../secret.ts";
import { sha256 } from "../sha256.ts";
import type { Row, Store } from "../store.ts";

/** `out` is at home, where the node is; `in` where it was accepted. */
export type Side = "out" | "in";

export interface Share {
  readonly id: string;
  readonly side: Side;
  /** The stable ID of the node at home; empty where it is not known yet. */
  readonly node: string;
  /** The other tailnet; null while nobody has accepted. */
  readonly other: string | null;
  readonly otherName: string | null;
  /** Milliseconds since the epoch, as all that follow. */
  readonly created: number;
  /** When an invite lapses that nobody has accepted. */
  readonly expires: number;
  readonly accepted: number | null;
  readonly ended: number | null;
  /** Who accepts, on the side where that is. */
  readonly by: By | null;
}

/** What is known of the exchange with another tailnet. */
export interface Link {
  readonly other: string;
  readonly name: string;
  /** The number of its user here. */
  readonly user: number;
  readonly seenEpoch: string;
  readonly seenEra: number;
  readonly seenSeq: number;
  /** Digest of its statement that was taken last. */
  readonly seenDigest: string;
  /** Digest of ours that it has taken. */
  readonly acked: string;
  /** The seq up to which we know whether we have anything new to say. */
  readonly checked: number;
  /** When to say it (again), or null where there is nothing to say. */
  readonly due: number | null;
  readonly tries: number;
  /** Stable IDs of our nodes, and the IDs that they have there. */
  readonly placed: readonly (readonly [node: string, id: number])[];
  /** Nodes that it tells of and that are not let in. */
  readonly refused: number;
}

/** Milliseconds for which a share that has ended is remembered: whoever ends it again is answered with success. */
const MEMORY_MS = 30 * 24 * 60 * 60 * 1000;

function shareOf(row: Row): Share {
  const by = row.textOrNull("accepted_by");
  return {
    id: row.text("id"),
    side: row.text("side") as Side,
    node: row.text("node"),
    other: row.textOrNull("other"),
    otherName: row.textOrNull("other_name"),
    created: row.integer("created"),
    expires: row.integer("expires"),
    accepted: row.integerOrNull("accepted"),
    ended: row.integerOrNull("ended"),
    by: by === null ? null : { group: "", ...(JSON.parse(by) as Omit<By, "group">), isEarlier: true },
  };
}

function linkOf(row: Row): Link {
  return {
    other: row.text("other"),
    name: row.text("name"),
    user: row.integer("user"),
    seenEpoch: row.text("seen_epoch"),
    seenEra: row.integer("seen_era"),
    seenSeq: row.integer("seen_seq"),
    seenDigest: row.text("seen_digest"),
    acked: row.text("acked"),
    checked: row.integer("checked"),
    due: row.integerOrNull("due"),
    tries: row.integer("tries"),
    placed: JSON.parse(row.text("placed")) as Link["placed"],
    refused: row.integer("refused"),
  };
}

export class Shares {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** All shares, ended ones included, the oldest first. */
  all(): Share[] {
    return this.#store.rows("SELECT * FROM shares ORDER BY created, id").map(shareOf);
  }

  get(id: string, side: Side): Share | null {
    const row = this.#store.row("SELECT * FROM shares WHERE id = ? AND side = ?", id, side);
    return row === null ? null : shareOf(row);
  }

  /** Shares with another tailnet that go on, in order of ID. */
  with(other: string, side: Side): Share[] {
    return this.#store
      .rows("SELECT * FROM shares WHERE other = ? AND side = ? AND ended IS NULL ORDER BY id", other, side)
      .map(shareOf);
  }

  /** Shares whose node is gone, or that nobody has completed in time. */
  lapsed(now: number): Share[] {
    return this.#store
      .rows(
        `SELECT * FROM shares WHERE ended IS NULL AND
         ((side = 'out' AND node NOT IN (SELECT stable_id FROM nodes)) OR (accepted IS NULL AND expires <= ?))`,
        now,
      )
      .map(shareOf);
  }

  /** Open or accepted shares. Older ones that have ended are forgotten. */
  count(now: number): number {
    this.#store.run("DELETE FROM shares WHERE ended <= ?", now - MEMORY_MS);
    return this.#store.row("SELECT COUNT(*) AS shares FROM shares WHERE ended IS NULL")?.integer("shares") ?? 0;
  }

  any(): boolean {
    return this.#store.row("SELECT 1 FROM shares WHERE ended IS NULL UNION ALL SELECT 1 FROM links LIMIT 1") !== null;
  }

  addOut(id: string, node: string, secret: string, created: number, expires: number): void {
    this.#store.run(
      "INSERT INTO shares (id, side, node, secret_hash, created, expires) VALUES (?, 'out', ?, ?, ?, ?)",
      id,
      node,
      sha256(secret),
      created,
      expires,
    );
  }

  /** A share that this tailnet is about to accept. */
  addIn(id: string, other: string, by: By, created: number, expires: number): void {
    this.#store.run(
      `INSERT OR REPLACE INTO shares (id, side, node, other, created, expires, accepted_by) VALUES (?, 'in', '', ?, ?, ?, ?)`,
      id,
      other,
      created,
      expires,
      JSON.stringify(by),
    );
  }

  /** True if that is the secret of the invite. An unknown share and a wrong secret look alike. */
  opens(id: string, secret: string): boolean {
    const row = this.#store.row("SELECT secret_hash FROM shares WHERE id = ? AND side = 'out'", id);
    return isSecretOf(row?.bytesOrNull("secret_hash") ?? null, secret);
  }

  accept(id: string, side: Side, other: string, otherName: string, node: string, now: number): void {
    this.#store.run(
      "UPDATE shares SET other = ?, other_name = ?, node = ?, accepted = ? WHERE id = ? AND side = ?",
      other,
      otherName,
      node,
      now,
      id,
      side,
    );
  }

  end(id: string, side: Side, now: number): void {
    this.#store.run("UPDATE shares SET ended = ?, secret_hash = NULL WHERE id = ? AND side = ?", now, id, side);
  }

  links(): Link[] {
    return this.#store.rows("SELECT * FROM links ORDER BY user").map(linkOf);
  }

  link(other: string): Link | null {
    const row = this.#store.row("SELECT * FROM links WHERE other = ?", other);
    return row === null ? null : linkOf(row);
  }

  /** Begins to exchange with another tailnet, if that has not begun. */
  open(other: string, name: string): void {
    this.#store.run("INSERT INTO links (other, name) VALUES (?, ?) ON CONFLICT (other) DO NOTHING", other, name);
  }

  close(other: string): void {
    this.#store.run("DELETE FROM links WHERE other = ?", other);
  }

  /** Records up to where the other's history was followed. */
  saw(other: string, at: { readonly epoch: string; readonly era: number; readonly seq: number }): void {
    const sql = "UPDATE links SET seen_epoch = ?, seen_era = ?, seen_seq = ? WHERE other = ?";
    this.#store.run(sql, at.epoch, at.era, at.seq, other);
  }

  /** Records what was taken of its statement. */
  took(other: string, name: string, digest: string, refused: number): void {
    this.#store.run(
      "UPDATE links SET name = ?, seen_digest = ?, refused = ? WHERE other = ?",
      name,
      digest,
      refused,
      other,
    );
  }

  place(other: string, placed: Link["placed"]): void {
    this.#store.run("UPDATE links SET placed = ? WHERE other = ?", JSON.stringify(placed), other);
  }

  /** The other has taken a statement of ours with that digest; whether that is still all there is to say is asked anew. */
  acknowledge(other: string, digest: string): void {
    this.#store.run("UPDATE links SET acked = ?, tries = 0, due = NULL, checked = -1 WHERE other = ?", digest, other);
  }

  /** Notes that there may be something to say to all of them that no event tells of. */
  checkAgain(): void {
    this.#store.run("UPDATE links SET checked = -1");
  }

  check(other: string, seq: number, due: number | null): void {
    this.#store.run("UPDATE links SET checked = ?, due = ? WHERE other = ?", seq, due, other);
  }

  /** Nothing came of a try: the next one is at `due`. */
  postpone(other: string, due: number): void {
    this.#store.run("UPDATE links SET due = ?, tries = tries + 1 WHERE other = ?", due, other);
  }
}
