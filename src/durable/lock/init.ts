/**
 * Turning the lock on: begin names the nodes that need a signature, finish brings them and turns the lock on, all at once.
 *
 * Rule [I1]: a begin stores nothing but itself; a second begin takes the place of the first; a pending init expires after ten minutes.
 * Rule [I2]: a finish covers what its own begin listed: every listed node that there still is has a signature that lets it in under the genesis.
 * Rule [I3]: nodes that joined or changed their key since are locked out, and are listed as such by every node.
 * Rule [I4]: a repeated, identical finish is answered with success.
 * Rule [I5]: the genesis has no parent and survives its own encoding.
 * Rule [I6]: the genesis is of a new authority: no retired chain has its state IDs. The secrets of those are public, and so are the signatures
 *            that would do for a finish: anybody could turn the old lock on again.
 * Rule [I7]: a finish that names its genesis finishes that one and no other: whoever began twice must not be left with the first one's secrets.
 * Rule [I8]: ephemeral and tagged nodes, which nobody answers for, cannot begin.
 */

import {
  MemoryChonk,
  decodeAum,
  equalBytes,
  prepareBootstrap,
  TkaError,
  type Aum,
  type NodeKey,
  type Prepared,
} from "../../tka/index.ts";
import type { EmptyResponse, InitBeginRequest, InitBeginResponse, InitFinishRequest } from "../../protocol/index.ts";
import { PENDING_INIT_MS } from "../../protocol/index.ts";
import { decodePublishable } from "./policy.ts";
import { refuseAndroidSigners, refuseUnready } from "./preconditions.ts";
import { lockDetail } from "./standing.ts";
import { byNode, type NodeRecord } from "../nodes/nodes.ts";
import { proveSignature, type ProvenSignature } from "./proven-signature.ts";
import { ControlError } from "../refuse.ts";
import { sha256 } from "../sha256.ts";
import { boxFor, storeSupport, supportUnavailable, type OfferedSupport } from "./support.ts";
import type { Tailnet } from "../authority/tailnet.ts";

interface PendingInit {
  readonly nodeKey: NodeKey;
  readonly genesis: Uint8Array;
  readonly listed: readonly (readonly [id: number, nodeKey: NodeKey])[];
}

const NO_BYTES = new Uint8Array(0);

function refuseIfEnabled(tailnet: Tailnet): void {
  const head = tailnet.lock.head();
  if (head !== null) throw new ControlError("lock_enabled", "tailnet lock is already enabled", { head });
}

function refuseIfRetired(tailnet: Tailnet, { state }: Aum): void {
  const same = tailnet.lock
    .retiredGeneses()
    .map((bytes) => decodeAum(bytes).state)
    .some((old) => old?.stateId1 === state?.stateId1 && old?.stateId2 === state?.stateId2);
  if (same) throw new TkaError("invalid_genesis", "the genesis is of a lock that was turned off: make a new one");
}

/** [I8] */
function refuseUnowned(node: NodeRecord): void {
  if (node.ephemeral || node.tags.length > 0)
    throw new ControlError(
      "forbidden",
      "an ephemeral or tagged node cannot turn the lock on: do it from a node that is a person's",
    );
}

function prepareGenesis(tailnet: Tailnet, bytes: Uint8Array): Prepared {
  const genesis = decodePublishable(bytes, 0);
  if (genesis.prevAumHash !== null) throw new TkaError("invalid_genesis", "the genesis must not have a parent");
  refuseIfRetired(tailnet, genesis);
  return prepareBootstrap(new MemoryChonk(), genesis, tailnet.verifier);
}

/**
 * Throws `lock_enabled`, `device_approval_on`, `old_clients`, `android_signer`, `support_unavailable` before any secret is shown, or what proving
 * the genesis throws.
 */
export function initBegin(
  tailnet: Tailnet,
  node: NodeRecord,
  request: InitBeginRequest,
  hasSupportKey: boolean,
  now: number,
): InitBeginResponse {
  refuseIfEnabled(tailnet);
  refuseUnowned(node);
  refuseUnready(tailnet);
  if (request.SupportDisablement && !hasSupportKey) throw supportUnavailable();
  refuseAndroidSigners(tailnet, prepareGenesis(tailnet, request.GenesisAUM).state);
  // Who waits for an admin's approval is vouched for by nobody yet.
  const nodes = tailnet.nodes.all().filter(({ authorized }) => authorized);
  tailnet.store.run(
    "INSERT OR REPLACE INTO pending_init (one, node_key, genesis, begun, listed) VALUES (1, ?, ?, ?, ?)",
    node.nodeKey,
    request.GenesisAUM,
    now,
    JSON.stringify(nodes.map(({ id, nodeKey }) => [id, nodeKey])),
  );
  return {
    NeedSignatures: nodes.map(({ id, nodeKey, lockKey }) => ({
      NodeID: id,
      NodePublic: nodeKey,
      RotationPubkey: lockKey ?? NO_BYTES,
    })),
  };
}

