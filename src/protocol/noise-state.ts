/**
 * The state of a Noise connection between two records, and its bytes, so that a connection outlives the memory of the object that holds it.
 *
 * Rule [T5]: version 1 (1 byte), then for receiving and for sending each the key (32) and the next nonce (8, big endian), then the bytes of a record
 *            that has come in part. The bytes are secrets.
 */

import { concatBytes } from "../tka/index.ts";
import { NOISE_KEY_BYTES, NoiseError } from "./noise-crypto.ts";

const VERSION = 1;
const NONCE_BYTES = 8;
const FIXED_BYTES = 1 + 2 * (NOISE_KEY_BYTES + NONCE_BYTES);

export interface NoiseState {
  readonly rxKey: Uint8Array;
  /** Records opened so far: the nonce of the next. */
  readonly rxNonce: number;
  readonly txKey: Uint8Array;
  /** Records sealed so far: the nonce of the next. */
  readonly txNonce: number;
  /** The beginning of a record whose rest has not come: less than 4,096 bytes. */
  readonly partial: Uint8Array;
}

export function encodeNoiseState({ rxKey, rxNonce, txKey, txNonce, partial }: NoiseState): Uint8Array {
  const nonces = [rxNonce, txNonce].map((nonce) => {
    const bytes = new Uint8Array(NONCE_BYTES);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(nonce));
    return bytes;
  });
  const [rx = bytesOfNothing, tx = bytesOfNothing] = nonces;
  return concatBytes(Uint8Array.of(VERSION), rxKey, rx, txKey, tx, partial);
}

const bytesOfNothing = new Uint8Array(0);

/** Throws NoiseError `unknown_state` where the bytes are of another version, or cut off. */
export function decodeNoiseState(bytes: Uint8Array): NoiseState {
  if (bytes[0] !== VERSION || bytes.length < FIXED_BYTES)
    throw new NoiseError("unknown_state", "the saved connection is of another version");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const half = (at: number): readonly [Uint8Array, number] => [
    bytes.slice(at, at + NOISE_KEY_BYTES),
    Number(view.getBigUint64(at + NOISE_KEY_BYTES)),
  ];
  const [rxKey, rxNonce] = half(1);
  const [txKey, txNonce] = half(1 + NOISE_KEY_BYTES + NONCE_BYTES);
  return { rxKey, rxNonce, txKey, txNonce, partial: bytes.slice(FIXED_BYTES) };
}
