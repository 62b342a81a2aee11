/**
 * A node signs its own next node key, without any signer's help. Source: Go's `ResignNKS`, from which this departs for the better
 * (docs/compatibility.md): what we make always verifies.
 *
 * Rule [R1]: a rotation is made only where the node's lock key is the one that the old signature wraps; otherwise it is refused, not broken.
 * Rule [R2]: what is made never nests deeper than a decoder takes. Layers are counted, not node keys: a credential is a layer without one.
 * Rule [R3]: trimming drops, and signs anew, only layers that our own key has signed: those above the layer from which on it is our key that
 *            signs. The old signature is attacker-controlled: what is signed anew without looking would be signed for whomever it names.
 *
 *   initial .. anchor (wraps our key) | r1  r2  r3 ... r13 | newest       r1 to r13 are ours to drop and to sign anew, over the anchor.
 */

import type { Signer } from "./ed25519.ts";
import { equalBytes } from "./bytes.ts";
import { TkaError } from "./errors.ts";
import { nodeKeyToBinary, type NodeKey } from "./key-text.ts";
import { MAX_SIGNATURE_LAYERS } from "./limits.ts";
import {
  SIG_KIND,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
  makeNodeKeySignature,
  nodeKeySigHash,
  signatureLayers,
  unverifiedWrappingKey,
  type NodeKeySignature,
} from "./node-key-signature.ts";

/** The signature with its outermost layer signed. */
export function signNodeKeySignature(unsigned: NodeKeySignature, signer: Signer): NodeKeySignature {
  return { ...unsigned, signature: signer.sign(nodeKeySigHash(unsigned)) };
}

/** A direct signature for `nodeKey` by a trusted key; `rotationKey` (32 bytes) may rotate it later, or is null. */
export function signDirect(nodeKey: NodeKey, rotationKey: Uint8Array | null, signer: Signer): Uint8Array {
  const unsigned = makeNodeKeySignature(SIG_KIND.direct, {
    keyId: signer.publicKey,
    pubkey: nodeKeyToBinary(nodeKey),
    wrappingPubkey: rotationKey,
  });
  return encodeNodeKeySignature(signNodeKeySignature(unsigned, signer));
}

/** The layers, from the outermost to the initial one. */
function layersOf(sig: NodeKeySignature): NodeKeySignature[] {
  const layers = [sig];
  for (let nested = sig.nested; nested !== null; nested = nested.nested) layers.push(nested);
  return layers;
}

/** True if `layer` is signed by our own key. Ed25519 signs alike each time, so signing again is the proof. */
function isOurs(layer: NodeKeySignature, signer: Signer): boolean {
  return equalBytes(signer.sign(nodeKeySigHash(layer)), layer.signature);
}

/** The last of the layers, seen from outside, above which our key has signed everything: the anchor of [R3]. */
function anchorOf(layers: readonly NodeKeySignature[], signer: Signer): number {
  let anchor = 0;
  for (const [i, layer] of layers.slice(1).entries()) {
    const above = layers[i] as NodeKeySignature;
    if (!equalBytes(unverifiedWrappingKey(layer), signer.publicKey) || !isOurs(above, signer)) break;
    anchor = i + 1;
  }
  return anchor;
}

/** The old signature, or one with fewer layers that says the same of its newest node keys [R2][R3]. */
function trimmed(old: NodeKeySignature, signer: Signer): NodeKeySignature {
  if (signatureLayers(old) < MAX_SIGNATURE_LAYERS) return old;
  const layers = layersOf(old);
  const anchor = anchorOf(layers, signer);
  const room = MAX_SIGNATURE_LAYERS - 1 - (layers.length - anchor);
  if (room < 0)
    throw new TkaError(
      "rotation_chain_full",
      "the signature cannot be rotated again: the node must be signed directly",
    );
  const kept = layers.slice(0, Math.min(room, anchor)).reverse();
  return kept.reduce(
    (nested, { kind, pubkey }) => signNodeKeySignature(makeNodeKeySignature(kind, { pubkey, nested }), signer),
    layers[anchor] as NodeKeySignature,
  );
}

/**
 * Rotates `old` (the bytes of a valid signature for an earlier node key) to `nodeKey`, with the node's own lock key.
 * Where `old` is for `nodeKey` already, it is given back as it is.
 * Throws `malformed_cbor`, `rotation_not_ours` [R1], or `rotation_chain_full` where other keys' layers leave no room.
 */
export function rotateSignature(old: Uint8Array, nodeKey: NodeKey, signer: Signer): Uint8Array {
  const sig = decodeNodeKeySignature(old);
  const pubkey = nodeKeyToBinary(nodeKey);
  if (equalBytes(sig.pubkey, pubkey)) return old;
  if (!equalBytes(unverifiedWrappingKey(sig), signer.publicKey))
    throw new TkaError(
      "rotation_not_ours",
      "the signature names another key to rotate with: the node must be signed again",
    );
  const rotation = makeNodeKeySignature(SIG_KIND.rotation, { pubkey, nested: trimmed(sig, signer) });
  return encodeNodeKeySignature(signNodeKeySignature(rotation, signer));
}

/**
 * The first signature of a node that joins by a signed auth key: the credential's throw-away key signs, and the node's own lock key
 * (`lockKey`, 32 bytes) is named as the one that rotates from here on. Go names none, and its nodes can never rotate.
 * Throws `bad_credential` where `credential` is not one, or wraps another key than `throwAway`.
 */
export function signByCredential(
  credential: NodeKeySignature,
  throwAway: Signer,
  nodeKey: NodeKey,
  lockKey: Uint8Array,
): Uint8Array {
  if (credential.kind !== SIG_KIND.credential)
    throw new TkaError("bad_credential", "the wrapped signature is not a credential");
  if (!equalBytes(credential.wrappingPubkey, throwAway.publicKey))
    throw new TkaError("bad_credential", "the credential is for another private key");
  const unsigned = makeNodeKeySignature(SIG_KIND.rotation, {
    pubkey: nodeKeyToBinary(nodeKey),
    nested: credential,
    wrappingPubkey: lockKey,
  });
  return encodeNodeKeySignature(signNodeKeySignature(unsigned, throwAway));
}
