/**
 * Bootstrapping nodes, and taking their updates.
 *
 * Rule [Y1]: a batch is stored whole or not at all; AUMs that are on the active chain already are answered with success.
 * Rule [Y2]: an interactive send is somebody's change: one that does not go on from our head is refused with that head, and nothing is stored,
 *            even where fork choice would prefer it to what was acknowledged to somebody else meanwhile. One that is not interactive may
 *            carry stale history, or a revocation: what is valid is kept, fork choice decides, and the answer is the head.
 * Rule [Y11]: a newcomer to a long chain begins with the last active ancestor, a checkpoint, instead of the genesis (docs/decisions/).
 * Rule [Y10]: the head that a node names is a claim: it is recorded as the node's own only where it is on the active chain.
 */

import {
  TkaError,
  parseAumHash,
  prepareSealed,
  refuseRepublished,
  type AumHash,
  type Prepared,
  type SealedAum,
} from "../../tka/index.ts";
import {
  MAX_BATCH_SIGNATURES,
  type BootstrapRequest,
  type BootstrapResponse,
  type SyncSendRequest,
  type SyncSendResponse,
} from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import { noteGenesisGiven, noteSecretGiven } from "./awakening.ts";
import {
  forked,
  losersOf,
  newsOf,
  refuseIfForked,
  refuseLostRecoveries,
  refuseManyLeaves,
  tooManyForks,
} from "./forks.ts";
import { lagsBehind } from "./offer.ts";
import { sealPublishable } from "./policy.ts";
import { lockDetail, relist } from "./standing.ts";
import type { ActiveLock } from "./lock.ts";
import { byNode, type NodeRecord } from "../nodes/nodes.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

const NO_BYTES = new Uint8Array(0);

/** What came of a node's updates. */
export interface SyncSent {
  readonly response: SyncSendResponse;
  /** The node's ID where it has to come again [Y6]: a Tailscale client does when it is told our head anew. Null where it need not. */
  readonly laggard: number | null;
}

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
  const GenesisAUM = tailnet.lock.beginning(tailnet.lock.require());
  noteGenesisGiven(tailnet, node, now);
  return { GenesisAUM, DisablementSecret: NO_BYTES };
}

function refuseManySignatures(updates: readonly SealedAum[]): void {
  const count = updates.reduce((sum, { aum }) => sum + (aum.signatures ?? []).length, 0);
  if (count > MAX_BATCH_SIGNATURES)
    throw new ControlError(
      "malformed_request",
      `the updates have more than ${MAX_BATCH_SIGNATURES} signatures together`,
    );
}

/** Runs `body` on a part of a batch; an index in what it throws is told as that in the whole batch. */
function indexedAs<T>(indexes: readonly number[], body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof TkaError) || error.data.index === undefined) throw error;
    const index = indexes[error.data.index] ?? error.data.index;
    throw new TkaError(error.code, error.message, { ...error.data, index });
  }
}

/** Verifies and decides, without storing anything. */
function decide(tailnet: Tailnet, active: ActiveLock, news: ReturnType<typeof newsOf>): Prepared {
  const updates = news.map(({ aum }) => aum);
  refuseManySignatures(updates);
  refuseManyLeaves(active, updates);
  return indexedAs(
    news.map(({ index }) => index),
    () => {
      refuseRepublished(active.chonk, updates);
      return prepareSealed(active.chonk, active.authority, updates, tailnet.verifier);
    },
  );
}

/** Decides about what is new, and stores it. Where nothing is, a look at the chain is enough. */
function take(tailnet: Tailnet, batch: readonly SealedAum[], interactive: boolean, now: number): Prepared | null {
  const active = tailnet.lock.require();
  const last = batch.at(-1)?.hash as AumHash;
  const news = newsOf(active, batch);
  if (news.length === 0) {
    if (interactive && active.places.of(last) === null) throw forked(active);
    return null;
  }
  const prepared = decide(tailnet, active, news);
  if (interactive) refuseIfForked(active, prepared, last);
  tailnet.lock.append(active, prepared, now);
  if (!tailnet.lock.countLosers(active, losersOf(prepared))) throw tooManyForks(active);
  return prepared;
}

/** Attacker-controlled AUMs, the oldest first, and whether they are somebody's change [Y2]. */
export interface Updates {
  readonly aums: readonly Uint8Array[];
  readonly interactive: boolean;
}

/** The head has moved: tells of it, and of the nodes for which that changes something. */
function recordChange(
  tailnet: Tailnet,
  by: By,
  { authority }: ActiveLock,
  { head, state }: Prepared,
  now: number,
): void {
  const [old, next] = [lockDetail(authority.head, authority.state), lockDetail(head, state)];
  tailnet.recordLock(by, { kind: "lock.changed", old, new: next }, now);
  relist(tailnet, authority.state, state, now);
}

/**
 * Takes updates, whoever sends them, and gives the head after. Throws `lock_not_enabled`, `republished`, `too_many_forks`, `head_moved` [Y2], `insufficient_weight` [Y9], `chain_too_long` [Y5], or what
 * decoding, verifying and applying throw, with the AUM's index.
 */
export function takeUpdates(tailnet: Tailnet, by: By, updates: Updates, now: number): ActiveLock {
  const before = tailnet.lock.require();
  const batch = updates.aums.map(sealPublishable);
  const prepared = batch.length === 0 ? null : take(tailnet, batch, updates.interactive, now);
  const active = tailnet.lock.require();
  if (!updates.interactive) refuseLostRecoveries(active, batch);
  if (prepared !== null && prepared.head !== before.authority.head) recordChange(tailnet, by, before, prepared, now);
  return active;
}

/** The same from a node, which says what its own head is. */
export function syncSend(tailnet: Tailnet, node: NodeRecord, request: SyncSendRequest, now: number): SyncSent {
  const updates = { aums: request.MissingAUMs, interactive: request.Interactive };
  const active = takeUpdates(tailnet, byNode(node), updates, now);
  if (active.places.of(request.Head as AumHash) !== null) tailnet.nodes.recordHead(node, request.Head);
  return { response: { Head: active.authority.head }, laggard: lagsBehind(active, request.Head) ? node.id : null };
}
