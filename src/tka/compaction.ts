/**
 * What a chain may forget: AUMs that are old, far behind the head, and on no branch that something kept still needs.
 *
 *   old .... old  C  k  k  k  k  HEAD     at least 24 AUMs behind the head are kept, and on from there back to the next
 *                 ^                       checkpoint C that is old enough: the chain's oldest AUM from now on.
 *
 * Source: Go's `Compact` in `tka/tailchonk.go`, whose verdicts these are.
 */

import { AUM_KIND } from "./aum.ts";
import type { Authority } from "./authority.ts";
import type { Chonk, ChonkReader, PreparedCompaction } from "./chonk.ts";
import { TkaError } from "./errors.ts";
import type { AumHash } from "./hash.ts";
import { COMPACTION_MIN_AGE_MS, COMPACTION_MIN_CHAIN } from "./limits.ts";
import type { VerifiedAum } from "./verify.ts";

export interface CompactionOptions {
  /** AUMs to keep behind the head, at least 1. */
  readonly minChain: number;
  /** Milliseconds for which every AUM is kept, more than 0. */
  readonly minAge: number;
}

export const COMPACTION_DEFAULTS: CompactionOptions = { minChain: COMPACTION_MIN_CHAIN, minAge: COMPACTION_MIN_AGE_MS };

/** Why an AUM is kept (any of the first four), or that it is on the active chain before the kept part. */
const ACTIVE = 1;
const YOUNG = 2;
const LEAF = 4;
const ANCESTOR = 8;
const CANDIDATE = 16;
const KEEP = ACTIVE | YOUNG | LEAF | ANCESTOR;

class Verdicts {
  readonly #marks = new Map<AumHash, number>();
  readonly #chonk: ChonkReader;

  constructor(chonk: ChonkReader, hashes: readonly AumHash[]) {
    this.#chonk = chonk;
    for (const hash of hashes) this.#marks.set(hash, 0);
  }

