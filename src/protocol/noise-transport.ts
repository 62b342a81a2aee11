/**
 * Records of the control protocol: what a Noise connection carries once the handshake is done. Bytes in, bytes out; source: Go's control/controlbase.
 *
 * Rule [T4]: a record is type 4, the length of what follows (2, big endian), and ciphertext with its tag: 4,096 bytes at most in all. The nonce is
 *            four zeros and the number of the record in its direction, big endian. Empty records are allowed. One record that does not open ends the
 *            connection: nothing after it is read or sealed.
 */

import { concatBytes } from "../tka/index.ts";
import { NOISE_TAG_BYTES, NoiseError, type NoiseCrypto, type NoiseErrorCode } from "./noise-crypto.ts";
import type { NoiseState } from "./noise-state.ts";

const TYPE_RECORD = 4;
const HEADER_BYTES = 3;
export const MAX_RECORD_BYTES = 4096;
/** Bytes of plaintext that one record carries. */
export const MAX_RECORD_PLAINTEXT = MAX_RECORD_BYTES - HEADER_BYTES - NOISE_TAG_BYTES;
const NONE = new Uint8Array(0);

/** The nonce of record `number`. */
function nonceOf(number: number): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(number));
  return nonce;
}

export class NoiseTransport {
  readonly #crypto: NoiseCrypto;
  #state: NoiseState;
  #isBroken = false;

  constructor(state: NoiseState, crypto: NoiseCrypto) {
    this.#crypto = crypto;
    this.#state = state;
  }

  /** What a transport that goes on from here has to be given. Never two that seal. */
  get state(): NoiseState {
    return this.#state;
  }

  /** The plaintext of all records that are complete now. `bytes` are attacker-controlled. Throws NoiseError, and is broken from then on. */
  receive(bytes: Uint8Array): Uint8Array {
    if (this.#isBroken) throw new NoiseError("broken", "the connection has failed before");
    const { partial } = this.#state;
    const all = partial.length === 0 ? bytes : concatBytes(partial, bytes);
    const plaintexts: Uint8Array[] = [];
    let { rxNonce } = this.#state;
    let at = 0;
    for (;;) {
      const length = this.#recordLength(all, at);
      if (length === 0 || at + length > all.length) break;
      plaintexts.push(this.#open(all.subarray(at + HEADER_BYTES, at + length), rxNonce));
      rxNonce++;
      at += length;
    }
    // A copy: what came in belongs to the transport below.
    this.#state = { ...this.#state, rxNonce, partial: at === all.length ? NONE : all.slice(at) };
    return plaintexts.length === 1 ? (plaintexts[0] ?? NONE) : concatBytes(...plaintexts);
  }

  /** Records that carry the plaintext: none for nothing. */
  seal(plaintext: Uint8Array): Uint8Array {
    if (this.#isBroken) throw new NoiseError("broken", "the connection has failed before");
    const records: Uint8Array[] = [];
    let { txNonce } = this.#state;
    for (let at = 0; at < plaintext.length; at += MAX_RECORD_PLAINTEXT) {
      const part = plaintext.subarray(at, at + MAX_RECORD_PLAINTEXT);
      this.#checkNonce(txNonce);
      const sealed = this.#crypto.seal(this.#state.txKey, nonceOf(txNonce), part, NONE);
      records.push(Uint8Array.of(TYPE_RECORD, sealed.length >> 8, sealed.length & 0xff), sealed);
      txNonce++;
    }
    this.#state = { ...this.#state, txNonce };
    return concatBytes(...records);
  }

  /** Bytes of the record that begins at `at`, or 0 where its header is not there yet. */
  #recordLength(bytes: Uint8Array, at: number): number {
    if (at >= bytes.length) return 0;
    if (bytes[at] !== TYPE_RECORD) this.#fail("malformed_record", "what came is no record");
    if (at + HEADER_BYTES > bytes.length) return 0;
    const length = HEADER_BYTES + (((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0));
    if (length > MAX_RECORD_BYTES) this.#fail("malformed_record", "a record is too large");
    if (length < HEADER_BYTES + NOISE_TAG_BYTES) this.#fail("malformed_record", "a record is too small");
    return length;
  }

  #open(sealed: Uint8Array, nonce: number): Uint8Array {
    this.#checkNonce(nonce);
    const plaintext = this.#crypto.open(this.#state.rxKey, nonceOf(nonce), sealed, NONE);
    return plaintext ?? this.#fail("wrong_record", "a record does not open");
  }

  /** A nonce never comes again: numbers end before they lose a digit. */
  #checkNonce(nonce: number): void {
    if (nonce >= Number.MAX_SAFE_INTEGER) this.#fail("nonces_spent", "the connection has no nonce left");
  }

  #fail(code: NoiseErrorCode, message: string): never {
    this.#isBroken = true;
    throw new NoiseError(code, message);
  }
}
