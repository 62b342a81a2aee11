/**
 * What an answerer needs of its host, and the bytes and texts that travel in oracle requests. Runs in Node and in workerd.
 */

import { Buffer } from "node:buffer";
import type { DisablementKdf, SignatureVerifier, Signer } from "../../src/tka/index.ts";
import { fastSigner } from "./host-crypto.ts";

/** The ports of the authority, and the present in milliseconds since the epoch. */
export interface AnswerPorts {
  readonly verifier: SignatureVerifier;
  readonly kdf: DisablementKdf;
  /** A signer from the 64 bytes of a private key: the seed, then the public key. */
  readonly signer: (privateKey: Uint8Array) => Signer;
  readonly now: number;
}

const importedSigners = new Map<string, Signer>();

/** A signer over node:crypto, from the 64 bytes of a private key. Imported keys are kept: callers use few. */
export function nativeSigner(privateKey: Uint8Array): Signer {
  const id = toBase64(privateKey);
  const known = importedSigners.get(id);
  if (known !== undefined) return known;
  const signer = fastSigner(privateKey.subarray(0, 32));
  importedSigners.set(id, signer);
  return signer;
}

/** Bytes as they travel: null is nil, empty is "". */
export function toBase64(bytes: Uint8Array): string;
export function toBase64(bytes: Uint8Array | null): string | null;
export function toBase64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

export function fromBase64(text: string): Uint8Array;
export function fromBase64(text: string | null): Uint8Array | null;
export function fromBase64(text: string | null): Uint8Array | null {
  return text === null ? null : new Uint8Array(Buffer.from(text, "base64"));
}
