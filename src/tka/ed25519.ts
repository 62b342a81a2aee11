/**
 * The two rules by which Ed25519 signatures are verified, and the port through which a host makes them fast.
 *
 * Rule [V1]: AUMs, direct and credential signatures verify by ZIP-215: cofactored, any encoding of a point is taken.
 * Rule [V2]: the outer signature of a rotation verifies as Go's crypto/ed25519 does: cofactorless, R compared as bytes, any encoding of
 *            the public key is taken.
 * Rule [V3]: both refuse S at or above the group order. A yes by [V2] implies a yes by [V1]; the two part on odd points only.
 * Rule [V4]: a native verifier's yes is final, since native ones keep [V2] or less. Its no never is: the rule itself is asked then.
 * Sources: ZIP-215; Go's crypto/ed25519; github.com/hdevalence/ed25519consensus; "It's 255:19AM" (Henry de Valence, 2020).
 */

import { Point, hashes, sign, getPublicKey, verify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "./bytes.ts";
import { KEY_LENGTH, SIGNATURE_LENGTH } from "./limits.ts";

hashes.sha512 = sha512;

/** True if `signature` (64 bytes) of `message` verifies under `publicKey` (32 bytes). Other lengths never verify. */
export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** The port: one verifier for each rule. */
export interface SignatureVerifier {
  /** [V1] */
  readonly zip215: Verify;
  /** [V2] */
  readonly standard: Verify;
}

/** Makes signatures with one Ed25519 key. Throws nothing; how the private half is kept is the host's affair. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** A signature of 64 bytes over `message`. */
  sign(message: Uint8Array): Uint8Array;
}

function lengthsFit(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return publicKey.length === KEY_LENGTH && signature.length === SIGNATURE_LENGTH;
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}

const verifyZip215: Verify = (publicKey, message, signature) =>
  lengthsFit(publicKey, signature) && verify(signature, message, publicKey, { zip215: true });

const verifyStandard: Verify = (publicKey, message, signature) => {
  if (!lengthsFit(publicKey, signature)) return false;
  const order = Point.CURVE().n;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= order) return false;
  let key: Point;
  try {
    key = Point.fromBytes(publicKey, true);
  } catch {
    return false;
  }
  const challenge = littleEndian(sha512(concatBytes(r, publicKey, message))) % order;
  const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(challenge));
  return equalBytes(expected.toBytes(), r);
};

/** Both rules in JavaScript: exact on every host, and slow (about 2 ms a signature). */
export const pureVerifier: SignatureVerifier = { zip215: verifyZip215, standard: verifyStandard };

/** Both rules, answered by the host's synchronous native verifier where its word is final [V4]. */
export function nativeVerifier(native: Verify): SignatureVerifier {
  const first =
    (rule: Verify): Verify =>
    (publicKey, message, signature) =>
      lengthsFit(publicKey, signature) &&
      (native(publicKey, message, signature) || rule(publicKey, message, signature));
  return { zip215: first(verifyZip215), standard: first(verifyStandard) };
}

/** A signer in JavaScript, from the 32-byte seed of a private key. */
export function signerFromSeed(seed: Uint8Array): Signer {
  return { publicKey: getPublicKey(seed), sign: (message) => sign(message, seed) };
}
