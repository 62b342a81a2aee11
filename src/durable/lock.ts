/**
 * The tailnet's lock as the object holds it: the active chain, the retired ones, and the authority over the active one.
 * Everything here runs inside the caller's transaction.
 */

import {
  equalBytes,
  resumeAuthority,
  type AumHash,
  type Authority,
  type Prepared,
  type VerifiedAum,
} from "../tka/index.ts";
import { MAX_LOSING_AUMS, MAX_LOSING_BYTES } from "../protocol/index.ts";
import { ControlError } from "./refuse.ts";
import { SqliteChonk } from "./sqlite-chonk.ts";
import type { Store } from "./store.ts";

/** The active chain. */
export interface ActiveLock {
  readonly chain: number;
  readonly chonk: SqliteChonk;
  readonly authority: Authority;
}

export class Lock {
  readonly #store: Store;
  /** What was read last; good as long as the stored head is its head, so that a transaction that is rolled back does it no harm. */
  #known: ActiveLock | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The active chain, or null where the lock is off. Opened from storage once, then followed. */
  active(): ActiveLock | null {
    const row = this.#store.row("SELECT id, head FROM chains WHERE retired IS NULL");
    if (row === null) return null;
    const chain = row.integer("id");
    if (this.#known?.chain === chain && this.#known.authority.head === row.textOrNull("head")) return this.#known;
    const chonk = this.#known?.chain === chain ? this.#known.chonk : new SqliteChonk(this.#store, chain);
    this.#known = { chain, chonk, authority: resumeAuthority(chonk) };
    return this.#known;
  }

  /** The active chain. Throws `lock_not_enabled`. */
  require(): ActiveLock {
    const active = this.active();
    if (active === null) throw new ControlError("lock_not_enabled", "tailnet lock is not enabled in this tailnet");
    return active;
  }

  head(): AumHash | null {
    return this.active()?.authority.head ?? null;
  }

  /** Begins a chain with a genesis prepared against nothing. `finishDigest` tells a repeated finish from another. */
  begin(prepared: Prepared, finishDigest: Uint8Array, now: number): void {
    this.#store.run(
      "INSERT INTO chains (genesis, finish_digest, enabled) VALUES (?, ?, ?)",
      prepared.head,
      finishDigest,
      now,
    );
    const chain = this.#store.row("SELECT id FROM chains WHERE retired IS NULL")?.integer("id") ?? 0;
    const chonk = new SqliteChonk(this.#store, chain);
    chonk.commit(prepared, now);
  }

  /**
   * Commits what was prepared against the active chain, and opens it again as the next start will: what could not be opened then is not
   * stored now. Throws `head_moved`, and `chain_too_long` where too many AUMs stand after the last checkpoint.
   */
  append({ chain, chonk }: ActiveLock, prepared: Prepared, now: number): void {
    chonk.commit(prepared, now);
    this.#known = { chain, chonk, authority: resumeAuthority(chonk) };
  }

  /** Counts AUMs of branches that did not win. False where there are more of them than are kept [Y3]. */
  countLosers({ chain }: ActiveLock, losers: readonly VerifiedAum[]): boolean {
    if (losers.length === 0) return true;
    const bytes = losers.reduce((sum, aum) => sum + aum.bytes.length, 0);
    const row = this.#store.row(
      `UPDATE chains SET losing_aums = losing_aums + ?, losing_bytes = losing_bytes + ? WHERE id = ?
       RETURNING losing_aums, losing_bytes`,
      losers.length,
      bytes,
      chain,
    );
    if (row === null) throw new Error("the active chain is not stored");
    return row.integer("losing_aums") <= MAX_LOSING_AUMS && row.integer("losing_bytes") <= MAX_LOSING_BYTES;
  }

  /** Turns the lock off: the chain is kept, with the secret that retired it, for nodes that have slept. A sealed support secret goes. */
  retire({ chain }: ActiveLock, secret: Uint8Array, now: number): void {
    this.#store.run("UPDATE chains SET retired = ?, secret = ?, support_box = NULL WHERE id = ?", now, secret, chain);
  }

  /** True if the last retired chain was retired by this secret: a disable whose answer was lost is asked again. */
  retiredBy(secret: Uint8Array): boolean {
    const last = this.#store.row("SELECT secret FROM chains WHERE retired IS NOT NULL ORDER BY id DESC LIMIT 1");
    const known = last?.bytesOrNull("secret") ?? null;
    return known !== null && equalBytes(known, secret);
  }

  /** The secret that retired the chain that `head` is on, or null where it is on none of those. Such secrets are public. */
  secretFor(head: AumHash): Uint8Array | null {
    const row = this.#store.row(
      `SELECT secret FROM chains JOIN aums ON aums.chain = chains.id
       WHERE retired IS NOT NULL AND aums.hash = ? ORDER BY chains.id DESC LIMIT 1`,
      head,
    );
    return row?.bytesOrNull("secret") ?? null;
  }

  /** The genesis of the active chain, in its canonical encoding. */
  genesis({ chain }: ActiveLock): Uint8Array {
    const row = this.#store.row(
      "SELECT bytes FROM chains JOIN aums ON aums.chain = chains.id AND aums.hash = chains.genesis WHERE chains.id = ?",
      chain,
    );
    if (row === null) throw new Error("the genesis of the active chain is not stored");
    return row.bytes("bytes");
  }

  /** The geneses of all retired chains, in their canonical encoding. */
  retiredGeneses(): Uint8Array[] {
    return this.#store
      .rows(
        `SELECT bytes FROM chains JOIN aums ON aums.chain = chains.id AND aums.hash = chains.genesis
         WHERE retired IS NOT NULL`,
      )
      .map((row) => row.bytes("bytes"));
  }

  /** The digest of the finish that enabled the active chain. */
  finishDigest({ chain }: ActiveLock): Uint8Array {
    const row = this.#store.row("SELECT finish_digest FROM chains WHERE id = ?", chain);
    return row?.bytes("finish_digest") ?? new Uint8Array(0);
  }

  /** All stored AUMs of the active chain, parents first: for exporting it. */
  export({ chonk }: ActiveLock): Uint8Array[] {
    const isOldest = (aum: VerifiedAum): boolean => aum.parent === null || chonk.aum(aum.parent) === null;
    const all = chonk
      .hashes()
      .map((hash) => chonk.aum(hash))
      .filter((aum) => aum !== null);
    const ordered = all.filter(isOldest);
    for (const aum of ordered) ordered.push(...chonk.children(aum.hash));
    return ordered.map(({ bytes }) => bytes);
  }
}
