/**
 * Signatures that the two rules judge differently: the commitment has a torsion point added, so that the cofactored equation (ZIP-215) holds
 * and the cofactorless one (Go's standard library) does not.
 */

import { Point } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";

import { concatBytes } from "../../../src/tka/bytes.ts";
import type { FuzzSigner } from "./keys.ts";

const ORDER = Point.CURVE().n;
/** y = 0: a point of order four. */
const TORSION = Point.fromBytes(new Uint8Array(32), true);

export function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** 32 bytes. */
export function toLittleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** The secret number of an Ed25519 seed (RFC 8032). */
function secretOf(seed: Uint8Array): bigint {
  const half = sha512(seed).slice(0, 32);
  half[0] = (half[0] ?? 0) & 248;
  half[31] = ((half[31] ?? 0) & 127) | 64;
  return littleEndian(half) % ORDER;
}

/** The same signer, with torsion in every commitment. */
export function withTorsion(signer: FuzzSigner): FuzzSigner {
  const sign = (message: Uint8Array): Uint8Array => {
    const nonce = littleEndian(sha512(concatBytes(signer.privateKey, message))) % ORDER;
    const commitment = Point.BASE.multiply(nonce).add(TORSION).toBytes();
    const challenge = littleEndian(sha512(concatBytes(commitment, signer.publicKey, message))) % ORDER;
    const scalar = (nonce + challenge * secretOf(signer.privateKey.subarray(0, 32))) % ORDER;
    return concatBytes(commitment, toLittleEndian(scalar));
  };
  return { ...signer, sign };
}
