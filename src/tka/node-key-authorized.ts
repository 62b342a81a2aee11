/**
 * Whether a signature lets a node key in. Source: Go's `Authority.NodeKeyAuthorizedWithDetails` and `verifySignature`.
 *
 * Rule [N6]: the outermost layer names the node key in question; each layer is verified, the outermost first.
 * Rule [N7]: a rotation verifies under the key its nested signature wraps, by Go's standard rule; direct and credential signatures
 *            under the trusted key they name, by ZIP-215. The key ID on a rotation is ignored.
 * Rule [N8]: a credential alone lets nobody in, and only rotations nest.
 */

import type { SignatureVerifier } from "./ed25519.ts";
import { equalBytes } from "./bytes.ts";
import { TkaError, within } from "./errors.ts";
import { KEY_25519, type Key } from "./key.ts";
import { checkNodeKeyBinary, nodeKeyFromBinary, nodeKeyToBinary, type NodeKey } from "./key-text.ts";
import { KEY_LENGTH } from "./limits.ts";
import {
  SIG_KIND,
  decodeNodeKeySignature,
  nodeKeySigHash,
  signatureKindText,
  unverifiedAuthorizingKeyId,
  unverifiedWrappingKey,
  type NodeKeySignature,
} from "./node-key-signature.ts";
import { requireKey, type State } from "./state.ts";

/** What a valid rotation tells besides: the keys that the node used before (the newest first), and what it was let in by. */
export interface RotationDetails {
  readonly previousNodeKeys: readonly NodeKey[];
  readonly initial: NodeKeySignature;
}

function refuse(why: string): TkaError {
  return new TkaError("not_authorized", why);
}

function verifyTrusted(sig: NodeKeySignature, key: Key, verifier: SignatureVerifier): void {
  if (sig.nested !== null) throw refuse(`signatures of kind ${signatureKindText(sig.kind)} nest no other`);
  if (key.kind !== KEY_25519 || key.publicKey?.length !== KEY_LENGTH)
    throw refuse("the trusted key cannot verify anything");
  if (sig.signature === null || !verifier.zip215(key.publicKey, nodeKeySigHash(sig), sig.signature))
    throw refuse("invalid signature");
}

function verifyRotation(sig: NodeKeySignature, verifier: SignatureVerifier): NodeKeySignature {
  if (sig.nested === null) throw refuse("a rotation that nests no signature");
  const wrapping = unverifiedWrappingKey(sig.nested);
  if (wrapping === null) throw refuse("the nested signature wraps no key to rotate with");
  if (wrapping.length !== KEY_LENGTH) throw refuse(`a rotation key of ${wrapping.length} bytes`);
  if (sig.signature === null || !verifier.standard(wrapping, nodeKeySigHash(sig), sig.signature))
    throw refuse("invalid signature");
  return sig.nested;
}

function verifyLayers(sig: NodeKeySignature, nodeKey: NodeKey, key: Key, verifier: SignatureVerifier): void {
  if (!equalBytes(nodeKeyToBinary(nodeKey), sig.pubkey)) throw refuse("the signature is for another node key");
  let layer = sig;
  while (layer.kind === SIG_KIND.rotation) {
    const nested = verifyRotation(layer, verifier);
    if (nested.kind !== SIG_KIND.credential)
      within("nested signature", {}, () => {
        checkNodeKeyBinary(nested.pubkey ?? new Uint8Array(0));
      });
    layer = nested;
  }
  if (layer.kind !== SIG_KIND.direct && layer.kind !== SIG_KIND.credential)
    throw refuse(`unhandled signature type: ${signatureKindText(layer.kind)}`);
  verifyTrusted(layer, key, verifier);
}

function rotationDetails(sig: NodeKeySignature): RotationDetails | null {
  if (sig.kind !== SIG_KIND.rotation) return null;
  const previousNodeKeys: NodeKey[] = [];
  let layer = sig;
  while (layer.kind === SIG_KIND.rotation && layer.nested !== null) {
    layer = layer.nested;
    if (layer.pubkey !== null && layer.pubkey.length > 0) previousNodeKeys.push(nodeKeyFromBinary(layer.pubkey));
  }
  return { previousNodeKeys, initial: layer };
}

/** A signature that was proven, and the trusted key that it all rests on. */
export interface Authorization {
  readonly authorizedBy: Key;
  /** Null for a direct signature. */
  readonly rotation: RotationDetails | null;
}

/**
 * Proves that attacker-controlled `signature` lets `nodeKey` in under `state`.
 * Throws `malformed_cbor`, `unknown_key`, `not_authorized` or `malformed_text`.
 */
export function authorizeNodeKey(
  state: State,
  nodeKey: NodeKey,
  signature: Uint8Array,
  verifier: SignatureVerifier,
): Authorization {
  const sig = decodeNodeKeySignature(signature);
  if (sig.kind === SIG_KIND.credential) throw refuse("a credential lets no node in on its own");
  const authorizedBy = requireKey(state, unverifiedAuthorizingKeyId(sig));
  verifyLayers(sig, nodeKey, authorizedBy, verifier);
  return { authorizedBy, rotation: rotationDetails(sig) };
}
