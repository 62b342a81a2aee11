/** Node-key signatures, right and wrong, and bytes near them: decoding, encoding, hashes, and what is read without proof. */

import {
  encodeNodeKeySignature,
  makeNodeKeySignature,
  SIG_KIND,
  type NodeKeySignature,
} from "../../../src/tka/index.ts";
import { toBase64 } from "../../support/answer-ports.ts";
import type { Case } from "./case.ts";
import { atLimit, withField, mutateBytes, mutateTree, randomKey, randomTree } from "./cbor-mutate.ts";
import { decodeTree, encodeTree, mapTree, uint } from "./cbor-tree.ts";
import type { Random } from "./random.ts";

function bytesOrNil(random: Random, absent: number, usual: number): Uint8Array | null {
  if (random.chance(absent)) return null;
  return random.bytes(random.chance(0.93) ? usual : random.pick([0, 1, 31, 32, 33, 34, 63, 65]));
}

function binaryNodeKey(random: Random): Uint8Array | null {
  const binary = bytesOrNil(random, 0.1, 34);
  if (binary !== null && random.chance(0.9)) binary.set([0x6e, 0x70].slice(0, binary.length));
  return binary;
}

/** A signature of so many layers, most of them rotations. */
export function randomSignature(random: Random, layers: number): NodeKeySignature {
  const nested = layers > 1 || random.chance(0.03) ? randomSignature(random, layers - 1) : null;
  const usual = layers > 1 ? SIG_KIND.rotation : random.pick([SIG_KIND.direct, SIG_KIND.credential]);
  return makeNodeKeySignature(random.chance(0.95) ? usual : random.pick([0, 1, 2, 3, 4, 255]), {
    pubkey: binaryNodeKey(random),
    keyId: bytesOrNil(random, layers > 1 ? 0.8 : 0.1, 32),
    signature: bytesOrNil(random, 0.1, 64),
    nested: random.chance(0.98) ? nested : null,
    wrappingPubkey: bytesOrNil(random, layers > 1 ? 0.8 : 0.3, 32),
  });
}

function layersOf(random: Random): number {
  return random.chance(0.7) ? random.between(1, 4) : random.between(5, 18);
}

function decode(bytes: Uint8Array): Case {
  return { request: { op: "nks.decode", bytes: toBase64(bytes) } };
}

export function nksValid(random: Random): Case {
  return decode(encodeNodeKeySignature(randomSignature(random, layersOf(random))));
}

export function nksTree(random: Random): Case {
  let tree = decodeTree(encodeNodeKeySignature(randomSignature(random, layersOf(random))));
  if (random.chance(0.004)) return decode(encodeTree(withField(tree, atLimit(random))));
  for (let i = random.between(1, 3); i > 0; i--) tree = mutateTree(tree, random);
  return decode(encodeTree(tree));
}

export function nksBits(random: Random): Case {
  return decode(mutateBytes(encodeNodeKeySignature(randomSignature(random, layersOf(random))), random));
}

export function nksNear(random: Random): Case {
  if (random.chance(0.1)) return decode(encodeTree(randomTree(random)));
  const pairs = Array.from({ length: random.below(5) }, () => [randomKey(random), randomTree(random)] as const);
  return decode(encodeTree(mapTree([[uint(1), uint(random.between(1, 3))], ...pairs])));
}
