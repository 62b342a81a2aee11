/**
 * The tailnet's lock as the object holds it: the active chain, the retired ones, and the authority over the active one.
 * Everything here runs inside the caller's transaction.
 */

import {
  TkaError,
  authorityAfter,
  equalBytes,
  resumeAuthority,
  type AumHash,
  type Authority,
  type Prepared,
  type VerifiedAum,
} from "../../tka/index.ts";
import { MAX_LOSING_AUMS, MAX_LOSING_BYTES, MAX_SYNC_AUMS } from "../../protocol/index.ts";
import { MAX_LIVE_AUMS, settle } from "./archive.ts";
import type { Places } from "./places.ts";
import { ControlError } from "../refuse.ts";
import { SqliteChonk } from "./sqlite-chonk.ts";
import type { Store } from "../store.ts";

/** The active chain. */
export interface ActiveLock {
  readonly chain: number;
  readonly chonk: SqliteChonk;
  readonly places: Places;
  readonly authority: Authority;
}

function opened(chain: number, chonk: SqliteChonk, authority: Authority): ActiveLock {
  return { chain, chonk, places: chonk.places, authority };
}

function tooLong(): TkaError {
  return new TkaError("chain_too_long", `more than ${MAX_LIVE_AUMS} AUMs since a checkpoint that is settled`);
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
    this.#known = opened(chain, chonk, resumeAuthority(chonk));
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
   * Commits what was prepared against the active chain, and moves its last active ancestor on [Y4]. The ancestor is a checkpoint, so that the
   * next start can open the chain from there. Throws `head_moved`, and `chain_too_long` [Y5].
   */
  append({ chain, chonk, places }: ActiveLock, prepared: Prepared, now: number): void {
    const before = places.head();
    chonk.commit(prepared, now);
    const ancestor = settle(this.#store, chain, places, prepared.verified.length, now);
    const head = places.head();
    if (head > before && head - places.ancestor() >= MAX_LIVE_AUMS) throw tooLong();
    const authority = authorityAfter(prepared);
    this.#known = opened(chain, chonk, { ...authority, oldestAncestor: ancestor ?? authority.oldestAncestor });
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

  /**
   * What a newcomer begins with [Y11]: the genesis, or on a chain that is longer than a batch the last active ancestor. A Tailscale client keeps
   * whatever it took in during the last 14 days, and cannot open a chain of more than 2,000 AUMs again.
   */
  beginning(active: ActiveLock): Uint8Array {
    const { places, chonk, authority } = active;
    if (places.head() < MAX_SYNC_AUMS) return this.genesis(active);
    return chonk.aum(authority.oldestAncestor)?.bytes ?? this.genesis(active);
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

  /** All stored AUMs of the active chain, archive included, parents first: for exporting it. */
  export({ chain }: ActiveLock): Uint8Array[] {
    return this.#store
      .rows(
        `WITH RECURSIVE beside (hash, far) AS (
           SELECT branch.hash, 0 FROM aums AS branch JOIN aums AS fork ON fork.chain = branch.chain AND fork.hash = branch.parent
           WHERE branch.chain = ? AND branch.place IS NULL AND fork.place IS NOT NULL
           UNION ALL
           SELECT child.hash, beside.far + 1 FROM beside
           CROSS JOIN aums AS child INDEXED BY aums_parent ON child.parent = beside.hash WHERE child.chain = ?)
         SELECT bytes FROM aums LEFT JOIN beside ON beside.hash = aums.hash WHERE chain = ?
         ORDER BY place IS NULL, place, far`,
        chain,
        chain,
        chain,
      )
      .map((row) => row.bytes("bytes"));
  }
}
