/**
 * Node-key signatures submitted by signers, and which of them rest on a key.
 *
 * Rule [G6]: a rotation is taken from its own node alone: anybody whose signature is valid could make one that names another node's key.
 * Rule [G7]: a direct signature is taken from its signer, or from its own node: everybody has seen the older ones, and could put one back.
 */

import { SIG_KIND, decodeNodeKeySignature, equalBytes, formatLockKey, nodeKeyFromBinary } from "../tka/index.ts";
import {
  LARGE_ANSWERS,
  MAX_OLD_ANSWER_BYTES,
  MAX_SIGNATURE_BYTES,
  type AffectedSigsRequest,
  type AffectedSigsResponse,
  type EmptyResponse,
  type SignRequest,
} from "../protocol/index.ts";
import { noteDirectSignature } from "./direct-signature.ts";
import { byNode, nodeTarget, type NodeRecord } from "./nodes.ts";
import { proveSignature } from "./proven-signature.ts";
import { ControlError } from "./refuse.ts";
import type { Tailnet } from "./tailnet.ts";

/** The node that a signature is for. */
function signedNode(tailnet: Tailnet, caller: NodeRecord, signature: Uint8Array): NodeRecord {
  if (signature.length > MAX_SIGNATURE_BYTES)
    throw new ControlError("malformed_request", `the signature is larger than ${MAX_SIGNATURE_BYTES} bytes`);
  const { pubkey, kind } = decodeNodeKeySignature(signature);
  const nodeKey = nodeKeyFromBinary(pubkey ?? new Uint8Array(0));
  const node = tailnet.nodes.byKey(nodeKey);
  if (node === null)
    throw new ControlError("unknown_node", "the signature is for a node key that is not registered in this tailnet", {
      subject: nodeKey,
    });
  if (kind === SIG_KIND.rotation && node.id !== caller.id)
    throw new ControlError("not_authorized", "a rotation is taken from its own node alone", { subject: nodeKey });
  return node;
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
  const node = signedNode(tailnet, caller, request.Signature);
  const { signature, signedBy } = proveSignature(tailnet, authority.state, node, node.nodeKey, request.Signature);
  const isSigner = caller.lockKey !== null && equalBytes(caller.lockKey, signedBy);
  if (node.id !== caller.id && !isSigner)
    throw new ControlError("not_authorized", "a signature is taken from its signer or from its own node", {
      subject: node.nodeKey,
    });
  if (equalBytes(node.keySignature, signature)) return {};
  const detail = { nodeKey: node.nodeKey, signedBy: formatLockKey(signedBy) };
  const event = { kind: "node.signed", target: nodeTarget(node, "TKA"), new: detail } as const;
  tailnet.nodes.sign(node, signature, signedBy, tailnet.record(byNode(caller), event, now));
  noteDirectSignature(tailnet, node, now);
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
