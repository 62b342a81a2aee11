/**
 * AUM hashes: BLAKE2s-256 over canonical encodings, and their text form, which is also how they are compared for equality and kept.
 */

import { blake2s } from "./blake2s.ts";
import { compareBytes } from "./bytes.ts";
import { TkaError } from "./errors.ts";
import { HASH_LENGTH } from "./limits.ts";
import { decodeBase32, encodeBase32 } from "./text-encodings.ts";

declare const brand: unique symbol;

/** The hash of an AUM in its canonical text form: 52 characters of unpadded base32. Source: Go's `tka.AUMHash`. */
export type AumHash = string & { readonly [brand]: "AumHash" };

/** Characters of an AUM hash in text. */
const TEXT_LENGTH = 52;

/** BLAKE2s-256 of `bytes`: 32 bytes. */
export function digest(bytes: Uint8Array): Uint8Array {
  return blake2s(bytes);
}

/** The text form of a hash given as bytes; fewer than 32 are filled with zeros, more are cut, as Go copies into an array. */
export function hashFromBytes(bytes: Uint8Array): AumHash {
  if (bytes.length === HASH_LENGTH) return encodeBase32(bytes) as AumHash;
  const whole = new Uint8Array(HASH_LENGTH);
  whole.set(bytes.subarray(0, HASH_LENGTH));
  return encodeBase32(whole) as AumHash;
}

/** The 32 bytes of a hash. */
export function hashToBytes(hash: AumHash): Uint8Array {
  const bytes = decodeBase32(hash);
  if (bytes?.length !== HASH_LENGTH) throw new TkaError("malformed_text", "not the text of an AUM hash");
  return bytes;
}

/** Parses attacker-controlled text as Go's `AUMHash.UnmarshalText` does, and returns the canonical text. Throws `malformed_text`. */
export function parseAumHash(text: string): AumHash {
  const bytes = text.length === TEXT_LENGTH ? decodeBase32(text) : null;
  if (bytes === null)
    throw new TkaError("malformed_text", `not the text of an AUM hash (${TEXT_LENGTH} characters of base32)`);
  return hashFromBytes(bytes);
}

/** Orders hashes by their bytes; their texts sort otherwise, digits coming after letters in base32. */
export function compareHashes(a: AumHash, b: AumHash): number {
  return compareBytes(hashToBytes(a), hashToBytes(b));
}
