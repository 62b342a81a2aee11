/**
 * Walking stored AUMs: the state at one of them, the way forward from there, and which of several stored chains is the active one.
 * Source: Go's `tka/tka.go` (computeChainCandidates, computeActiveAncestor, computeActiveChain, computeStateAt, fastForward).
 */

import { AUM_KIND } from "./aum.ts";
import { applyAum } from "./apply.ts";
import type { ChonkReader } from "./chonk.ts";
import { TkaError } from "./errors.ts";
import { chooseChild } from "./fork-choice.ts";
import { compareHashes, type AumHash } from "./hash.ts";
import { EMPTY_STATE, type State } from "./state.ts";
import type { VerifiedAum } from "./verify.ts";

/** A point of a chain: an AUM and the state after it. */
export interface ChainPoint {
  readonly aum: VerifiedAum;
  readonly state: State;
}

/** The chain that counts, from its oldest stored AUM to its head. */
export interface ActiveChain extends ChainPoint {
  readonly oldest: VerifiedAum;
}

function tooLong(limit: number): TkaError {
  return new TkaError("chain_too_long", `more than ${limit} AUMs to walk`);
}

function requireAum(chonk: ChonkReader, hash: AumHash): VerifiedAum {
  const aum = chonk.aum(hash);
  if (aum === null) throw new TkaError("aum_not_found", `AUM ${hash} is not stored`, { subject: hash });
  return aum;
}

/** The state after the first AUM of a walk, or null where the AUM needs its parent's state. */
function startingState(aum: VerifiedAum): State | null {
  if (aum.aum.kind === AUM_KIND.checkpoint && aum.aum.state !== null)
    return { ...aum.aum.state, lastAumHash: aum.hash };
  if (aum.parent !== null) return null;
  if (aum.aum.kind !== AUM_KIND.noOp && aum.aum.kind !== AUM_KIND.addKey)
    throw new TkaError("invalid_genesis", "a chain must begin with a checkpoint, an added key or nothing", {
      subject: aum.hash,
    });
  return applyAum(EMPTY_STATE, aum.aum, aum.hash);
}

/**
 * The state after the AUM `hash`, computed from the nearest checkpoint before it along its own ancestors, whichever fork won.
 * Throws `aum_not_found` where the AUM itself is not stored, `parent_not_stored` where an ancestor is missing, `chain_too_long` past
 * `limit` AUMs, `invalid_genesis`, or what applying throws.
 */
export function stateAt(chonk: ChonkReader, hash: AumHash, limit: number): State {
  const path: VerifiedAum[] = [];
  let cursor = requireAum(chonk, hash);
  let state = startingState(cursor);
  while (state === null) {
    path.push(cursor);
    if (path.length > limit) throw tooLong(limit);
    const parent = cursor.parent === null ? null : chonk.aum(cursor.parent);
    if (parent === null)
      throw new TkaError("parent_not_stored", `an ancestor of AUM ${hash} is not stored`, {
        subject: cursor.parent ?? hash,
      });
    cursor = parent;
    state = startingState(cursor);
  }
  if (path.length >= limit) throw tooLong(limit);
  for (const aum of path.reverse()) state = applyAum(state, aum.aum, aum.hash);
  return state;
}

/**
 * Goes forward from `state` by fork choice, to the head or to the first point at which `done` says so.
 * Throws `aum_not_found`, `chain_too_long`, `invalid_state` for a state that follows no AUM, or what applying throws.
 */
export function fastForward(
  chonk: ChonkReader,
  state: State,
  limit: number,
  done: (point: ChainPoint) => boolean = () => false,
): ChainPoint {
  if (state.lastAumHash === null) throw new TkaError("invalid_state", "the state follows no AUM");
  let point: ChainPoint = { aum: requireAum(chonk, state.lastAumHash), state };
  for (let i = 0; i < limit; i++) {
    if (done(point)) return point;
    const next = chooseChild(point.state, chonk.children(point.aum.hash));
    if (next === null) return point;
    point = { aum: next, state: applyAum(point.state, next.aum, next.hash) };
  }
  throw tooLong(limit);
}

/** A stored chain: its oldest AUM, and whether it leads through the ancestor that was active before. */
export interface ChainCandidate {
  readonly oldest: VerifiedAum;
  readonly throughActive: boolean;
}

/** How an AUM is reached from the oldest one of its chain: what heads that share it need not walk again. */
interface Walked {
  readonly oldest: VerifiedAum;
  /** Steps from here back to the oldest. */
  readonly steps: number;
  /** True if the AUM itself, or one on its way to the oldest, is the ancestor that was active before. */
  readonly meetsKnown: boolean;
}

/** Walks back to the oldest AUM, or to where an earlier walk has passed; each AUM of the way is then known to later walks. */
function walkToOldest(
  chonk: ChonkReader,
  head: VerifiedAum,
  known: AumHash | null,
  limit: number,
  walked: Map<AumHash, Walked>,
): Walked {
  const path: VerifiedAum[] = [];
  let reached: Walked | undefined;
  let cursor = head;
  for (;;) {
    reached = walked.get(cursor.hash);
    if (path.length + (reached?.steps ?? 0) >= limit) throw tooLong(limit);
    if (reached !== undefined) break;
    path.push(cursor);
    const parent = cursor.parent === null ? null : chonk.aum(cursor.parent);
    if (parent === null) break;
    cursor = parent;
  }
  for (const aum of path.reverse()) {
    const meetsKnown = (reached?.meetsKnown ?? false) || aum.hash === known;
    reached = { oldest: reached?.oldest ?? aum, steps: reached === undefined ? 0 : reached.steps + 1, meetsKnown };
    walked.set(aum.hash, reached);
  }
  return reached as Walked;
}

/** One candidate for each stored head, in the order of the heads' hashes; heads share their steps. Throws `chain_too_long`. */
export function chainCandidates(chonk: ChonkReader, known: AumHash | null, limit: number): ChainCandidate[] {
  const heads = [...chonk.heads()].sort((a, b) => compareHashes(a.hash, b.hash));
  const walked = new Map<AumHash, Walked>();
  return heads.map((head) => {
    const { oldest } = walkToOldest(chonk, head, known, limit, walked);
    const before = head.parent === null ? undefined : walked.get(head.parent);
    return { oldest, throughActive: before?.meetsKnown ?? false };
  });
}

/**
 * The oldest AUM of the active chain: the only one there is, or else the one whose chain was active before. Where several heads share
 * their oldest AUM, the last of them speaks for it. Throws `no_chain` or `multiple_chains`.
 */
export function activeAncestor(candidates: readonly ChainCandidate[]): VerifiedAum {
  const ancestors = new Map(candidates.map((candidate) => [candidate.oldest.hash, candidate]));
  const [only, ...others] = ancestors.values();
  if (only === undefined) throw new TkaError("no_chain", "no chain is stored");
  if (others.length === 0) return only.oldest;
  const active = [...ancestors.values()].find(({ throughActive }) => throughActive);
  if (active === undefined)
    throw new TkaError("multiple_chains", "several chains are stored, and nothing says which one is ours");
  return active.oldest;
}

/** The active chain of what is stored. Throws what the functions above throw. */
export function activeChain(chonk: ChonkReader, known: AumHash | null, limit: number): ActiveChain {
  const oldest = activeAncestor(chainCandidates(chonk, known, limit));
  return { oldest, ...fastForward(chonk, stateAt(chonk, oldest.hash, limit), limit) };
}
