/**
 * Properties over random input, with pinned seeds: round trips, [E1], and rotations.
 * The interop fuzzer asks Go about far more; what is here runs on every host in a few seconds.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  MemoryChonk,
  TkaError,
  aumHash,
  aumSigHash,
  authorizeNodeKey,
  bootstrap,
  checkDeeplink,
  decodeAum,
  decodeNodeKeySignature,
  encodeAum,
  encodeNodeKeySignature,
  hashToBytes,
  makeAum,
  makeGenesis,
  parseAumHash,
  parseLockKey,
  parseNodeKey,
  parseWrappedAuthKey,
  prepare,
  rotateSignature,
  signAum,
  validateAum,
  type Aum,
  type Key,
  type NodeKeySignature,
  type State,
} from "../../src/tka/index.ts";
import { lockKey, nodeKey, stateOf, trusted } from "../support/chains-keys.ts";
import { fastVerifier } from "../support/host-crypto.ts";
import { direct, encoded, rotation, rotations } from "./node-key-fixtures.ts";

const bytes = fc.uint8Array({ maxLength: 40 });
const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(some, { nil: null, freq: 3 });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const text = fc.string({ unit: "binary", maxLength: 8 }).filter((some) => some.isWellFormed());
const meta = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 }).map((pairs) => new Map(pairs));

const key: fc.Arbitrary<Key> = fc.record({
  kind: fc.nat({ max: 255 }),
  votes: uint64,
  publicKey: maybe(bytes),
  meta: maybe(meta),
});

const state: fc.Arbitrary<State> = fc.record({
  lastAumHash: maybe(fc.uint8Array({ minLength: 32, maxLength: 32 }).map((raw) => aumHash(makeAum(0, { keyId: raw })))),
  disablementValues: maybe(fc.array(maybe(bytes), { maxLength: 4 })),
  keys: maybe(fc.array(key, { maxLength: 4 })),
  stateId1: uint64,
  stateId2: uint64,
});

/** Any AUM that keeps its fields through an encoding: nothing is empty where empty is left out. */
const anyAum: fc.Arbitrary<Aum> = fc.record({
  kind: fc.nat({ max: 255 }),
  prevAumHash: maybe(bytes),
  key: maybe(key),
  keyId: maybe(fc.uint8Array({ minLength: 1, maxLength: 40 })),
  state: maybe(state),
  votes: maybe(uint64),
  meta: maybe(meta),
  signatures: maybe(
    fc.array(fc.record({ keyId: maybe(bytes), signature: maybe(bytes) }), { minLength: 1, maxLength: 3 }),
  ),
});

const filled = fc.uint8Array({ minLength: 1, maxLength: 40 });
const anySignature: fc.Arbitrary<NodeKeySignature> = fc.letrec<{ sig: NodeKeySignature }>((tie) => ({
  sig: fc.record({
    kind: fc.nat({ max: 255 }),
    pubkey: maybe(filled),
    keyId: maybe(filled),
    signature: maybe(filled),
    nested: fc.option(tie("sig"), { nil: null, maxDepth: 8 }),
    wrappingPubkey: maybe(filled),
  }),
})).sig;

/** Good bytes with some of them changed, cut off or put in: they reach further than random ones. */
function damaged(some: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const damage = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), how: fc.constantFrom("set", "cut", "put") });
  return fc.tuple(some, fc.array(damage, { minLength: 1, maxLength: 3 })).map(([good, list]) => {
    const out = [...good];
    for (const { at, byte, how } of list) {
      const index = at % (out.length + 1);
      if (how === "set") out[index] = byte;
      else if (how === "cut") out.splice(index, 1);
      else out.splice(index, 0, byte);
    }
    return Uint8Array.from(out);
  });
}

/** Runs `body` and lets TkaErrors pass; anything else fails the property. */
function tolerate(body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
  }
}

describe("decode after encode is identity", () => {
  test("for AUMs", () => {
    fc.assert(
      fc.property(anyAum, (aum) => {
        const wire = encodeAum(aum);
        expect(decodeAum(wire)).toEqual(aum);
        expect(encodeAum(decodeAum(wire))).toEqual(wire);
      }),
      { seed: 20261111, numRuns: 400 },
    );
  });

  test("for node-key signatures", () => {
    fc.assert(
      fc.property(anySignature, (sig) => {
        const wire = encodeNodeKeySignature(sig);
        expect(decodeNodeKeySignature(wire)).toEqual(sig);
        expect(encodeNodeKeySignature(decodeNodeKeySignature(wire))).toEqual(wire);
      }),
      { seed: 20261112, numRuns: 300 },
    );
  });

  test("and what decodes at all encodes to something that decodes to the same", () => {
    const wire = fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged(anyAum.map(encodeAum)));
    fc.assert(
      fc.property(wire, (some) => {
        tolerate(() => {
          const aum = decodeAum(some);
          const again = decodeAum(encodeAum(aum));
          expect(encodeAum(again)).toEqual(encodeAum(aum));
          expect(aumHash(again)).toBe(aumHash(aum));
          expect(aumSigHash(again)).toEqual(aumSigHash(aum));
        });
      }),
      { seed: 20261113, numRuns: 1500 },
    );
  });
});

