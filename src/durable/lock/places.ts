/**
 * Where the AUMs of one chain stand, so that nobody has to walk: on the active chain each has a place, its distance from the oldest; beside it
 * none has.
 *
 *       0 -> 1 -> 2 -> 3 -> 4 -> 5        place 3 is the last active ancestor: what is before it is the archive, kept for sync alone [Y4].
 *            \- x      \- y               x and y have no place. x went when the ancestor passed the point where it forks off.
 *
 * What is read here is read anew each time: a transaction that is rolled back leaves nothing behind.
 */

import type { AumHash } from "../../tka/index.ts";
import type { Store } from "../store.ts";

/** An AUM of the active chain. */
export interface Placed {
  readonly hash: AumHash;
  readonly place: number;
}

/** The way to a head: the AUMs that have yet to be given their places, the oldest first, and the place that the first of them gets. */
export interface Way {
  readonly first: number;
  readonly hashes: readonly AumHash[];
}

export class Places {
  readonly #store: Store;
  readonly #chain: number;

  constructor(store: Store, chain: number) {
    this.#store = store;
    this.#chain = chain;
  }

  /** The place of an AUM on the active chain, archive included, or null. */
  of(hash: AumHash): number | null {
    const row = this.#store.row("SELECT place FROM aums WHERE chain = ? AND hash = ?", this.#chain, hash);
    return row?.integerOrNull("place") ?? null;
  }

  /** True if the AUM is stored at all: on the chain, in the archive, or beside them. */
  knows(hash: AumHash): boolean {
    return this.#store.row("SELECT 1 FROM aums WHERE chain = ? AND hash = ?", this.#chain, hash) !== null;
  }

  at(place: number): AumHash | null {
    const row = this.#store.row("SELECT hash FROM aums WHERE chain = ? AND place = ?", this.#chain, place);
    return (row?.text("hash") ?? null) as AumHash | null;
  }

  /** The place of the head, or -1 in an empty chain. */
  head(): number {
    const row = this.#store.row("SELECT MAX(place) AS place FROM aums WHERE chain = ?", this.#chain);
    return row?.integerOrNull("place") ?? -1;
  }

  /** The place of the last active ancestor: what has a smaller one is in the archive. */
  ancestor(): number {
    return (
      this.#store.row("SELECT ancestor_place FROM chains WHERE id = ?", this.#chain)?.integer("ancestor_place") ?? 0
    );
  }

  /** The checkpoints with a place after `after`, the newest first, `limit` at most. */
  checkpoints(after: number, limit: number): Placed[] {
    return this.#store
      .rows(
        "SELECT hash, place FROM aums WHERE chain = ? AND checkpoint = 1 AND place > ? ORDER BY place DESC LIMIT ?",
        this.#chain,
        after,
        limit,
      )
      .map((row) => ({ hash: row.text("hash") as AumHash, place: row.integer("place") }));
  }

  /** The AUM's nearest ancestor that has a place, itself included; null where the way there is longer than `limit`, or not stored. */
  nearest(hash: AumHash, limit: number): Placed | null {
    let at: AumHash | null = hash;
    for (let i = 0; i < limit && at !== null; i++) {
      const row = this.#store.row("SELECT parent, place FROM aums WHERE chain = ? AND hash = ?", this.#chain, at);
      if (row === null) return null;
      const place = row.integerOrNull("place");
      if (place !== null) return { hash: at, place };
      at = row.textOrNull("parent") as AumHash | null;
    }
    return null;
  }

  /**
   * The encodings of the AUMs after `after`, the oldest first: `aums` and `bytes` at most, but one where there is one. Few enough are looked at
   * before any is read that a chain of large AUMs fits.
   */
  batch(after: number, aums: number, bytes: number): Uint8Array[] {
    const sizes = this.#store.rows(
      "SELECT place, length(bytes) AS size FROM aums WHERE chain = ? AND place > ? ORDER BY place LIMIT ?",
      this.#chain,
      after,
      aums,
    );
    let [last, total] = [after, 0];
    for (const row of sizes) {
      total += row.integer("size");
      if (total > bytes && last > after) break;
      last = row.integer("place");
    }
    return this.#store
      .rows(
        "SELECT bytes FROM aums WHERE chain = ? AND place > ? AND place <= ? ORDER BY place",
        this.#chain,
        after,
        last,
      )
      .map((row) => row.bytes("bytes"));
  }

  /** The way from what has a place to `head`. `added` gives the parents of AUMs that are about to be stored. */
  wayTo(head: AumHash, added: ReadonlyMap<AumHash, AumHash | null>): Way {
    const hashes: AumHash[] = [];
    for (let at: AumHash | null = head; at !== null;) {
      const row = this.#store.row("SELECT parent, place FROM aums WHERE chain = ? AND hash = ?", this.#chain, at);
      const place = row?.integerOrNull("place") ?? null;
      if (place !== null) return { first: place + 1, hashes: hashes.reverse() };
      if (row === null && !added.has(at)) break;
      hashes.push(at);
      at = row === null ? (added.get(at) ?? null) : (row.textOrNull("parent") as AumHash | null);
    }
    return { first: 0, hashes: hashes.reverse() };
  }

  /** Takes the places from `from` on away: another branch has won. */
  clear(from: number): void {
    this.#store.run("UPDATE aums SET place = NULL WHERE chain = ? AND place >= ?", this.#chain, from);
  }

  set(hash: AumHash, place: number): void {
    this.#store.run("UPDATE aums SET place = ? WHERE chain = ? AND hash = ?", place, this.#chain, hash);
  }
}
