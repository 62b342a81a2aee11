/** Node-key signatures by the names of their keys. */

import {
  SIG_KIND,
  encodeNodeKeySignature,
  makeNodeKeySignature,
  nodeKeyToBinary,
  type NodeKeySignature,
  type Signer,
} from "../../src/tka/index.ts";
import { signNodeKeySignature } from "../../src/tka/rotation.ts";
import { idOf, lockKey, nodeKey } from "../support/chains-keys.ts";

/** A direct signature by the trusted key `by` for a node key, which the key `wraps` may rotate. */
export function direct(node: string, wraps: string | null, by = "alice"): NodeKeySignature {
  return signNodeKeySignature(
    makeNodeKeySignature(SIG_KIND.direct, {
      pubkey: nodeKeyToBinary(nodeKey(node)),
      keyId: idOf(by),
      wrappingPubkey: wraps === null ? null : idOf(wraps),
    }),
    lockKey(by),
  );
}

/** A credential by the trusted key `by` for whoever holds the key `wraps`. */
export function credential(wraps: string, by = "alice"): NodeKeySignature {
  const fields = { keyId: idOf(by), wrappingPubkey: idOf(wraps) };
  return signNodeKeySignature(makeNodeKeySignature(SIG_KIND.credential, fields), lockKey(by));
}

/** A rotation of `nested` to a node key, signed by `by`; `wraps` may rotate it further, or whoever could before. */
export function rotation(
  node: string,
  nested: NodeKeySignature | null,
  by: string | Signer,
  wraps: string | null = null,
): NodeKeySignature {
  return signNodeKeySignature(
    makeNodeKeySignature(SIG_KIND.rotation, {
      pubkey: nodeKeyToBinary(nodeKey(node)),
      nested,
      wrappingPubkey: wraps === null ? null : idOf(wraps),
    }),
    typeof by === "string" ? lockKey(by) : by,
  );
}

/** Rotations of `nested` to node keys `<prefix>1` to `<prefix><count>`, all signed by `by`. */
export function rotations(prefix: string, count: number, nested: NodeKeySignature, by: string): NodeKeySignature {
  let sig = nested;
  for (let i = 1; i <= count; i++) sig = rotation(`${prefix}${i}`, sig, by);
  return sig;
}

export const encoded = encodeNodeKeySignature;
