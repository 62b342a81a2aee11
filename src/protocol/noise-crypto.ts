/**
 * What the control protocol's Noise needs of its host: X25519 and ChaCha20-Poly1305. BLAKE2s is our own. Agreement is asynchronous, since what
 * works alike in workerd and in Node is WebCrypto's; so a handshake is. Records are synchronous: between a record and the state after it, nobody else
 * has a turn.
 */

/** Bytes of a key, public or private, and of a cipher's. */
export const NOISE_KEY_BYTES = 32;
/** Bytes that sealing adds. */
export const NOISE_TAG_BYTES = 16;

export interface NoiseKeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

export interface NoiseCrypto {
  /** A fresh X25519 key pair. */
  newKeyPair(): NoiseKeyPair;
  /** The public half of a private key. */
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  /** X25519 of a private key with an attacker-controlled public one: 32 bytes, or null where the host refuses a point of small order. */
  agree(privateKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array | null>;
  /** Ciphertext and tag. The nonce has 12 bytes. */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Uint8Array;
  /** The plaintext, or null where the tag is wrong. `sealed` is attacker-controlled and has at least the bytes of a tag. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | null;
}

export type NoiseErrorCode =
  /** Not an initiation of this protocol, in its outer form. */
  | "malformed_initiation"
  /** An initiation for another control key, or a tampered one. */
  | "wrong_initiation"
  /** Not a record, or one that is too large. */
  | "malformed_record"
  /** A record that does not open: tampered, lost or repeated. */
  | "wrong_record"
  /** No nonce is left: the connection must end. */
  | "nonces_spent"
  /** Used after it had failed. */
  | "broken"
  /** A saved state that this version does not read. */
  | "unknown_state";

/** Why a Noise connection ends. The message repeats nothing that came in. */
export class NoiseError extends Error {
  readonly code: NoiseErrorCode;

  constructor(code: NoiseErrorCode, message: string) {
    super(message);
    this.name = "NoiseError";
    this.code = code;
  }
}
