/** A Chonk in memory: for tests, for verifying a chain once, and the index over which other Chonks keep theirs. */

import type { Chonk, ChonkReader, Prepared, PreparedCompaction } from "./chonk.ts";
import { TkaError } from "./errors.ts";
import type { AumHash } from "./hash.ts";
import type { VerifiedAum } from "./verify.ts";

interface Entry {
  readonly aum: VerifiedAum;
  readonly committed: number;
}

export class MemoryChonk implements Chonk {
  readonly #entries = new Map<AumHash, Entry>();
  readonly #children = new Map<AumHash, VerifiedAum[]>();
  #head: AumHash | null = null;
  #ancestor: AumHash | null = null;

  aum(hash: AumHash): VerifiedAum | null {
    return this.#entries.get(hash)?.aum ?? null;
  }

  children(parent: AumHash): readonly VerifiedAum[] {
    return this.#children.get(parent) ?? [];
  }

  heads(): readonly VerifiedAum[] {
    return [...this.#entries.values()].map((entry) => entry.aum).filter(({ hash }) => this.children(hash).length === 0);
  }

  lastActiveAncestor(): AumHash | null {
    return this.#ancestor;
  }

  head(): AumHash | null {
    return this.#head;
  }

  hashes(): readonly AumHash[] {
    return [...this.#entries.keys()];
  }

  commitTime(hash: AumHash): number | null {
    return this.#entries.get(hash)?.committed ?? null;
  }

  #requireHead(expected: AumHash | null): void {
    if (this.#head !== expected)
      throw new TkaError("head_moved", "the chain has moved on", this.#head === null ? {} : { subject: this.#head });
  }

  commit(prepared: Prepared, now: number): void {
    this.#requireHead(prepared.headBefore);
    for (const aum of prepared.verified) this.load(aum, now);
    this.point(prepared.head, prepared.oldestAncestor);
  }

  /** Puts a stored AUM back, with its commit time in milliseconds since the epoch. For Chonks that keep their index here, and for tests. */
  load(aum: VerifiedAum, committed: number): void {
    if (this.#entries.has(aum.hash)) return;
    this.#entries.set(aum.hash, { aum, committed });
    if (aum.parent === null) return;
    const siblings = this.#children.get(aum.parent);
    if (siblings === undefined) this.#children.set(aum.parent, [aum]);
    else siblings.push(aum);
  }

  /** Sets the active head and the last active ancestor. For the same callers as `load`. */
  point(head: AumHash | null, ancestor: AumHash | null): void {
    this.#head = head;
    this.#ancestor = ancestor;
  }

  compact(prepared: PreparedCompaction): void {
    this.#requireHead(prepared.headBefore);
    for (const hash of prepared.purge) this.#forget(hash);
    this.#ancestor = prepared.oldestAncestor;
  }

  #forget(hash: AumHash): void {
    const parent = this.#entries.get(hash)?.aum.parent ?? null;
    this.#entries.delete(hash);
    if (parent === null) return;
    const siblings = this.children(parent).filter((aum) => aum.hash !== hash);
    if (siblings.length === 0) this.#children.delete(parent);
    else this.#children.set(parent, siblings);
  }

  removeAll(): void {
    this.#entries.clear();
    this.#children.clear();
    this.point(null, null);
  }
}

/** A Chonk with some AUMs on top that are not stored: what storage would be after a commit. Nothing underneath is changed. */
export function overlay(base: ChonkReader, added: readonly VerifiedAum[]): ChonkReader {
  const extra = new Map<AumHash, VerifiedAum>();
  const extraChildren = new Map<AumHash, VerifiedAum[]>();
  for (const aum of added) {
    if (extra.has(aum.hash) || base.aum(aum.hash) !== null) continue;
    extra.set(aum.hash, aum);
    if (aum.parent !== null) extraChildren.set(aum.parent, [...(extraChildren.get(aum.parent) ?? []), aum]);
  }
  const children = (parent: AumHash): readonly VerifiedAum[] => {
    const more = extraChildren.get(parent);
    return more === undefined ? base.children(parent) : [...base.children(parent), ...more];
  };
  return {
    aum: (hash) => extra.get(hash) ?? base.aum(hash),
    children,
    heads: () => [...base.heads(), ...extra.values()].filter(({ hash }) => children(hash).length === 0),
    lastActiveAncestor: () => base.lastActiveAncestor(),
  };
}
