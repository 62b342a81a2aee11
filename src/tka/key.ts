/** Keys that a tailnet trusts to sign. Rules [K1] to [K3] of docs/spec.md stand on the type. Source: Go's `tka/key.go`. */

import { encodeUtf8, equalBytes } from "./bytes.ts";
import type { CborReader, Draft, FieldReaders } from "./cbor-reader.ts";
import type { CborWriter } from "./cbor-writer.ts";
import { TkaError } from "./errors.ts";
import { MAX_META_BYTES, MAX_VOTES } from "./limits.ts";

/** Number of the only kind of key there is: Ed25519. */
export const KEY_25519 = 1;

/**
 * A public key with its votes.
 *
 * [K1] A valid key is of kind 25519, has 1 to 4096 votes, and at most 512 bytes of metadata.
 * [K2] `publicKey` may have any length: a key that is not 32 bytes long is trusted, and never verifies.
 * [K3] The key's ID is `publicKey` itself.
 */
export interface Key {
  /** 8 bits; only 25519 (1) is known. */
  readonly kind: number;
  /** 64 bits. */
  readonly votes: bigint;
  readonly publicKey: Uint8Array | null;
  readonly meta: ReadonlyMap<string, string> | null;
}

export function keyKindText(kind: number): string {
  return kind === 0 ? "invalid" : kind === KEY_25519 ? "25519" : `Key?<${kind}>`;
}

/** The key's ID. Throws `unknown_key_kind` for a kind that has none. */
export function keyId(key: Key): Uint8Array | null {
  if (key.kind !== KEY_25519) throw new TkaError("unknown_key_kind", `unknown key kind: ${keyKindText(key.kind)}`);
  return key.publicKey;
}

/** True if `id` names `key`: nil and empty are the same here, as in Go's `bytes.Equal`. */
export function hasId(key: Key, id: Uint8Array | null): boolean {
  return equalBytes(keyId(key) ?? new Uint8Array(0), id ?? new Uint8Array(0));
}

/** Throws `invalid_key` unless [K1] holds. */
export function validateKey(key: Key): void {
  if (key.votes > MAX_VOTES) throw new TkaError("invalid_key", `excessive key weight: ${key.votes} > ${MAX_VOTES}`);
  if (key.votes === 0n) throw new TkaError("invalid_key", "key votes must not be zero");
  let size = 0;
  for (const [name, value] of key.meta ?? []) size += encodeUtf8(name).length + encodeUtf8(value).length;
  if (size > MAX_META_BYTES)
    throw new TkaError("invalid_key", `key metadata too big (${size} > ${MAX_META_BYTES} bytes)`);
  if (key.kind !== KEY_25519) throw new TkaError("invalid_key", `unrecognized key kind: ${keyKindText(key.kind)}`);
}

export function writeKey(writer: CborWriter, key: Key): void {
  const hasMeta = key.meta !== null && key.meta.size > 0;
  writer.map(hasMeta ? 4 : 3);
  writer.uint(1).uint(key.kind);
  writer.uint(2).uint64(key.votes);
  writer.uint(3).bytes(key.publicKey);
  if (hasMeta) writer.uint(12).textMap(key.meta);
}

const FIELDS: FieldReaders<Draft<Key>> = {
  1: (reader, key) => (key.kind = reader.uint8()),
  2: (reader, key) => (key.votes = reader.uint64()),
  3: (reader, key) => (key.publicKey = reader.bytes()),
  12: (reader, key) => (key.meta = reader.textMap()),
};

export function readKey(reader: CborReader): Key {
  const key: Draft<Key> = { kind: 0, votes: 0n, publicKey: null, meta: null };
  reader.struct(FIELDS, key);
  return key;
}
