/** What a tailnet trusts at one point of its chain. Source: Go's `tka/state.go`. */

import { equalBytes } from "./bytes.ts";
import type { CborReader, Draft, FieldReaders } from "./cbor-reader.ts";
import type { CborWriter } from "./cbor-writer.ts";
import { TkaError, within } from "./errors.ts";
import { hashFromBytes, hashToBytes, type AumHash } from "./hash.ts";
import { hasId, keyId, readKey, validateKey, writeKey, type Key } from "./key.ts";
import { DISABLEMENT_LENGTH, HASH_LENGTH, MAX_DISABLEMENT_VALUES, MAX_KEYS } from "./limits.ts";
import { encodeHex } from "./text-encodings.ts";

/**
 * The state after an AUM. Values of this type are never changed: applying an AUM makes a new one (apply.ts).
 *
 * [S1] In a checkpoint: no `lastAumHash`; 1 to 32 different disablement values of 32 bytes; 1 to 512 valid keys with different IDs.
 * [S2] The two state IDs are drawn when a tailnet is locked, and never change while it is.
 */
export interface State {
  readonly lastAumHash: AumHash | null;
  readonly disablementValues: readonly (Uint8Array | null)[] | null;
  readonly keys: readonly Key[] | null;
  /** 64 bits. */
  readonly stateId1: bigint;
  /** 64 bits. */
  readonly stateId2: bigint;
}

/** The state of a chain that has not begun. */
export const EMPTY_STATE: State = {
  lastAumHash: null,
  disablementValues: null,
  keys: null,
  stateId1: 0n,
  stateId2: 0n,
};

/** The trusted key with that ID, or null. Throws `unknown_key_kind` where a key of unknown kind comes before it. */
export function findKey(state: State, id: Uint8Array | null): Key | null {
  for (const key of state.keys ?? []) if (hasId(key, id)) return key;
  return null;
}

/** The trusted key with that ID. Throws `unknown_key`. */
export function requireKey(state: State, id: Uint8Array | null): Key {
  const key = findKey(state, id);
  if (key === null) {
    const subject = `tlpub:${encodeHex(id ?? new Uint8Array(0))}`;
    throw new TkaError("unknown_key", `key not found: ${subject}`, { subject });
  }
  return key;
}

function invalid(why: string, index?: number): TkaError {
  return new TkaError("invalid_state", why, index === undefined ? {} : { index });
}

function validateDisablementValues(values: readonly (Uint8Array | null)[]): void {
  if (values.length === 0) throw invalid("at least one disablement value is required");
  if (values.length > MAX_DISABLEMENT_VALUES)
    throw invalid(`too many disablement values (${values.length}, at most ${MAX_DISABLEMENT_VALUES})`);
  values.forEach((value, i) => {
    if (value?.length !== DISABLEMENT_LENGTH)
      throw invalid(`disablement value ${i}: not ${DISABLEMENT_LENGTH} bytes`, i);
    if (values.some((other, j) => j < i && equalBytes(value, other)))
      throw invalid(`disablement value ${i} stands twice`, i);
  });
}

function validateKeys(keys: readonly Key[]): void {
  if (keys.length === 0) throw invalid("at least one key is required");
  if (keys.length > MAX_KEYS) throw invalid(`too many keys (${keys.length}, at most ${MAX_KEYS})`);
  const ids = new Set<string>();
  keys.forEach((key, index) => {
    within(`key ${index}`, { index }, () => {
      validateKey(key);
    });
    const id = encodeHex(keyId(key) ?? new Uint8Array(0));
    if (ids.has(id)) throw invalid(`key ${index} stands twice`, index);
    ids.add(id);
  });
}

/** Throws `invalid_state` or `invalid_key` unless [S1] holds. */
export function validateCheckpointState(state: State): void {
  if (state.lastAumHash !== null) throw invalid("a checkpoint's state must not name an AUM");
  validateDisablementValues(state.disablementValues ?? []);
  validateKeys(state.keys ?? []);
}

export function writeState(writer: CborWriter, state: State): void {
  writer.map(3 + (state.stateId1 === 0n ? 0 : 1) + (state.stateId2 === 0n ? 0 : 1));
  writer.uint(1).bytes(state.lastAumHash === null ? null : hashToBytes(state.lastAumHash));
  writer.uint(2);
  if (state.disablementValues === null) writer.null();
  else {
    writer.array(state.disablementValues.length);
    for (const value of state.disablementValues) writer.bytes(value);
  }
  writer.uint(3);
  if (state.keys === null) writer.null();
  else {
    writer.array(state.keys.length);
    for (const key of state.keys) writeKey(writer, key);
  }
  if (state.stateId1 !== 0n) writer.uint(4).uint64(state.stateId1);
  if (state.stateId2 !== 0n) writer.uint(5).uint64(state.stateId2);
}

function readHash(reader: CborReader): AumHash | null {
  const bytes = reader.fixedBytes(HASH_LENGTH);
  return bytes === null ? null : hashFromBytes(bytes);
}

const FIELDS: FieldReaders<Draft<State>> = {
  1: (reader, state) => (state.lastAumHash = readHash(reader)),
  2: (reader, state) => (state.disablementValues = reader.array(() => reader.bytes())),
  3: (reader, state) => (state.keys = reader.array(() => readKey(reader))),
  4: (reader, state) => (state.stateId1 = reader.uint64()),
  5: (reader, state) => (state.stateId2 = reader.uint64()),
};

export function readState(reader: CborReader): State {
  const state: Draft<State> = { ...EMPTY_STATE };
  reader.struct(FIELDS, state);
  return state;
}
