/** AUMs of every kind, right and wrong, and bytes near them: decoding, encoding, hashes, static validation. */

import {
  AUM_KIND,
  KEY_25519,
  encodeAum,
  makeAum,
  hashFromBytes,
  type Aum,
  type Key,
  type State,
} from "../../../src/tka/index.ts";
import { toBase64 } from "../../support/answer-ports.ts";
import type { Case } from "./case.ts";
import { atLimit, withField, mutateBytes, mutateTree, randomKey, randomTree } from "./cbor-mutate.ts";
import { decodeTree, encodeTree, mapTree, uint, type Tree } from "./cbor-tree.ts";
import { signerAt } from "./keys.ts";
import type { Random } from "./random.ts";

function bytesOrNil(random: Random, usual: number): Uint8Array | null {
  if (random.chance(0.04)) return null;
  return random.bytes(random.chance(0.92) ? usual : random.pick([0, 1, usual - 1, usual + 1, 2 * usual]));
}

function votes(random: Random): bigint {
  return random.chance(0.85)
    ? BigInt(random.between(1, 5))
    : random.pick([0n, 4095n, 4096n, 4097n, 1n << 53n, (1n << 64n) - 1n]);
}

export function randomMetaMap(random: Random): Map<string, string> | null {
  if (random.chance(0.6)) return null;
  const names = ["a", "b", "name", "purpose", "aa", "é", "", "z".repeat(random.pick([250, 255, 256, 257]))];
  return new Map(
    random
      .some(names, 0.25)
      .map((name) => [name, "v".repeat(random.chance(0.8) ? random.below(8) : random.pick([254, 255, 256, 510]))]),
  );
}

function key(random: Random): Key {
  return {
    kind: random.chance(0.95) ? KEY_25519 : random.pick([0, 2, 255]),
    votes: votes(random),
    publicKey: random.chance(0.4) ? signerAt(random.below(24)).publicKey : bytesOrNil(random, 32),
    meta: randomMetaMap(random),
  };
}

function listOrNil<T>(random: Random, most: number, make: () => T): T[] | null {
  if (random.chance(0.03)) return null;
  const length = random.chance(0.95) ? random.between(1, 3) : random.pick([0, most, most + 1]);
  return Array.from({ length }, make);
}

function state(random: Random): State {
  const value = random.bytes(32);
  return {
    lastAumHash: random.chance(0.03) ? hashFromBytes(random.bytes(32)) : null,
    disablementValues: listOrNil(random, 32, () => (random.chance(0.05) ? value : bytesOrNil(random, 32))),
    keys: listOrNil(random, random.chance(0.1) ? 512 : 8, () => key(random)),
    stateId1: random.chance(0.5) ? 0n : random.u64(),
    stateId2: random.chance(0.5) ? 0n : random.u64(),
  };
}

function signatures(random: Random): Aum["signatures"] {
  if (random.chance(0.2)) return null;
  return Array.from({ length: random.below(4) }, () => ({
    keyId: bytesOrNil(random, 32),
    signature: bytesOrNil(random, 64),
  }));
}

/** An AUM whose fields fit its kind, most times. */
export function randomAum(random: Random): Aum {
  const kind = random.chance(0.9) ? random.between(1, 5) : random.pick([0, 6, 200, 255]);
  const has = (usual: boolean): boolean => (random.chance(0.94) ? usual : !usual);
  return makeAum(kind, {
    prevAumHash: random.chance(0.8) ? bytesOrNil(random, 32) : null,
    key: has(kind === AUM_KIND.addKey) ? key(random) : null,
    keyId: has(kind === AUM_KIND.removeKey || kind === AUM_KIND.updateKey) ? bytesOrNil(random, 32) : null,
    state: has(kind === AUM_KIND.checkpoint) ? state(random) : null,
    votes: has(kind === AUM_KIND.updateKey) ? votes(random) : null,
    meta: has(kind === AUM_KIND.updateKey) ? randomMetaMap(random) : null,
    signatures: signatures(random),
  });
}

function decode(bytes: Uint8Array): Case {
  return { request: { op: "aum.decode", bytes: toBase64(bytes) } };
}

/** Whole AUMs as the authority writes them. */
export function aumValid(random: Random): Case {
  return decode(encodeAum(randomAum(random)));
}

function treeOfAum(random: Random): Tree {
  return decodeTree(encodeAum(randomAum(random)));
}

/** AUMs with one to three places of their structure changed. */
export function aumTree(random: Random): Case {
  let tree = treeOfAum(random);
  if (random.chance(0.004)) return decode(encodeTree(withField(tree, atLimit(random))));
  for (let i = random.between(1, 3); i > 0; i--) tree = mutateTree(tree, random);
  return decode(encodeTree(tree));
}

/** AUMs whose bytes were changed. */
export function aumBits(random: Random): Case {
  return decode(mutateBytes(encodeAum(randomAum(random)), random));
}

/** Trees that only look like AUMs from afar. */
export function aumNear(random: Random): Case {
  if (random.chance(0.05)) return decode(random.bytes(random.below(24)));
  if (random.chance(0.1)) return decode(encodeTree(randomTree(random)));
  const pairs = Array.from({ length: random.below(6) }, () => [randomKey(random), randomTree(random)] as const);
  return decode(encodeTree(mapTree([[uint(1), uint(random.between(1, 5))], ...pairs])));
}
