/** AUMs that are wrong by themselves, each with its code, and right ones beside them: rules [A3], [K1], [K2] and [S1]. */

import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  DISABLEMENT_LENGTH,
  KEY_25519,
  MAX_DISABLEMENT_VALUES,
  MAX_KEYS,
  MAX_META_BYTES,
  MAX_VOTES,
  aumHash,
  aumKindText,
  decodeAum,
  encodeAum,
  keyKindText,
  makeAum,
  validateAum,
  type Aum,
  type Key,
  type State,
} from "../../src/tka/index.ts";
import { idOf, stateOf, trusted } from "../support/chains-keys.ts";
import { refusal, verdictOf } from "../support/expect-code.ts";

const filled = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);
const signature = { keyId: filled(32), signature: filled(64) };
const addKey = (change: Partial<Key>): Aum => makeAum(AUM_KIND.addKey, { key: { ...trusted("bob"), ...change } });
const checkpoint = (change: Partial<State>): Aum =>
  makeAum(AUM_KIND.checkpoint, { state: { ...stateOf({ alice: 1 }), ...change } });

/** Metadata of so many bytes, names and values together. */
const meta = (size: number): ReadonlyMap<string, string> => new Map([["name", "x".repeat(size - 4)]]);
const manyKeys = (count: number): Key[] =>
  Array.from({ length: count }, (_, i) => ({
    kind: KEY_25519,
    votes: 1n,
    publicKey: Uint8Array.of(i >> 8, i & 0xff),
    meta: null,
  }));
const manyValues = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => filled(DISABLEMENT_LENGTH, i));

describe("valid AUMs", () => {
  test.each<[string, Aum]>([
    ["AddKey", addKey({})],
    ["AddKey with the most votes", addKey({ votes: MAX_VOTES })],
    ["AddKey with the most metadata", addKey({ meta: meta(MAX_META_BYTES) })],
    ["AddKey with empty metadata", addKey({ meta: new Map() })],
    ["[K2] AddKey with a public key of 31 bytes", addKey({ publicKey: filled(31) })],
    ["[K2] AddKey with no public key", addKey({ publicKey: null })],
    ["RemoveKey", makeAum(AUM_KIND.removeKey, { keyId: idOf("bob") })],
    ["RemoveKey of an ID of one byte", makeAum(AUM_KIND.removeKey, { keyId: filled(1) })],
    ["UpdateKey of votes", makeAum(AUM_KIND.updateKey, { keyId: idOf("bob"), votes: 2n })],
    ["UpdateKey of votes to none", makeAum(AUM_KIND.updateKey, { keyId: idOf("bob"), votes: 0n })],
    ["UpdateKey of metadata", makeAum(AUM_KIND.updateKey, { keyId: idOf("bob"), meta: meta(600) })],
    ["UpdateKey of metadata to none", makeAum(AUM_KIND.updateKey, { keyId: idOf("bob"), meta: new Map() })],
    ["Checkpoint", checkpoint({})],
    ["Checkpoint with the most keys", checkpoint({ keys: manyKeys(MAX_KEYS) })],
    [
      "Checkpoint with the most disablement values",
      checkpoint({ disablementValues: manyValues(MAX_DISABLEMENT_VALUES) }),
    ],
    ["NoOp", makeAum(AUM_KIND.noOp)],
    ["NoOp with every field", { ...checkpoint({}), ...addKey({}), kind: AUM_KIND.noOp, keyId: filled(1), votes: 0n }],
    ["NoOp with a parent of one byte", makeAum(AUM_KIND.noOp, { prevAumHash: filled(1) })],
    ["NoOp with a signature", makeAum(AUM_KIND.noOp, { signatures: [signature] })],
    ["kind 0", makeAum(AUM_KIND.invalid)],
    ["a kind of the future", makeAum(6, { keyId: filled(9), votes: 1n, meta: meta(9) })],
  ])("%s", (_, aum) => {
    expect(verdictOf(() => validateAum(aum))).toBe("ok");
  });
});