  has(hash: AumHash | null, marks: number): boolean {
    return hash !== null && ((this.#marks.get(hash) ?? 0) & marks) !== 0;
  }

  mark(hash: AumHash, mark: number): void {
    this.#marks.set(hash, (this.#marks.get(hash) ?? 0) | mark);
  }

  kept(): AumHash[] {
    return [...this.#marks.keys()].filter((hash) => this.has(hash, KEEP));
  }

  read(hash: AumHash | null): VerifiedAum {
    const aum = hash === null ? null : this.#chonk.aum(hash);
    if (aum === null) throw new TkaError("compaction_impossible", "no checkpoint to compact to is stored");
    return aum;
  }
}

function markYoung(chonk: Chonk, verdicts: Verdicts, hashes: readonly AumHash[], since: number): void {
  for (const hash of hashes) if ((chonk.commitTime(hash) ?? 0) > since) verdicts.mark(hash, YOUNG);
}

/** Marks the newest `minChain` AUMs of the active chain. Gives the next one, or null where the chain ends before. */
function markNewest(
  chonk: ChonkReader,
  verdicts: Verdicts,
  head: VerifiedAum,
  minChain: number,
): [VerifiedAum, boolean] {
  let next = head;
  for (let i = 0; i < minChain; i++) {
    verdicts.mark(next.hash, ACTIVE);
    const parent = next.parent === null ? null : chonk.aum(next.parent);
    if (parent === null) return [next, true];
    next = parent;
  }
  return [next, false];
}

/** Marks on to the newest checkpoint that may become the oldest AUM, and the chain before it as candidates for deletion. */
function markActiveChain(chonk: ChonkReader, verdicts: Verdicts, head: AumHash, minChain: number): AumHash {
  let [next, ended] = markNewest(chonk, verdicts, verdicts.read(head), minChain);
  if (ended) return next.hash;
  for (;;) {
    verdicts.mark(next.hash, ACTIVE);
    const usable = next.aum.kind === AUM_KIND.checkpoint && (!verdicts.has(next.hash, YOUNG) || next.parent === null);
    if (usable) break;
    next = verdicts.read(next.parent);
  }
  const ancestor = next.hash;
  for (let cursor: VerifiedAum | null = next; cursor?.parent != null; cursor = chonk.aum(cursor.parent))
    verdicts.mark(cursor.parent, CANDIDATE);
  return ancestor;
}

/** Whatever descends from a kept AUM is kept. */
function markDescendants(chonk: ChonkReader, verdicts: Verdicts): void {
  const pending = verdicts.kept();
  for (let hash = pending.pop(); hash !== undefined; hash = pending.pop()) {
    if (verdicts.has(hash, LEAF)) continue;
    verdicts.mark(hash, LEAF);
    for (const child of chonk.children(hash)) pending.push(child.hash);
  }
}

/** Marks the candidates between `from`, where a kept branch meets the chain, and the part that is kept anyway. */
function markForward(chonk: ChonkReader, verdicts: Verdicts, from: AumHash): void {
  const nextOf = (hash: AumHash): VerifiedAum | undefined =>
    chonk.children(hash).find((child) => verdicts.has(child.hash, CANDIDATE) && !verdicts.has(child.hash, ACTIVE));
  for (let next = nextOf(from); next !== undefined; next = nextOf(next.hash)) verdicts.mark(next.hash, ANCESTOR);
}

/** Keeps the way from everything kept to the chain. Gives where the chain must begin for that, or null where it need not change. */
function markAncestors(chonk: ChonkReader, verdicts: Verdicts, candidate: AumHash): AumHash | null {
  let earlier: AumHash | null = null;
  const pending = verdicts.kept().filter((hash) => hash !== candidate);
  for (let hash = pending.pop(); hash !== undefined; hash = pending.pop()) {
    if (verdicts.has(hash, ANCESTOR)) continue;
    verdicts.mark(hash, ANCESTOR);
    const { parent } = verdicts.read(hash);
    if (parent === null)
      throw new TkaError("compaction_impossible", "a kept branch begins before the chain that would be kept");
    if (verdicts.has(parent, KEEP)) continue;
    if (verdicts.has(parent, CANDIDATE)) {
      earlier = parent;
      verdicts.mark(parent, ANCESTOR);
      markForward(chonk, verdicts, parent);
    }
    pending.push(parent);
  }
  return earlier;
}

function nextCheckpoint(verdicts: Verdicts, from: AumHash): AumHash {
  for (let next = verdicts.read(from); ; next = verdicts.read(next.parent)) {
    verdicts.mark(next.hash, ACTIVE);
    if (next.aum.kind === AUM_KIND.checkpoint) return next.hash;
  }
}

/**
 * What may be forgotten at `now` (milliseconds since the epoch).
 * Throws `invalid_argument` for options that keep nothing, and `compaction_impossible` where Go's compaction fails too: nothing is lost.
 */
export function prepareCompaction(
  chonk: Chonk,
  authority: Authority,
  now: number,
  options: CompactionOptions = COMPACTION_DEFAULTS,
): PreparedCompaction {
  if (options.minChain < 1 || options.minAge <= 0)
    throw new TkaError("invalid_argument", "compaction must keep some AUMs, and for some time");
  const hashes = chonk.hashes();
  const verdicts = new Verdicts(chonk, hashes);
  markYoung(chonk, verdicts, hashes, now - options.minAge);
  const candidate = markActiveChain(chonk, verdicts, authority.head, options.minChain);
  markDescendants(chonk, verdicts);
  const earlier = markAncestors(chonk, verdicts, candidate);
  const oldestAncestor = earlier === null ? candidate : nextCheckpoint(verdicts, earlier);
  return { headBefore: authority.head, oldestAncestor, purge: hashes.filter((hash) => !verdicts.has(hash, KEEP)) };
}

/** Prepares and commits a compaction. Gives the authority with its new oldest AUM. */
export function compact(chonk: Chonk, authority: Authority, now: number, options = COMPACTION_DEFAULTS): Authority {
  const prepared = prepareCompaction(chonk, authority, now, options);
  chonk.compact(prepared);
  return { ...authority, oldestAncestor: prepared.oldestAncestor };
}
