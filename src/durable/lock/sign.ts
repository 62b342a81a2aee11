/**
 * Node-key signatures submitted by signers, and which of them rest on a key.
 *
 * Rule [G6]: a rotation is taken from its own node alone: anybody whose signature is valid could make one that names another node's key.
 * Rule [G7]: a direct signature is taken from its signer, or from its own node: everybody has seen the older ones, and could put one back. By the admin
 *            API it is taken from whoever has the right to sign there, who could remove the device as well: it may have been made anywhere.
 */

import {
  SIG_KIND,
  decodeNodeKeySignature,
  equalBytes,
  formatLockKey,
  nodeKeyFromBinary,
  type NodeKey,
} from "../../tka/index.ts";
import {
  LARGE_ANSWERS,
  MAX_OLD_ANSWER_BYTES,
  MAX_SIGNATURE_BYTES,
  type AffectedSigsRequest,
  type AffectedSigsResponse,
  type EmptyResponse,
  type SignRequest,
} from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import { noteDirectSignature } from "./direct-signature.ts";
import { byNode, nodeTarget, type NodeRecord } from "../nodes/nodes.ts";
import { proveSignature, type ProvenSignature } from "./proven-signature.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** The node that a signature is for; `caller` is the ID of the node that sends it, or null. */
function signedNode(tailnet: Tailnet, caller: number | null, signature: Uint8Array): NodeRecord {
  if (signature.length > MAX_SIGNATURE_BYTES)
    throw new ControlError("malformed_request", `the signature is larger than ${MAX_SIGNATURE_BYTES} bytes`);
  const { pubkey, kind } = decodeNodeKeySignature(signature);
  const nodeKey = nodeKeyFromBinary(pubkey ?? new Uint8Array(0));
  const node = tailnet.nodes.byKey(nodeKey);
  if (node === null)
    throw new ControlError("unknown_node", "the signature is for a node key that is not registered in this tailnet", {
      subject: nodeKey,
    });
  if (kind === SIG_KIND.rotation && node.id !== caller)
    throw new ControlError("not_authorized", "a rotation is taken from its own node alone", { subject: nodeKey });
  return node;
}

/** Stores a signature that was proven; the same one again changes nothing. */
function keepSignature(tailnet: Tailnet, by: By, node: NodeRecord, proven: ProvenSignature, now: number): void {
  const { signature, signedBy } = proven;
  if (equalBytes(node.keySignature, signature)) return;
  const detail = { nodeKey: node.nodeKey, signedBy: formatLockKey(signedBy) };
  const event = { kind: "node.signed", target: nodeTarget(node, "TKA"), new: detail } as const;
  tailnet.nodes.sign(node, signature, signedBy, tailnet.record(by, event, now));
  noteDirectSignature(tailnet, node, now);
}

/** What a signature that came by the admin API has done. */
export interface SignedNode {
  readonly nodeId: string;
  readonly nodeKey: NodeKey;
  /** `tlpub:…` */
  readonly signedBy: string;
}

/** The same by the admin API, where the signature may have been made anywhere [G7]. Throws as below, and `too_many_requests` [W15]. */
export function submitForNode(tailnet: Tailnet, by: By, given: Uint8Array, now: number): SignedNode {
  const { authority } = tailnet.lock.require();
  const node = signedNode(tailnet, null, given);
  const proven = proveSignature(tailnet, authority.state, node, node.nodeKey, given);
  keepSignature(tailnet, by, node, proven, now);
  return { nodeId: node.stableId, nodeKey: node.nodeKey, signedBy: formatLockKey(proven.signedBy) };
}

/**
 * Stores a signature for a node of this tailnet; the same one again is answered with success.
 * Throws `lock_not_enabled`, `unknown_node`, `not_authorized`, or what proving it throws.
 */
export function submitSignature(
  tailnet: Tailnet,
  caller: NodeRecord,
  request: SignRequest,
  now: number,
): EmptyResponse {
  const { authority } = tailnet.lock.require();
  const node = signedNode(tailnet, caller.id, request.Signature);
  const proven = proveSignature(tailnet, authority.state, node, node.nodeKey, request.Signature);
  const isSigner = caller.lockKey !== null && equalBytes(caller.lockKey, proven.signedBy);
  if (node.id !== caller.id && !isSigner)
    throw new ControlError("not_authorized", "a signature is taken from its signer or from its own node", {
      subject: node.nodeKey,
    });
  keepSignature(tailnet, byNode(caller), node, proven, now);
  return {};
}

/** Bytes of the answer that lists these: base64, with quotes and a comma. */
function answerBytes(signatures: readonly Uint8Array[]): number {
  return signatures.reduce((sum, { length }) => sum + 4 * Math.ceil(length / 3) + 3, 64);
}

/**
 * The stored signatures that rest on the trusted key `KeyID`: they would be worth nothing without it. A list is never cut: who asks for it removes the
 * key next, and locks out whoever is not on it. Throws `lock_not_enabled`, and `client_too_old` where the client could not read the answer.
 */
export function affectedSignatures(tailnet: Tailnet, { KeyID, Version }: AffectedSigsRequest): AffectedSigsResponse {
  tailnet.lock.require();
  const Signatures = tailnet.nodes
    .signedBy(KeyID)
    .flatMap(({ keySignature }) => (keySignature === null ? [] : [keySignature]));
  if (Version < LARGE_ANSWERS && answerBytes(Signatures) > MAX_OLD_ANSWER_BYTES)
    throw new ControlError(
      "client_too_old",
      `${Signatures.length} devices rest on this key, more than this client can be told of at once: update Tailscale here to v1.104 or later, or ` +
        "use a signing device that has it",
    );
  return { Signatures };
}