describe("invalid_aum", () => {
  const key = trusted("bob");
  const keyId = idOf("bob");
  const state = stateOf({ alice: 1 });

  test.each<[string, Aum]>([
    ["AddKey without a key", makeAum(AUM_KIND.addKey)],
    ["AddKey with a key ID", makeAum(AUM_KIND.addKey, { key, keyId })],
    ["AddKey with a key ID that is empty, not nil", makeAum(AUM_KIND.addKey, { key, keyId: filled(0) })],
    ["AddKey with a state", makeAum(AUM_KIND.addKey, { key, state })],
    ["AddKey with votes beside the key's", makeAum(AUM_KIND.addKey, { key, votes: 1n })],
    ["AddKey with metadata beside the key's", makeAum(AUM_KIND.addKey, { key, meta: new Map() })],
    ["RemoveKey without a key ID", makeAum(AUM_KIND.removeKey)],
    ["RemoveKey with an empty key ID", makeAum(AUM_KIND.removeKey, { keyId: filled(0) })],
    ["RemoveKey with a key", makeAum(AUM_KIND.removeKey, { keyId, key })],
    ["RemoveKey with a state", makeAum(AUM_KIND.removeKey, { keyId, state })],
    ["RemoveKey with votes", makeAum(AUM_KIND.removeKey, { keyId, votes: 0n })],
    ["RemoveKey with metadata", makeAum(AUM_KIND.removeKey, { keyId, meta: new Map() })],
    ["UpdateKey without a key ID", makeAum(AUM_KIND.updateKey, { votes: 1n })],
    ["UpdateKey that updates nothing", makeAum(AUM_KIND.updateKey, { keyId })],
    ["UpdateKey with a key", makeAum(AUM_KIND.updateKey, { keyId, votes: 1n, key })],
    ["UpdateKey with a state", makeAum(AUM_KIND.updateKey, { keyId, votes: 1n, state })],
    ["Checkpoint without a state", makeAum(AUM_KIND.checkpoint)],
    ["Checkpoint with a key ID", makeAum(AUM_KIND.checkpoint, { state, keyId })],
    ["Checkpoint with a key", makeAum(AUM_KIND.checkpoint, { state, key })],
    ["Checkpoint with votes", makeAum(AUM_KIND.checkpoint, { state, votes: 1n })],
    ["Checkpoint with metadata", makeAum(AUM_KIND.checkpoint, { state, meta: new Map() })],
    ["a parent that is empty, not nil", makeAum(AUM_KIND.noOp, { prevAumHash: filled(0) })],
    ["a signature of 63 bytes", makeAum(AUM_KIND.noOp, { signatures: [{ ...signature, signature: filled(63) }] })],
    ["a signature of 65 bytes", makeAum(AUM_KIND.noOp, { signatures: [{ ...signature, signature: filled(65) }] })],
    ["a signature that is nil", makeAum(AUM_KIND.noOp, { signatures: [{ ...signature, signature: null }] })],
    ["a signer's ID of 31 bytes", makeAum(AUM_KIND.noOp, { signatures: [{ ...signature, keyId: filled(31) }] })],
    ["a signer's ID that is nil", makeAum(AUM_KIND.noOp, { signatures: [{ ...signature, keyId: null }] })],
  ])("%s", (_, aum) => {
    expect(verdictOf(() => validateAum(aum))).toBe("invalid_aum");
  });

  test("says which signature", () => {
    const aum = makeAum(AUM_KIND.noOp, { signatures: [signature, { ...signature, keyId: null }] });
    expect(refusal(() => validateAum(aum)).data).toEqual({ index: 1 });
  });

  test("an update to no metadata vanishes in its own encoding, and is refused by whoever receives it", () => {
    const aum = makeAum(AUM_KIND.updateKey, { keyId, meta: new Map() });
    expect(verdictOf(() => validateAum(decodeAum(encodeAum(aum))))).toBe("invalid_aum");
  });
});

