/**
 * How two nodes find out which AUMs the other lacks. Source: Go's `tka/sync.go` of v1.104: every checkpoint is offered. Offers of
 * v1.102, which name ancestors at growing distances, are answered just so.
 */

import { AUM_KIND } from "./aum.ts";
import type { Authority } from "./authority.ts";
import { fastForward, stateAt } from "./chain.ts";
import type { ChonkReader } from "./chonk.ts";
import { TkaError, within } from "./errors.ts";
import { parseAumHash, type AumHash } from "./hash.ts";
import { MAX_SYNC, MAX_SYNC_HEAD } from "./limits.ts";
import type { State } from "./state.ts";
import type { VerifiedAum } from "./verify.ts";

/** Where a node stands: its head, and some ancestors of it, the newest first; the last is the oldest AUM it has. */
export interface SyncOffer {
  readonly head: AumHash;
  readonly ancestors: readonly AumHash[];
}

/** Parses an offer from attacker-controlled texts. Throws `malformed_text`, with the index of the ancestor. */
export function parseSyncOffer(head: string, ancestors: readonly string[]): SyncOffer {
  return {
    head: within("head", {}, () => parseAumHash(head)),
    ancestors: ancestors.map((text, index) => within(`ancestor ${index}`, { index }, () => parseAumHash(text))),
  };
}

/** The stored AUMs from `head` backwards, `limit` at most. */
function* ancestry(chonk: ChonkReader, head: AumHash, limit: number): Generator<VerifiedAum> {
  let cursor: AumHash | null = head;
  for (let i = 0; i < limit && cursor !== null; i++) {
    const aum: VerifiedAum | null = chonk.aum(cursor);
    if (aum === null) return;
    yield aum;
    cursor = aum.parent;
  }
}

/** What to send to another node so that it can tell what we lack. */
export function makeSyncOffer(chonk: ChonkReader, authority: Authority): SyncOffer {
  const ancestors: AumHash[] = [];
  for (const { hash, aum } of ancestry(chonk, authority.head, MAX_SYNC_HEAD)) {
    if (hash === authority.oldestAncestor) break;
    if (aum.kind === AUM_KIND.checkpoint) ancestors.push(hash);
  }
  return { head: authority.head, ancestors: [...ancestors, authority.oldestAncestor] };
}

function isAncestor(chonk: ChonkReader, authority: Authority, hash: AumHash): boolean {
  if (chonk.aum(hash) === null) return false;
  for (const aum of ancestry(chonk, authority.head, MAX_SYNC_HEAD)) if (aum.hash === hash) return true;
  return false;
}

/** The state at an AUM that another node named, or null where we do not have it. */
function stateIfStored(chonk: ChonkReader, hash: AumHash): State | null {
  return chonk.aum(hash) === null ? null : stateAt(chonk, hash, MAX_SYNC);
}

/**
 * The newest AUM known to be common, from which what we have is to be sent; null where the other node has our head.
 *
 *   Us    A -> B -> C       head intersection: their head B is an ancestor of ours; they lack C.
 *   Them  A -> B
 *
 *   Us    A -> B -> C       tail intersection: we do not know D, but their ancestor A leads to our head; they may lack B and C.
 *   Them  A -> D
 *
 * Throws `no_intersection`, or what walking throws.
 */
export function intersection(chonk: ChonkReader, authority: Authority, remote: SyncOffer): State | null {
  if (remote.head === authority.head) return null;
  if (isAncestor(chonk, authority, remote.head)) return stateAt(chonk, remote.head, MAX_SYNC);
  for (const ancestor of new Set(remote.ancestors)) {
    const state = stateIfStored(chonk, ancestor);
    if (state === null) continue;
    const end = fastForward(chonk, state, MAX_SYNC, ({ aum }) => aum.hash === authority.head);
    if (end.aum.hash === authority.head) return state;
  }
  throw new TkaError("no_intersection", "nothing that the offer names is on our chain");
}

/**
 * The AUMs that a node which made `remote` may lack, oldest first: those of our active chain since the intersection.
 * Throws `no_intersection`, or what walking throws.
 */
export function missingAums(chonk: ChonkReader, authority: Authority, remote: SyncOffer): VerifiedAum[] {
  const start = intersection(chonk, authority, remote);
  if (start === null) return [];
  const out: VerifiedAum[] = [];
  fastForward(chonk, start, MAX_SYNC, ({ aum }) => {
    if (aum.hash !== start.lastAumHash) out.push(aum);
    return false;
  });
  return out;
}