function requirePending(tailnet: Tailnet, node: NodeRecord, now: number): PendingInit {
  const row = tailnet.store.row("SELECT * FROM pending_init WHERE begun > ?", now - PENDING_INIT_MS);
  if (row === null)
    throw new ControlError("no_pending_init", "no initialization is pending, or it has expired: begin again");
  const nodeKey = row.text("node_key") as NodeKey;
  if (nodeKey !== node.nodeKey)
    throw new ControlError(
      "init_superseded",
      "another node has begun an initialization since: begin again if this one is to win",
    );
  return { nodeKey, genesis: row.bytes("genesis"), listed: JSON.parse(row.text("listed")) as PendingInit["listed"] };
}

/**
 * A digest that tells one finish from another: of who sends it, of every signature, and of a support secret's value, which is public: a plain
 * hash of the secret would be easier to search for than the KDF allows.
 */
function digestOf(request: InitFinishRequest, support: OfferedSupport | null): Uint8Array {
  const parts: (string | Uint8Array)[] = [`${request.NodeKey}\n${request.Genesis}`];
  if (support !== null) parts.push("\nsupport:", support.value);
  for (const id of [...request.Signatures.keys()].sort()) {
    const signature = request.Signatures.get(id) ?? NO_BYTES;
    parts.push(`\n${id}:${signature.length}:`, signature);
  }
  return sha256(...parts);
}

function refuseUnlisted(pending: PendingInit, request: InitFinishRequest): void {
  const listed = new Set(pending.listed.map(([id]) => String(id)));
  const stranger = [...request.Signatures.keys()].find((id) => !listed.has(id));
  if (stranger !== undefined)
    throw new ControlError("unexpected_signature", "a signature for a node that the begin did not list", {
      subject: stranger.slice(0, 32),
    });
}

/** The signature for one listed node, proven under the genesis. */
function provenListed(
  tailnet: Tailnet,
  prepared: Prepared,
  request: InitFinishRequest,
  node: NodeRecord,
  nodeKey: NodeKey,
): ProvenSignature {
  const signature = request.Signatures.get(String(node.id));
  if (signature === undefined)
    throw new ControlError("missing_signature", "a node that the begin listed has no signature", { subject: nodeKey });
  try {
    return proveSignature(tailnet, prepared.state, node, nodeKey, signature);
  } catch (error) {
    if (error instanceof TkaError) throw new ControlError(error.code, error.message, { subject: nodeKey });
    throw error;
  }
}

function storeSignatures(
  tailnet: Tailnet,
  pending: PendingInit,
  prepared: Prepared,
  request: InitFinishRequest,
  seq: number,
): void {
  for (const [id, nodeKey] of pending.listed) {
    const node = tailnet.nodes.byId(id);
    if (node === null) continue;
    const { signature, signedBy } = provenListed(tailnet, prepared, request, node, nodeKey);
    if (node.nodeKey === nodeKey) tailnet.nodes.sign(node, signature, signedBy, seq);
  }
}

/**
 * Throws `no_pending_init`, `init_superseded`, `lock_enabled`, `missing_signature`, `unexpected_signature`, `incorrect_secret` and
 * `support_unavailable` for a support secret, or what proving a signature throws, naming its node.
 */
export function initFinish(
  tailnet: Tailnet,
  node: NodeRecord,
  request: InitFinishRequest,
  support: OfferedSupport | null,
  now: number,
): EmptyResponse {
  const digest = digestOf(request, support);
  const active = tailnet.lock.active();
  if (active !== null && equalBytes(tailnet.lock.finishDigest(active), digest)) return {};
  refuseIfEnabled(tailnet);
  const pending = requirePending(tailnet, node, now);
  refuseUnready(tailnet);
  refuseUnlisted(pending, request);
  const prepared = prepareBootstrap(new MemoryChonk(), decodeAum(pending.genesis), tailnet.verifier);
  if (request.Genesis !== "" && request.Genesis !== prepared.head)
    throw new ControlError(
      "init_superseded",
      "this node has begun another initialization since: the secrets of this one are void",
    );
  const box = support === null ? null : boxFor(prepared, support);
  const seq = tailnet.recordLock(
    byNode(node),
    { kind: "lock.enabled", new: { ...lockDetail(prepared.head, prepared.state), signed: pending.listed.length } },
    now,
  );
  storeSignatures(tailnet, pending, prepared, request, seq);
  tailnet.lock.begin(prepared, digest, now);
  if (support !== null && box !== null) storeSupport(tailnet, byNode(node), box, support.value, now);
  tailnet.nodes.beginAwakening(seq);
  tailnet.store.run("DELETE FROM pending_init");
  return {};
}
