/**
 * A Chonk over one chain's rows in an object's SQLite. Rows are read anew each time, so a transaction that is rolled back leaves nothing
 * behind; only decoding is remembered, since what a hash names never changes. The archive [Y4] is no part of the Chonk: to the authority the
 * chain begins at its last active ancestor, as after Go's compaction. A commit gives every AUM its place on the active chain (places.ts).
 */

import {
  AUM_KIND,
  TkaError,
  reviveStoredAum,
  type AumHash,
  type Chonk,
  type Prepared,
  type PreparedCompaction,
  type VerifiedAum,
} from "../../tka/index.ts";
import { Places } from "./places.ts";
import type { Row, Store } from "../store.ts";

/** Decoded AUMs that are kept: a walk's worth. */
const KEPT_AUMS = 2048;
/** What is not in the archive. */
const LIVE = "(a.place IS NULL OR a.place >= (SELECT ancestor_place FROM chains WHERE id = a.chain))";

export class SqliteChonk implements Chonk {
  readonly places: Places;
  readonly #store: Store;
  readonly #chain: number;
  readonly #decoded = new Map<AumHash, VerifiedAum>();

  constructor(store: Store, chain: number) {
    this.#store = store;
    this.#chain = chain;
    this.places = new Places(store, chain);
  }

  #revive(row: Row): VerifiedAum {
    const hash = row.text("hash") as AumHash;
    const known = this.#decoded.get(hash);
    if (known !== undefined) return known;
    const aum = reviveStoredAum(hash, row.bytes("bytes"));
    const oldest = this.#decoded.size < KEPT_AUMS ? undefined : this.#decoded.keys().next().value;
    if (oldest !== undefined) this.#decoded.delete(oldest);
    this.#decoded.set(hash, aum);
    return aum;
  }

  aum(hash: AumHash): VerifiedAum | null {
    const row = this.#store.row(
      `SELECT hash, bytes FROM aums AS a WHERE chain = ? AND hash = ? AND ${LIVE}`,
      this.#chain,
      hash,
    );
    return row === null ? null : this.#revive(row);
  }

  children(parent: AumHash): readonly VerifiedAum[] {
    return this.#store
      .rows(
        `SELECT hash, bytes FROM aums AS a INDEXED BY aums_parent WHERE chain = ? AND parent = ? AND ${LIVE}`,
        this.#chain,
        parent,
      )
      .map((row) => this.#revive(row));
  }

  /** Of the active chain only its end can be one: the rest is not looked at. */
  heads(): readonly VerifiedAum[] {
    const childless = "NOT EXISTS (SELECT 1 FROM aums AS b WHERE b.chain = a.chain AND b.parent = a.hash)";
    return this.#store
      .rows(
        `SELECT hash, bytes FROM aums AS a WHERE chain = ? AND place IS NULL AND ${childless}
         UNION ALL SELECT hash, bytes FROM aums AS a WHERE chain = ? AND place = ? AND ${childless}`,
        this.#chain,
        this.#chain,
        this.places.head(),
      )
      .map((row) => this.#revive(row));
  }

  #pointer(column: "head" | "ancestor"): AumHash | null {
    const row = this.#store.row(`SELECT ${column} FROM chains WHERE id = ?`, this.#chain);
    return (row?.textOrNull(column) ?? null) as AumHash | null;
  }

  lastActiveAncestor(): AumHash | null {
    return this.#pointer("ancestor");
  }

  head(): AumHash | null {
    return this.#pointer("head");
  }

  hashes(): readonly AumHash[] {
    return this.#store
      .rows(`SELECT hash FROM aums AS a WHERE chain = ? AND ${LIVE}`, this.#chain)
      .map((row) => row.text("hash") as AumHash);
  }

  commitTime(hash: AumHash): number | null {
    const row = this.#store.row("SELECT committed FROM aums WHERE chain = ? AND hash = ?", this.#chain, hash);
    return row?.integer("committed") ?? null;
  }

  #requireHead(expected: AumHash | null): void {
    const head = this.head();
    if (head !== expected)
      throw new TkaError("head_moved", "the chain has moved on", head === null ? {} : { subject: head });
  }

  commit(prepared: Prepared, now: number): void {
    this.#store.transaction(() => {
      this.#requireHead(prepared.headBefore);
      const added = new Map(prepared.verified.map(({ hash, parent }) => [hash, parent]));
      const { first, hashes } = this.places.wayTo(prepared.head, added);
      this.places.clear(first);
      const placed = new Map(hashes.map((hash, index) => [hash, first + index]));
      for (const aum of prepared.verified) {
        this.#insert(aum, placed.get(aum.hash) ?? null, now);
        placed.delete(aum.hash);
      }
      for (const [hash, place] of placed) this.places.set(hash, place);
      this.#point(prepared.head, prepared.oldestAncestor);
    });
  }

  /** Stores an AUM, unless it is stored [C3]. */
  #insert({ hash, parent, bytes, aum }: VerifiedAum, place: number | null, now: number): void {
    this.#store.run(
      `INSERT INTO aums (chain, hash, parent, committed, bytes, place, checkpoint, loser) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (chain, hash) DO UPDATE SET place = excluded.place WHERE excluded.place IS NOT NULL`,
      this.#chain,
      hash,
      parent,
      now,
      bytes,
      place,
      aum.kind === AUM_KIND.checkpoint ? 1 : 0,
      place === null ? 1 : 0,
    );
  }

  #point(head: AumHash, ancestor: AumHash): void {
    this.#store.run(
      "UPDATE chains SET head = ?, ancestor = ?, ancestor_place = ? WHERE id = ?",
      head,
      ancestor,
      this.places.of(ancestor) ?? 0,
      this.#chain,
    );
  }

  compact(prepared: PreparedCompaction): void {
    this.#store.transaction(() => {
      this.#requireHead(prepared.headBefore);
      for (const hash of prepared.purge)
        this.#store.run("DELETE FROM aums WHERE chain = ? AND hash = ?", this.#chain, hash);
      this.#point(prepared.headBefore, prepared.oldestAncestor);
    });
  }

  removeAll(): void {
    this.#store.transaction(() => {
      this.#store.run("DELETE FROM aums WHERE chain = ?", this.#chain);
      this.#store.run("UPDATE chains SET head = NULL, ancestor = NULL, ancestor_place = 0 WHERE id = ?", this.#chain);
    });
  }
}
