/**
 * Signatures on odd points, by both rules: small-order and mixed-order keys and commitments, encodings that are not canonical, scalars at and
 * past the group order, wrong lengths. Three sides are asked: Go, ours over node:crypto, and ours in JavaScript.
 */

import { Point } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";

import { pureVerifier } from "../../../src/tka/index.ts";
import { concatBytes } from "../../../src/tka/bytes.ts";
import { fromBase64, toBase64 } from "../../support/answer-ports.ts";
import type { OracleRequest, OurAnswer } from "../../support/answer.ts";
import type { Case } from "./case.ts";
import { littleEndian, toLittleEndian } from "./odd-signers.ts";
import { Random } from "./random.ts";

const ORDER = Point.CURVE().n;
const POOL = 12;

/** The eight points of small order, and the six encodings of some of them that are not canonical. */
const SMALL_ORDER: readonly string[] = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

const fromHex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const SMALL = SMALL_ORDER.map(fromHex);
const TORSION = SMALL.slice(0, 8).map((bytes) => Point.fromBytes(bytes, true));

/** Secret numbers with their points, made once: those of keys, and those of commitments. */
const SCALARS = Array.from({ length: POOL }, (_, i) => littleEndian(new Random(0xed, i).bytes(32)) % ORDER);
const encodings = new Map<string, Uint8Array>();

/** The point of a scalar, with a torsion point added. */
function encoded(scalar: number, torsion: number): Uint8Array {
  const name = `${scalar}/${torsion}`;
  const known = encodings.get(name);
  if (known !== undefined) return known;
  const point = Point.BASE.multiply(SCALARS[scalar] as bigint).add(TORSION[torsion] as Point);
  const bytes = point.toBytes();
  encodings.set(name, bytes);
  return bytes;
}

/** A value of y past the field's prime, or anything. */
function oddEncoding(random: Random): Uint8Array {
  if (random.chance(0.5)) return random.bytes(32);
  const bytes = fromHex(SMALL_ORDER[12] as string);
  bytes[0] = 0xed + random.below(19);
  if (random.chance(0.5)) bytes[31] = 0xff;
  return bytes;
}

function oddScalar(honest: bigint, random: Random): bigint {
  const values = [
    0n,
    1n,
    ORDER - 1n,
    ORDER,
    honest + ORDER,
    honest + 2n * ORDER,
    (1n << 252n) + honest,
    (1n << 255n) + honest,
    honest + 1n,
    (1n << 256n) - 1n,
  ];
  return random.pick(values) & ((1n << 256n) - 1n);
}

interface Triple {
  readonly pub: Uint8Array;
  readonly msg: Uint8Array;
  readonly sig: Uint8Array;
}

function makeTriple(random: Random): Triple {
  const msg = random.bytes(random.chance(0.8) ? 32 : random.below(80));
  const [a, r] = [random.below(POOL), random.below(POOL)];
  const torsion = (): number => (random.chance(0.4) ? 0 : random.below(8));
  const smallKey = random.chance(0.3);
  const smallCommitment = random.chance(0.3);
  const pub = smallKey ? random.pick(SMALL) : random.chance(0.9) ? encoded(a, torsion()) : oddEncoding(random);
  const commitment = smallCommitment
    ? random.pick(SMALL)
    : random.chance(0.9)
      ? encoded(r, torsion())
      : oddEncoding(random);
  const challenge = littleEndian(sha512(concatBytes(commitment, pub, msg))) % ORDER;
  const honest =
    ((smallCommitment ? 0n : (SCALARS[r] as bigint)) + (smallKey ? 0n : challenge * (SCALARS[a] as bigint))) % ORDER;
  const scalar = random.chance(0.8) ? honest : oddScalar(honest, random);
  return { pub, msg, sig: concatBytes(commitment, toLittleEndian(scalar)) };
}

function spoil({ pub, msg, sig }: Triple, random: Random): Triple {
  const bend = (bytes: Uint8Array): Uint8Array => {
    if (random.chance(0.5)) return concatBytes(bytes, Uint8Array.of(1));
    return bytes.slice(0, random.pick([0, bytes.length - 1]));
  };
  const kind = random.below(3);
  if (kind === 0) return { pub: bend(pub), msg, sig };
  if (kind === 1) return { pub, msg, sig: bend(sig) };
  const changed = Uint8Array.from(sig);
  const at = random.below(64);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
  return { pub, msg, sig: changed };
}

/** Ours over node:crypto and ours in JavaScript must agree. */
function pureDiffers(request: OracleRequest, ours: OurAnswer): string | null {
  if (!("ok" in ours)) return null;
  const [pub, msg, sig] = [request["pub"], request["msg"], request["sig"]].map((text) => fromBase64(text as string));
  const rule = request["rule"] === "std" ? pureVerifier.standard : pureVerifier.zip215;
  const pure = rule(pub as Uint8Array, msg as Uint8Array, sig as Uint8Array);
  return pure === (ours.ok as { readonly ok: boolean }).ok
    ? null
    : `in JavaScript ours says ${String(pure)}, over node:crypto not`;
}

export function oddSignature(random: Random): Case {
  const made = makeTriple(random);
  const { pub, msg, sig } = random.chance(0.1) ? spoil(made, random) : made;
  const rule = random.chance(0.5) ? "zip215" : "std";
  const request = { op: "ed25519.verify", rule, pub: toBase64(pub), msg: toBase64(msg), sig: toBase64(sig) };
  return { request, also: pureDiffers };
}
