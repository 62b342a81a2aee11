/** Node-key signatures submitted by signers, and which of them rest on a key. */

import { authorizeNodeKey, decodeNodeKeySignature, equalBytes, nodeKeyFromBinary, type NodeKey } from "../tka/index.ts";
import {
  MAX_SIGNATURE_BYTES,
  type AffectedSigsRequest,
  type AffectedSigsResponse,
  type EmptyResponse,
  type SignRequest,
} from "../protocol/index.ts";
import { ControlError } from "./refuse.ts";
import type { Tailnet } from "./tailnet.ts";

function signedNodeKey(signature: Uint8Array): NodeKey {
  if (signature.length > MAX_SIGNATURE_BYTES)
    throw new ControlError("malformed_request", `the signature is larger than ${MAX_SIGNATURE_BYTES} bytes`);
  return nodeKeyFromBinary(decodeNodeKeySignature(signature).pubkey ?? new Uint8Array(0));
}

/**
 * Stores a signature for a node of this tailnet; the same one again is answered with success.
 * Throws `lock_not_enabled`, `unknown_node`, or what proving it throws.
 */
export function submitSignature(tailnet: Tailnet, { Signature }: SignRequest): EmptyResponse {
  const { authority } = tailnet.lock.require();
  const nodeKey = signedNodeKey(Signature);
  const node = tailnet.nodes.byKey(nodeKey);
  if (node === null)
    throw new ControlError("unknown_node", "the signature is for a node key that is not registered in this tailnet", {
      subject: nodeKey,
    });
  const { authorizedBy } = authorizeNodeKey(authority.state, nodeKey, Signature, tailnet.verifier);
  if (!equalBytes(node.keySignature, Signature))
    tailnet.nodes.sign(node, Signature, authorizedBy.publicKey, tailnet.nextSeq());
  return {};
}

/** The stored signatures that rest on the trusted key `KeyID`: they would be worth nothing without it. Throws `lock_not_enabled`. */
export function affectedSignatures(tailnet: Tailnet, { KeyID }: AffectedSigsRequest): AffectedSigsResponse {
  tailnet.lock.require();
  const Signatures = tailnet.nodes
    .signedBy(KeyID)
    .flatMap(({ keySignature }) => (keySignature === null ? [] : [keySignature]));
  return { Signatures };
}