describe("[E1] any input only ever gives a result or a TkaError", () => {
  const STATE = stateOf({ alice: 1 });
  const GENESIS = makeGenesis(STATE, lockKey("alice"));
  const chonk = new MemoryChonk();
  const authority = bootstrap(chonk, GENESIS, fastVerifier, 0);
  const goodSignature = encoded(rotations("r", 3, direct("n", "lock"), "lock"));
  const goodUpdate = encodeAum(
    signAum(
      makeAum(AUM_KIND.addKey, { prevAumHash: hashToBytes(authority.head), key: trusted("bob") }),
      lockKey("alice"),
    ),
  );

  test("for AUMs, from bytes to a prepared change", () => {
    const wire = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      damaged(anyAum.map(encodeAum)),
      damaged(fc.constantFrom(goodUpdate, encodeAum(GENESIS))),
    );
    fc.assert(
      fc.property(wire, (some) => {
        tolerate(() => {
          const aum = decodeAum(some);
          tolerate(() => validateAum(aum));
          tolerate(() => prepare(chonk, authority, [aum], fastVerifier));
          tolerate(() => bootstrap(new MemoryChonk(), aum, fastVerifier, 0));
        });
      }),
      { seed: 20261114, numRuns: 2000 },
    );
    expect(chonk.hashes()).toHaveLength(1);
  });

  test("for AUMs of any shape", () => {
    fc.assert(
      fc.property(anyAum, (aum) => {
        tolerate(() => validateAum(aum));
        tolerate(() => prepare(chonk, authority, [{ ...aum, prevAumHash: hashToBytes(authority.head) }], fastVerifier));
      }),
      { seed: 20261115, numRuns: 400 },
    );
  });

  test("for node-key signatures, and rotating them", () => {
    const wire = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      damaged(anySignature.map(encodeNodeKeySignature)),
      damaged(fc.constant(goodSignature)),
    );
    fc.assert(
      fc.property(wire, (some) => {
        tolerate(() => authorizeNodeKey(STATE, nodeKey("r3"), some, fastVerifier));
        tolerate(() => rotateSignature(some, nodeKey("next"), lockKey("lock")));
      }),
      { seed: 20261116, numRuns: 1000 },
    );
  });

  test("for texts", () => {
    const some = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string().map((tail) => `nodekey:${tail}`),
      fc.string({ minLength: 52, maxLength: 52, unit: fc.constantFrom("A", "B", "2", "7", "\n", "\r", "=", "a") }),
      fc.string().map((tail) => `tskey--TL${tail}-`),
      fc.string().map((tail) => `tailscale://sign-device/v1/?nk=${tail}&hm=00&${tail}`),
    );
    fc.assert(
      fc.property(some, (input) => {
        for (const parse of [parseAumHash, parseNodeKey, parseLockKey, parseWrappedAuthKey])
          tolerate(() => parse(input));
        tolerate(() => checkDeeplink(STATE, input));
      }),
      { seed: 20261117, numRuns: 1500 },
    );
  });
});

describe("rotations", () => {
  test("[R2][R3] verify, however a chain of two keys came about", () => {
    const STATE = stateOf({ alice: 1 });
    fc.assert(
      fc.property(fc.nat({ max: 12 }), fc.nat({ max: 24 }), (others, ours) => {
        const theirs = rotations("x", others, direct("old", "other"), "other");
        let signature = encoded(rotation("p", theirs, "other", "lock"));
        for (let i = 0; i < ours; i++) {
          signature = rotateSignature(signature, nodeKey(`n${i}`), lockKey("lock"));
          const { rotation: details } = authorizeNodeKey(STATE, nodeKey(`n${i}`), signature, fastVerifier);
          expect(details?.previousNodeKeys.slice(-others - 2)[0]).toBe(nodeKey("p"));
        }
      }),
      { seed: 20261122, numRuns: 30 },
    );
  });
});
