/**
 * Branches: which of them are refused, which are passed over, and which are kept beside the active chain.
 *
 * Rule [Y3]: what a batch adds to branches that lose is kept up to a limit, in AUMs and in bytes; a branch that wins always is.
 * Rule [Y8]: an AUM that forks off before the last active ancestor is passed over, and what follows it: it can no longer win, and whoever sent it
 *            of its own accord is answered with our head. A person's change is refused, as one that forks [Y2].
 * Rule [Y9]: a recovery that would not become active is refused with `insufficient_weight`, and says how many votes it lacks: a Tailscale client
 *            takes every other answer for success. A recovery is known by what it is: a checkpoint that forks off our active chain and lacks a
 *            key that is trusted at our head or at its parent. A sleeper may hold an old checkpoint that looks like one; its branch lost long
 *            ago, and the refusal keeps nothing from it: the answer to its offer has brought it our chain before it sends.
 */

import {
  AUM_KIND,
  MAX_SCAN,
  TkaError,
  findKey,
  keyId,
  signatureWeight,
  stateAt,
  type AumHash,
  type Prepared,
  type SealedAum,
  type State,
  type VerifiedAum,
} from "../../tka/index.ts";
import { MAX_LOSING_AUMS } from "../../protocol/index.ts";
import type { ActiveLock } from "./lock.ts";
import { ControlError } from "../refuse.ts";

export function forked({ authority }: ActiveLock): TkaError {
  return new TkaError("head_moved", "the change does not follow the head: synchronize, and make it again", {
    subject: authority.head,
  });
}

export function refuseIfForked(active: ActiveLock, { verified, head }: Prepared, last: AumHash): void {
  if (verified[0]?.parent !== active.authority.head || head !== last) throw forked(active);
}

/** What of a batch is not on the chain that it leads to. */
export function losersOf({ verified, head }: Prepared): VerifiedAum[] {
  const byHash = new Map(verified.map((aum) => [aum.hash, aum]));
  for (let at = byHash.get(head); at !== undefined; at = at.parent === null ? undefined : byHash.get(at.parent))
    byHash.delete(at.hash);
  return [...byHash.values()];
}

export function tooManyForks({ authority }: ActiveLock): ControlError {
  return new ControlError("too_many_forks", "too many branches that do not count are stored already", {
    head: authority.head,
  });
}

/** [Y3] Before anything is verified: each leaf of a batch would be a head. */
export function refuseManyLeaves(active: ActiveLock, updates: readonly SealedAum[]): void {
  const parents = new Set(updates.map(({ parent }) => parent));
  if (updates.filter(({ hash }) => !parents.has(hash)).length > MAX_LOSING_AUMS) throw tooManyForks(active);
}

/** The AUMs of a batch that are not stored and may still count [Y8], each with its index in the batch. Proves nothing of them. */
export function newsOf({ places }: ActiveLock, batch: readonly SealedAum[]): { aum: SealedAum; index: number }[] {
  const ancestor = places.ancestor();
  const settled = new Set<AumHash>();
  const isSettled = (hash: AumHash): boolean => settled.has(hash) || (places.of(hash) ?? ancestor) < ancestor;
  return batch.flatMap((aum, index) => {
    if (places.knows(aum.hash)) return [];
    if (aum.parent !== null && isSettled(aum.parent)) {
      settled.add(aum.hash);
      return [];
    }
    return [{ aum, index }];
  });
}

/** The IDs of the keys that `before` trusts and `after` does not: what rests on them no longer holds. */
function keysLost(before: State, after: State): Uint8Array[] {
  return (before.keys ?? []).map(keyId).filter((id) => id !== null && findKey(after, id) === null) as Uint8Array[];
}

/** What is said of a recovery that loses to the AUM at `place` + 1 of the active chain. */
function lost(active: ActiveLock, recovery: SealedAum, place: number, parent: State): ControlError {
  const rivalHash = active.places.at(place + 1);
  const rival = rivalHash === null ? null : active.chonk.aum(rivalHash);
  const [ours, theirs] = [
    signatureWeight(recovery.aum, parent),
    rival === null ? 0n : signatureWeight(rival.aum, parent),
  ];
  const missing = theirs - ours + 1n;
  return new ControlError(
    "insufficient_weight",
    `the recovery has ${ours} votes behind it, and ${theirs} stand against it: ${missing} more would do`,
    { head: active.authority.head, subject: recovery.hash },
  );
}

function settledBefore(active: ActiveLock, recovery: SealedAum): ControlError {
  return new ControlError(
    "insufficient_weight",
    `the recovery forks off before ${active.authority.oldestAncestor}, the oldest AUM from which this can be done: no votes would do`,
    { head: active.authority.head, subject: recovery.hash },
  );
}

/** Throws where the AUM is a recovery [Y9] that is not on the active chain, `active`, as it is once the batch has been decided. */
function refuseIfLost(active: ActiveLock, update: SealedAum): void {
  const { places, chonk, authority } = active;
  const { aum, hash, parent } = update;
  if (aum.kind !== AUM_KIND.checkpoint || aum.state === null || parent === null || places.of(hash) !== null) return;
  const place = places.of(parent);
  if (place === null) return;
  const archived = place < places.ancestor();
  const atParent = archived ? null : stateAt(chonk, parent, MAX_SCAN);
  const lacks = [authority.state, ...(atParent === null ? [] : [atParent])].some(
    (state) => keysLost(state, aum.state as State).length > 0,
  );
  if (!lacks) return;
  throw atParent === null ? settledBefore(active, update) : lost(active, update, place, atParent);
}

/** Throws where one of a batch is a recovery that is not on the active chain [Y9], as it is once the batch has been decided. */
export function refuseLostRecoveries(active: ActiveLock, batch: readonly SealedAum[]): void {
  for (const update of new Map(batch.map((aum) => [aum.hash, aum])).values()) refuseIfLost(active, update);
}
