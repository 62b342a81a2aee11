/**
 * A Chonk over one chain's rows in an object's SQLite. Rows are read anew each time, so a transaction that is rolled back leaves nothing
 * behind; only decoding is remembered, since what a hash names never changes.
 */

import {
  TkaError,
  reviveStoredAum,
  type AumHash,
  type Chonk,
  type Prepared,
  type PreparedCompaction,
  type VerifiedAum,
} from "../tka/index.ts";
import type { Row, Store } from "./store.ts";

/** Decoded AUMs that are kept: a walk's worth. */
const KEPT_AUMS = 2048;

export class SqliteChonk implements Chonk {
  readonly #store: Store;
  readonly #chain: number;
  readonly #decoded = new Map<AumHash, VerifiedAum>();

  constructor(store: Store, chain: number) {
    this.#store = store;
    this.#chain = chain;
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
    const row = this.#store.row("SELECT hash, bytes FROM aums WHERE chain = ? AND hash = ?", this.#chain, hash);
    return row === null ? null : this.#revive(row);
  }

  children(parent: AumHash): readonly VerifiedAum[] {
    return this.#store
      .rows("SELECT hash, bytes FROM aums WHERE chain = ? AND parent = ? ORDER BY hash", this.#chain, parent)
      .map((row) => this.#revive(row));
  }

  heads(): readonly VerifiedAum[] {
    return this.#store
      .rows(
        `SELECT hash, bytes FROM aums AS a WHERE chain = ?
         AND NOT EXISTS (SELECT 1 FROM aums AS b WHERE b.chain = a.chain AND b.parent = a.hash)`,
        this.#chain,
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
      .rows("SELECT hash FROM aums WHERE chain = ?", this.#chain)
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
      for (const { hash, parent, bytes } of prepared.verified)
        this.#store.run(
          "INSERT OR IGNORE INTO aums (chain, hash, parent, committed, bytes) VALUES (?, ?, ?, ?, ?)",
          this.#chain,
          hash,
          parent,
          now,
          bytes,
        );
      this.#store.run(
        "UPDATE chains SET head = ?, ancestor = ? WHERE id = ?",
        prepared.head,
        prepared.oldestAncestor,
        this.#chain,
      );
    });
  }

  compact(prepared: PreparedCompaction): void {
    this.#store.transaction(() => {
      this.#requireHead(prepared.headBefore);
      for (const hash of prepared.purge)
        this.#store.run("DELETE FROM aums WHERE chain = ? AND hash = ?", this.#chain, hash);
      this.#store.run("UPDATE chains SET ancestor = ? WHERE id = ?", prepared.oldestAncestor, this.#chain);
    });
  }

  removeAll(): void {
    this.#store.transaction(() => {
      this.#store.run("DELETE FROM aums WHERE chain = ?", this.#chain);
      this.#store.run("UPDATE chains SET head = NULL, ancestor = NULL WHERE id = ?", this.#chain);
    });
  }
}
