/** Mutations of CBOR trees: what a decoder into typed fields may trip over. */

import { NULL, arrayTree, bytesTree, mapTree, raw, textTree, uint, type Tree, type Width } from "./cbor-tree.ts";
import type { Random } from "./random.ts";

const BORDERS: readonly bigint[] = [
  0n,
  1n,
  2n,
  3n,
  4n,
  5n,
  6n,
  7n,
  8n,
  11n,
  12n,
  23n,
  24n,
  127n,
  128n,
  255n,
  256n,
  4095n,
  4096n,
  4097n,
  65535n,
  65536n,
  (1n << 31n) - 1n,
  1n << 31n,
  (1n << 32n) - 1n,
  1n << 32n,
  (1n << 53n) - 1n,
  1n << 53n,
  (1n << 53n) + 1n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 2n,
  (1n << 64n) - 1n,
];
const WIDTHS: readonly Width[] = [0, 1, 2, 4, 8];
const LENGTHS = [0, 1, 2, 31, 32, 33, 34, 63, 64, 65, 255, 256, 512, 513];
const TEXTS = ["", "a", "1", "23", "k", "key", "é", "\u0000", "€", "😀", "ﬀ", "ab", "purpose", "pre-auth key"];
const BAD_UTF8: readonly (readonly number[])[] = [
  [0x80],
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xff],
  [0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xf0, 0x80, 0x80, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0x61, 0xc3],
  [0xe0, 0x9f, 0xbf],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xfe],
];

export function randomUint(random: Random): Tree {
  const value = random.chance(0.8) ? random.pick(BORDERS) : random.u64();
  return { is: "uint", value, width: random.chance(0.1) ? random.pick(WIDTHS) : 0 };
}

