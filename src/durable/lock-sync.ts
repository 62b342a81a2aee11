/**
 * Bootstrapping and synchronising nodes, and taking their updates.
 *
 * Rule [Y1]: a batch is stored whole or not at all; AUMs that are on the active chain already are answered with success.
 * Rule [Y2]: an interactive send is somebody's change: one that does not go on from our head is refused with that head, and nothing is stored,
 *            even where fork choice would prefer it to what was acknowledged to somebody else meanwhile. One that is not interactive may
 *            carry stale history, or a revocation: what is valid is kept, fork choice decides, and the answer is the head.
 * Rule [Y3]: what a batch adds to branches that lose is kept up to a limit, in AUMs and in bytes; a branch that wins always is.
 */

import {
  TkaError,
  makeSyncOffer,
  missingAums,
  parseAumHash,
  parseSyncOffer,
  prepare,
  refuseRepublished,
  sealAum,
  type AumHash,
  type Prepared,
  type SealedAum,
  type VerifiedAum,
} from "../tka/index.ts";
import {
  MAX_BATCH_SIGNATURES,
  MAX_LOSING_AUMS,
  type BootstrapRequest,
  type BootstrapResponse,
  type SyncOfferRequest,
  type SyncOfferResponse,
  type SyncSendRequest,
  type SyncSendResponse,
} from "../protocol/index.ts";
import { noteGenesisGiven, noteSecretGiven } from "./awakening.ts";
import type { ActiveLock } from "./lock.ts";
import { decodePublishable } from "./lock-policy.ts";
import { lockDetail, relist } from "./lock-standing.ts";
import { byNode, type NodeRecord } from "./nodes.ts";
import { ControlError } from "./refuse.ts";
import type { Tailnet } from "./tailnet.ts";

const NO_BYTES = new Uint8Array(0);

/** Throws `lock_not_enabled` where there is neither a lock nor a retired chain that the node's head is on. */
export function bootstrapInfo(
  tailnet: Tailnet,
  node: NodeRecord,
  request: BootstrapRequest,
  now: number,
): BootstrapResponse {
  const head = request.Head === "" ? null : parseAumHash(request.Head);
  const secret = head === null ? null : tailnet.lock.secretFor(head);
  if (secret !== null) {
    noteSecretGiven(tailnet, node, now);
    return { GenesisAUM: NO_BYTES, DisablementSecret: secret };
  }
  const GenesisAUM = tailnet.lock.genesis(tailnet.lock.require());
  noteGenesisGiven(tailnet, node, now);
  return { GenesisAUM, DisablementSecret: NO_BYTES };
}

/** Throws `lock_not_enabled`, `malformed_text`, `no_intersection`, or what walking throws. */
export function syncOffer(tailnet: Tailnet, request: SyncOfferRequest): SyncOfferResponse {
  const { chonk, authority } = tailnet.lock.require();
  const ours = makeSyncOffer(chonk, authority);
  const missing = missingAums(chonk, authority, parseSyncOffer(request.Head, request.Ancestors));
  return { Head: ours.head, Ancestors: [...ours.ancestors], MissingAUMs: missing.map(({ bytes }) => bytes) };
}

/** True if the AUM is the head or leads to it. */
function isOnChain({ chonk, authority }: ActiveLock, hash: AumHash): boolean {
  for (let at: AumHash | null = authority.head; at !== null; at = chonk.aum(at)?.parent ?? null)
    if (at === hash) return true;
  return false;
}

function forked({ authority }: ActiveLock): TkaError {
  return new TkaError("head_moved", "the change does not follow the head: synchronize, and make it again", {
    subject: authority.head,
  });
}

function refuseIfForked(active: ActiveLock, { verified, head }: Prepared, last: AumHash): void {
  if (verified[0]?.parent !== active.authority.head || head !== last) throw forked(active);
}

/** What of a batch is not on the chain that it leads to. */
function losersOf({ verified, head }: Prepared): VerifiedAum[] {
  const byHash = new Map(verified.map((aum) => [aum.hash, aum]));
  for (let at = byHash.get(head); at !== undefined; at = at.parent === null ? undefined : byHash.get(at.parent))
    byHash.delete(at.hash);
  return [...byHash.values()];
}

function tooManyForks({ authority }: ActiveLock): ControlError {
  return new ControlError("too_many_forks", "too many branches that do not count are stored already", {
    head: authority.head,
  });
}

/** [Y3] Before anything is verified: each leaf of a batch would be a head. */
function refuseManyLeaves(active: ActiveLock, updates: readonly SealedAum[]): void {
  const parents = new Set(updates.map(({ parent }) => parent));
  if (updates.filter(({ hash }) => !parents.has(hash)).length > MAX_LOSING_AUMS) throw tooManyForks(active);
}

function refuseManySignatures(updates: readonly SealedAum[]): void {
  const count = updates.reduce((sum, { aum }) => sum + (aum.signatures ?? []).length, 0);
  if (count > MAX_BATCH_SIGNATURES)
    throw new ControlError(
      "malformed_request",
      `the updates have more than ${MAX_BATCH_SIGNATURES} signatures together`,
    );
}

/** Nothing that was sent is new: the answer needs no more than a look at the chain. */
function answerKnown(active: ActiveLock, request: SyncSendRequest, hashes: readonly AumHash[]): SyncSendResponse {
  const last = hashes.at(-1);
  if (request.Interactive && last !== undefined && !isOnChain(active, last)) throw forked(active);
  return { Head: active.authority.head };
}

/** The head has moved: tells of it, and of the nodes for which that changes something. */
function recordChange(
  tailnet: Tailnet,
  node: NodeRecord,
  { authority }: ActiveLock,
  { head, state }: Prepared,
  now: number,
): void {
  const [old, next] = [lockDetail(authority.head, authority.state), lockDetail(head, state)];
  tailnet.recordLock(byNode(node), { kind: "lock.changed", old, new: next }, now);
  relist(tailnet, authority.state, state, now);
}

/** Throws `lock_not_enabled`, `republished`, `too_many_forks`, `head_moved` [Y2], or what decoding, verifying and applying throw, with the AUM's index. */
export function syncSend(tailnet: Tailnet, node: NodeRecord, request: SyncSendRequest, now: number): SyncSendResponse {
  const active = tailnet.lock.require();
  if (request.MissingAUMs.length === 0) return { Head: active.authority.head };
  const updates = request.MissingAUMs.map(decodePublishable);
  const sealed = updates.map(sealAum);
  const hashes = sealed.map(({ hash }) => hash);
  if (hashes.every((hash) => active.chonk.aum(hash) !== null)) return answerKnown(active, request, hashes);
  refuseManySignatures(sealed);
  refuseManyLeaves(active, sealed);
  refuseRepublished(active.chonk, updates);
  const prepared = prepare(active.chonk, active.authority, updates, tailnet.verifier);
  const last = hashes.at(-1);
  if (request.Interactive && last !== undefined) refuseIfForked(active, prepared, last);
  tailnet.lock.append(active, prepared, now);
  if (!tailnet.lock.countLosers(active, losersOf(prepared))) throw tooManyForks(active);
  if (prepared.head !== active.authority.head) recordChange(tailnet, node, active, prepared, now);
  return { Head: prepared.head };
}
