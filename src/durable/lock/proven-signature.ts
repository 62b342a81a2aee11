/**
 * Node-key signatures on their way into storage. Attacker-controlled.
 *
 * Rule [G4]: what is stored is the canonical encoding of a signature that lets the node's key in, within the size limit: everyone is shown it.
 * Rule [G5]: a rotation names no other node's key as an earlier one of its own: whoever looks at it would take that node for rotated out.
 */

import {
  authorizeNodeKey,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
  type NodeKey,
  type State,
} from "../../tka/index.ts";
import { MAX_SIGNATURE_BYTES } from "../../protocol/index.ts";
import { ControlError } from "../refuse.ts";
import type { NodeRecord } from "../nodes/nodes.ts";
import type { Tailnet } from "../authority/tailnet.ts";

export interface ProvenSignature {
  /** The canonical encoding. */
  readonly signature: Uint8Array;
  /** The trusted key that it rests on. */
  readonly signedBy: Uint8Array;
}

/** True if `owner` was a node of the same machine, and was removed: the machine has joined again. */
function isFormerSelf({ nodes }: Tailnet, owner: number, { machineKey }: NodeRecord): boolean {
  return nodes.byId(owner) === null && nodes.machineOf(owner) === machineKey;
}

/** Throws `not_authorized`, or what proving the signature throws. */
export function proveSignature(
  tailnet: Tailnet,
  state: State,
  node: NodeRecord,
  nodeKey: NodeKey,
  bytes: Uint8Array,
): ProvenSignature {
  if (bytes.length > MAX_SIGNATURE_BYTES)
    throw new ControlError("not_authorized", `the signature is larger than ${MAX_SIGNATURE_BYTES} bytes`, {
      subject: nodeKey,
    });
  const signature = encodeNodeKeySignature(decodeNodeKeySignature(bytes));
  const { authorizedBy, rotation } = authorizeNodeKey(state, nodeKey, signature, tailnet.verifier);
  for (const earlier of rotation?.previousNodeKeys ?? []) {
    const owner = tailnet.nodes.ownerOf(earlier);
    if (owner !== null && owner !== node.id && !isFormerSelf(tailnet, owner, node))
      throw new ControlError("not_authorized", "the rotation names another node's key as its own", {
        subject: earlier,
      });
  }
  const { publicKey } = authorizedBy;
  // A key that is not 32 bytes long is never behind a signature that verifies [K2].
  if (publicKey === null) throw new ControlError("not_authorized", "no key stands behind the signature");
  return { signature, signedBy: publicKey };
}
