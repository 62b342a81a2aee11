/**
 * The symmetric state of a Noise handshake (the Noise Protocol Framework, revision 34, section 5.2) for `Noise_IK_25519_ChaChaPoly_BLAKE2s`, as
 * Go's control/controlbase runs it: every key seals once, with a nonce of zero [T2].
 */

import { blake2s, concatBytes, encodeUtf8 } from "../tka/index.ts";
import { NOISE_TAG_BYTES, NoiseError, type NoiseCrypto } from "./noise-crypto.ts";

const PROTOCOL_NAME = encodeUtf8("Noise_IK_25519_ChaChaPoly_BLAKE2s");
const BLOCK_BYTES = 64;
const NONE = new Uint8Array(0);
const NONCE_ZERO = new Uint8Array(12);

/** HMAC (RFC 2104) with BLAKE2s and a key of at most one block. */
function hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const inner = new Uint8Array(BLOCK_BYTES).fill(0x36);
  const outer = new Uint8Array(BLOCK_BYTES).fill(0x5c);
  key.forEach((byte, i) => {
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  });
  return blake2s(concatBytes(outer, blake2s(concatBytes(inner, message))));
}

/** Noise's HKDF with two outputs. */
function deriveTwo(chainingKey: Uint8Array, input: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const secret = hmac(chainingKey, input);
  const first = hmac(secret, Uint8Array.of(1));
  return [first, hmac(secret, concatBytes(first, Uint8Array.of(2)))];
}

export class NoiseSymmetric {
  readonly #crypto: NoiseCrypto;
  #hash: Uint8Array = blake2s(PROTOCOL_NAME);
  #chainingKey: Uint8Array = this.#hash;

  constructor(crypto: NoiseCrypto) {
    this.#crypto = crypto;
  }

  mixHash(data: Uint8Array): void {
    this.#hash = blake2s(concatBytes(this.#hash, data));
  }

  /** Mixes the two keys' agreement in, and gives the key for one message. Throws NoiseError where the point is of small order. */
  async mixAgreement(privateKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array> {
    const agreed = await this.#crypto.agree(privateKey, publicKey);
    if (agreed === null || agreed.every((byte) => byte === 0))
      throw new NoiseError("wrong_initiation", "the handshake holds a key of small order");
    const [chainingKey, key] = deriveTwo(this.#chainingKey, agreed);
    this.#chainingKey = chainingKey;
    return key;
  }

  sealAndHash(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const sealed = this.#crypto.seal(key, NONCE_ZERO, plaintext, this.#hash);
    this.mixHash(sealed);
    return sealed;
  }

  /** Opens an attacker-controlled ciphertext of fixed length. Throws NoiseError. */
  openAndHash(key: Uint8Array, sealed: Uint8Array): Uint8Array {
    const plaintext = sealed.length < NOISE_TAG_BYTES ? null : this.#crypto.open(key, NONCE_ZERO, sealed, this.#hash);
    if (plaintext === null)
      throw new NoiseError("wrong_initiation", "the handshake was made for another key, or was changed on its way");
    this.mixHash(sealed);
    return plaintext;
  }

  /** The two keys of the connection: what the initiator seals with, and what the responder does. */
  split(): readonly [Uint8Array, Uint8Array] {
    return deriveTwo(this.#chainingKey, NONE);
  }
}