function randomSimple(random: Random): Tree {
  const kind = random.below(6);
  if (kind === 0) return raw(0xe0 | random.below(24));
  if (kind === 1) return raw(0xf8, random.below(256));
  if (kind === 2) return raw(random.pick([0xf4, 0xf5, 0xf6, 0xf7]));
  const floats = [
    [0xf9, 0, 0],
    [0xf9, 0x3c, 0],
    [0xf9, 0x7e, 0],
    [0xf9, 0x7c, 0],
    [0xfa, 0, 0, 0, 0],
    [0xfa, 0x3f, 0x80, 0, 0],
    [0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
    [0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
    [0xfb, 0x40, 0x59, 0, 0, 0, 0, 0, 0],
  ];
  return raw(...random.pick(floats));
}

/** Items that no strict decoder takes. */
function randomForbidden(random: Random): Tree {
  const forms = [
    [0x5f, 0x41, 0x61, 0xff],
    [0x7f, 0x61, 0x61, 0xff],
    [0x9f, 0x01, 0xff],
    [0xbf, 0xff],
    [0xff],
    [0x1c],
    [0x3d],
    [0x5e],
    [0x9c],
    [0xbd],
    [0xfc],
    [0xfe],
    [0xc0, 0x01],
    [0xc2, 0x41, 0x01],
    [0xd8, 0x20, 0x61, 0x61],
    [0xd9, 0xd9, 0xf7, 0x01],
    [0x1f],
    [0x5a, 255, 255, 255, 255],
    [0x9b, 255, 255, 255, 255, 255, 255, 255, 255],
    [0xbb, 255, 255, 255, 255, 255, 255, 255, 255],
    [0x5b, 127, 255, 255, 255, 255, 255, 255, 255],
    [0x9a, 0, 0, 16, 1],
    [0xba, 0, 0, 4, 1],
  ];
  return raw(...random.pick(forms));
}

function nest(inner: Tree, depth: number, random: Random): Tree {
  let tree = inner;
  for (let i = 0; i < depth; i++) tree = random.chance(0.7) ? arrayTree([tree]) : mapTree([[uint(1), tree]]);
  return tree;
}

function randomMeta(random: Random): Tree {
  const element = (): Tree => (random.chance(0.12) ? random.pick([NULL, raw(0xf7)]) : randomText(random));
  return mapTree(Array.from({ length: random.below(4) }, () => [element(), element()] as const));
}

export function randomText(random: Random): Tree {
  if (random.chance(0.1)) return { is: "text", data: Uint8Array.from(random.pick(BAD_UTF8)), width: 0 };
  return textTree(random.chance(0.8) ? random.pick(TEXTS) : "m".repeat(random.pick(LENGTHS)));
}

/** What decoders must count in fields that they pass over: nesting and lengths, at the limits and past them. */
export function atLimit(random: Random): Tree {
  return random.chance(0.5) ? large(random) : nest(uint(1), random.between(14, 17), random);
}

/** A list that counts: at the limits of a decoder, and past them. */
function large(random: Random): Tree {
  const item = random.pick([uint(0), NULL, bytesTree(new Uint8Array(0)), mapTree([])]);
  if (random.chance(0.5)) return arrayTree(Array.from({ length: random.pick([4095, 4096, 4097]) }, () => item));
  return mapTree(Array.from({ length: random.pick([1023, 1024, 1025]) }, (_, i) => [uint(i + 100), item] as const));
}

/** Any tree, from a number to a nest of lists. */
export function randomTree(random: Random, depth = 0): Tree {
  const kind = random.below(depth > 3 ? 6 : 13);
  if (kind === 0) return randomUint(random);
  if (kind === 1)
    return bytesTree(random.bytes(random.chance(0.7) ? random.pick([0, 1, 32, 34, 64]) : random.pick(LENGTHS)));
  if (kind === 2) return randomText(random);
  if (kind === 3) return randomSimple(random);
  if (kind === 4) return random.chance(0.3) ? randomForbidden(random) : NULL;
  if (kind === 5) return { is: "negative", value: random.pick(BORDERS), width: random.pick(WIDTHS) };
  if (kind === 6) return randomMeta(random);
  if (kind === 7) return nest(random.chance(0.8) ? uint(1) : randomForbidden(random), random.between(8, 18), random);
  if (kind === 8) return arrayTree(Array.from({ length: random.pick([0, 1, 31, 32, 33]) }, () => smallItem(random)));
  if (kind === 9 && random.chance(0.04)) return large(random);
  if (kind <= 10) return arrayTree(Array.from({ length: random.below(4) }, () => randomTree(random, depth + 1)));
  return mapTree(
    Array.from({ length: random.below(4) }, () => [randomKey(random), randomTree(random, depth + 1)] as const),
  );
}

/** What may stand in an array for one byte. */
function smallItem(random: Random): Tree {
  if (random.chance(0.95)) return uint(random.below(256));
  return random.pick([
    NULL,
    raw(0xf7),
    uint(256),
    raw(0xe5),
    raw(0xf8, 0xff),
    raw(0xf5),
    textTree("a"),
    { is: "negative", value: 0n, width: 0 },
  ]);
}

/** A key of a map: a field's number, or anything. */
export function randomKey(random: Random): Tree {
  const kind = random.below(12);
  if (kind < 5) return uint(random.pick([1, 2, 3, 4, 5, 6, 7, 12, 23]));
  if (kind < 7) return { is: "uint", value: random.pick(BORDERS), width: random.pick(WIDTHS) };
  if (kind === 7) return { is: "negative", value: random.pick(BORDERS), width: random.pick(WIDTHS) };
  if (kind === 8) return randomText(random);
  if (kind === 9) return randomSimple(random);
  if (kind === 10) return bytesTree(random.bytes(random.below(3)));
  return random.chance(0.3) ? randomTree(random, 3) : textTree(random.pick(["1", "2", "01", "-1", "3"]));
}

function asArray(tree: Tree, random: Random): Tree {
  if (tree.is !== "bytes") return arrayTree([tree]);
  return arrayTree([...tree.data].map((byte) => (random.chance(0.02) ? smallItem(random) : uint(byte))));
}

function resize(data: Uint8Array, random: Random): Uint8Array {
  const length = random.pick([0, 1, data.length - 1, data.length + 1, ...LENGTHS]);
  const out = random.bytes(Math.max(0, length));
  out.set(data.subarray(0, Math.min(data.length, out.length)));
  return out;
}

/** Another tree in place of this one. */
function mutateHere(tree: Tree, random: Random): Tree {
  const kind = random.below(10);
  if (kind < 2) return randomTree(random);
  if (kind === 2) return random.pick([NULL, raw(0xf7)]);
  if (kind === 3 && tree.is !== "raw") return { ...tree, width: random.pick(WIDTHS) };
  if (kind === 4 && (tree.is === "bytes" || tree.is === "text"))
    return { ...tree, is: tree.is === "bytes" ? "text" : "bytes" };
  if (kind === 5) return asArray(tree, random);
  if (kind === 6 && random.chance(0.3)) return { is: "tag", value: random.pick(BORDERS), width: 0 };
  if (tree.is === "uint") return randomUint(random);
  if (tree.is === "bytes" || tree.is === "text") return { ...tree, data: resize(tree.data, random) };
  if (tree.is === "array") return { ...tree, items: mutateList(tree.items, () => randomTree(random), random) };
  if (tree.is === "map")
    return { ...tree, pairs: mutateList(tree.pairs, () => [randomKey(random), randomTree(random)] as const, random) };
  return randomSimple(random);
}

/** The map with a field that nobody knows. */
export function withField(tree: Tree, value: Tree): Tree {
  return tree.is === "map" ? { ...tree, pairs: [...tree.pairs, [uint(99), value]] } : tree;
}

function mutateList<T>(list: readonly T[], fresh: () => T, random: Random): T[] {
  const out = [...list];
  const at = random.below(out.length + 1);
  const one = out[at];
  const kind = random.below(5);
  if (kind === 0) out.splice(at, 1);
  else if (kind === 1 && one !== undefined) out.splice(random.below(out.length + 1), 0, one);
  else if (kind === 2) return random.shuffled(out);
  else out.splice(at, 0, fresh());
  return out;
}

/** The tree with one place changed, the deep ones as likely as the shallow. */
export function mutateTree(tree: Tree, random: Random): Tree {
  if (tree.is === "array" && tree.items.length > 0 && random.chance(0.8)) {
    const at = random.below(tree.items.length);
    return { ...tree, items: tree.items.map((item, i) => (i === at ? mutateTree(item, random) : item)) };
  }
  if (tree.is === "map" && tree.pairs.length > 0 && random.chance(0.85)) {
    const at = random.below(tree.pairs.length);
    const inKey = random.chance(0.12);
    const change = ([key, value]: readonly [Tree, Tree]): readonly [Tree, Tree] =>
      inKey
        ? [random.chance(0.5) ? randomKey(random) : mutateTree(key, random), value]
        : [key, mutateTree(value, random)];
    return { ...tree, pairs: tree.pairs.map((pair, i) => (i === at ? change(pair) : pair)) };
  }
  return mutateHere(tree, random);
}

/** The bytes with some of them changed, cut, doubled, or joined to others. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const out = [...bytes];
  for (let i = random.between(1, 3); i > 0; i--) {
    const at = random.below(out.length + 1);
    const kind = random.below(8);
    if (kind < 3 && at < out.length) out[at] = (out[at] ?? 0) ^ (1 << random.below(8));
    else if (kind === 3)
      out[Math.min(at, out.length - 1)] = random.pick([
        0,
        0x18,
        0x40,
        0x60,
        0x80,
        0xa0,
        0xf6,
        0xf7,
        0xff,
        random.below(256),
      ]);
    else if (kind === 4) out.splice(at, random.between(1, 4));
    else if (kind === 5) out.splice(at, 0, ...random.bytes(random.between(1, 4)));
    else if (kind === 6) out.splice(at, 0, ...out.slice(random.below(out.length + 1), random.below(out.length + 1)));
    else if (random.chance(0.3)) out.length = at;
  }
  return Uint8Array.from(out);
}
