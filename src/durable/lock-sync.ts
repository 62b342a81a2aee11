/**
 * Bootstrapping and synchronising nodes, and taking their updates.
 *
 * Rule [Y1]: a batch is stored whole or not at all; AUMs that are on the active chain already are answered with success.
 * Rule [Y2]: an interactive send is somebody's change: one that does not go on from our head is refused with that head, and nothing is stored,
 *            even where fork choice would prefer it to what was acknowledged to somebody else meanwhile. One that is not interactive may
 *            carry stale history, or a revocation: what is valid is kept, fork choice decides, and the answer is the head.
 */

import {
  TkaError,
  makeSyncOffer,
  missingAums,
  parseAumHash,
  parseSyncOffer,
  prepare,
  sealAum,
  type AumHash,
  type Prepared,
} from "../tka/index.ts";
import type {
  BootstrapRequest,
  BootstrapResponse,
  SyncOfferRequest,
  SyncOfferResponse,
  SyncSendRequest,
  SyncSendResponse,
} from "../protocol/index.ts";
import type { ActiveLock } from "./lock.ts";
import { decodePublishable } from "./lock-policy.ts";
import type { Tailnet } from "./tailnet.ts";

const NO_BYTES = new Uint8Array(0);

/** Throws `lock_not_enabled` where there is neither a lock nor a retired chain that the node's head is on. */
export function bootstrapInfo(tailnet: Tailnet, request: BootstrapRequest): BootstrapResponse {
  const head = request.Head === "" ? null : parseAumHash(request.Head);
  const secret = head === null ? null : tailnet.lock.secretFor(head);
  if (secret !== null) return { GenesisAUM: NO_BYTES, DisablementSecret: secret };
  return { GenesisAUM: tailnet.lock.genesis(tailnet.lock.require()), DisablementSecret: NO_BYTES };
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

function refuseIfForked(active: ActiveLock, { verified, head }: Prepared, last: AumHash): void {
  const [first] = verified;
  const goesOn =
    first === undefined ? isOnChain(active, last) : first.parent === active.authority.head && head === last;
  if (goesOn) return;
  throw new TkaError("head_moved", "the change does not follow the head: synchronize, and make it again", {
    subject: active.authority.head,
  });
}

/** What a send led to: the answer, and the lock to be remembered once the transaction has returned, or null where nothing was stored. */
export interface SendResult {
  readonly response: SyncSendResponse;
  readonly changed: ActiveLock | null;
}

/** Throws `lock_not_enabled`, `head_moved` [Y2], or what decoding, verifying and applying throw, with the AUM's index. */
export function syncSend(tailnet: Tailnet, request: SyncSendRequest, now: number): SendResult {
  const active = tailnet.lock.require();
  if (request.MissingAUMs.length === 0) return { response: { Head: active.authority.head }, changed: null };
  const updates = request.MissingAUMs.map(decodePublishable);
  const prepared = prepare(active.chonk, active.authority, updates, tailnet.verifier);
  const last = updates.at(-1);
  if (request.Interactive && last !== undefined) refuseIfForked(active, prepared, sealAum(last).hash);
  if (prepared.verified.length === 0) return { response: { Head: prepared.head }, changed: null };
  const changed = tailnet.lock.append(active, prepared, now);
  if (prepared.head !== active.authority.head) tailnet.nextLockSeq();
  return { response: { Head: prepared.head }, changed };
}