describe("[K1] invalid_key", () => {
  test.each<[string, Aum]>([
    ["no votes", addKey({ votes: 0n })],
    ["a vote more than the most", addKey({ votes: MAX_VOTES + 1n })],
    ["2^64 - 1 votes", addKey({ votes: 2n ** 64n - 1n })],
    ["a byte of metadata more than the most", addKey({ meta: meta(MAX_META_BYTES + 1) })],
    ["metadata counted in bytes, not characters", addKey({ meta: new Map([["é".repeat(128), "é".repeat(129)]]) })],
    ["kind 0", addKey({ kind: 0 })],
    ["an unknown kind", addKey({ kind: 2 })],
    ["an unknown kind in a checkpoint", checkpoint({ keys: [trusted("alice"), { ...trusted("bob"), kind: 2 }] })],
    ["no votes in a checkpoint", checkpoint({ keys: [{ ...trusted("alice"), votes: 0n }] })],
    ["a bad key on a NoOp", makeAum(AUM_KIND.noOp, { key: { ...trusted("bob"), votes: 0n } })],
  ])("%s", (_, aum) => {
    expect(verdictOf(() => validateAum(aum))).toBe("invalid_key");
  });

  test("says which key of a checkpoint", () => {
    const aum = checkpoint({ keys: [trusted("alice"), { ...trusted("bob"), votes: 0n }] });
    expect(refusal(() => validateAum(aum)).data).toEqual({ index: 1 });
  });
});

describe("[S1] invalid_state", () => {
  const value = filled(DISABLEMENT_LENGTH);

  test.each<[string, Aum]>([
    ["a state that names an AUM", checkpoint({ lastAumHash: aumHash(makeAum(AUM_KIND.noOp)) })],
    ["no keys", checkpoint({ keys: [] })],
    ["nil keys", checkpoint({ keys: null })],
    ["a key more than the most", checkpoint({ keys: manyKeys(MAX_KEYS + 1) })],
    ["a key twice", checkpoint({ keys: [trusted("alice"), trusted("bob"), trusted("alice", 3)] })],
    ["a key without public half twice, nil and empty", checkpoint({ keys: [null, filled(0)].map((publicKey) => ({ ...trusted("alice"), publicKey })) })], // prettier-ignore
    ["no disablement values", checkpoint({ disablementValues: [] })],
    ["nil disablement values", checkpoint({ disablementValues: null })],
    [
      "a disablement value more than the most",
      checkpoint({ disablementValues: manyValues(MAX_DISABLEMENT_VALUES + 1) }),
    ],
    ["a disablement value of 31 bytes", checkpoint({ disablementValues: [filled(31)] })],
    ["a disablement value of 33 bytes", checkpoint({ disablementValues: [filled(33)] })],
    ["a nil disablement value", checkpoint({ disablementValues: [value, null] })],
    ["a disablement value twice", checkpoint({ disablementValues: [value, manyValues(3)[2] ?? null, value] })],
    ["a bad state on a NoOp", makeAum(AUM_KIND.noOp, { state: stateOf({}) })],
  ])("%s", (_, aum) => {
    expect(verdictOf(() => validateAum(aum))).toBe("invalid_state");
  });
});

describe("kinds in words", () => {
  test.each([
    [0, "invalid"],
    [1, "add-key"],
    [2, "remove-key"],
    [3, "no-op"],
    [4, "update-key"],
    [5, "checkpoint"],
    [6, "AUM?<6>"],
  ])("of AUM %d", (kind, text) => {
    expect(aumKindText(kind)).toBe(text);
  });

  test.each([
    [0, "invalid"],
    [1, "25519"],
    [2, "Key?<2>"],
  ])("of key %d", (kind, text) => {
    expect(keyKindText(kind)).toBe(text);
  });
});
