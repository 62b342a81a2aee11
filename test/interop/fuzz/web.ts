/**
 * Webs of AUMs: a genesis, and forks, siblings and wrong updates hanging off it. Each update is made for the state at its parent, so that
 * most of them may stand.
 *
 *        / - 2 - 4          Every AUM knows its parent's place; wrong ones are leaves, and now and then somebody builds on one.
 *   0 - 1 - 3   \ - 6
 *        \ - 5
 */

import {
  AUM_KIND,
  KEY_25519,
  aumSigHash,
  makeAum,
  sealAum,
  TkaError,
  type Aum,
  type AumHash,
  type Key,
  type State,
  hashToBytes,
} from "../../../src/tka/index.ts";
import { applyAum } from "../../../src/tka/apply.ts";
import { concatBytes } from "../../../src/tka/bytes.ts";
import { toBase64 } from "../../support/answer-ports.ts";
import { SIGNERS, signerAt, type FuzzSigner } from "./keys.ts";
import type { Random } from "./random.ts";
import { withTorsion } from "./odd-signers.ts";
import { fieldsFor } from "./web-fields.ts";

/** One AUM of a web. */
export interface Point {
  readonly aum: Aum;
  readonly hash: AumHash;
  /** Its bytes, as they travel. */
  readonly text: string;
  readonly parent: number;
  readonly depth: number;
  /** The state after it, whether or not anyone would take it; null where it cannot be applied. */
  readonly state: State | null;
}

export interface WebSettings {
  /** AUMs besides the genesis. */
  readonly size: number;
  /** How likely an update is wrong on purpose. */
  readonly wrong: number;
  /** How likely an update goes on from the newest one rather than from anywhere. */
  readonly straight: number;
}

function point(aum: Aum, parent: number, depth: number, state: State | null): Point {
  const { hash, bytes } = sealAum(aum);
  return { aum, hash, text: toBase64(bytes), parent, depth, state };
}

function sign(aum: Aum, signers: readonly FuzzSigner[]): Aum {
  const message = aumSigHash(aum);
  const signatures = signers.map((signer) => ({ keyId: signer.publicKey, signature: signer.sign(message) }));
  return { ...aum, signatures };
}

/** A key that nobody holds, of another length than keys have. */
function oddKey(random: Random): Uint8Array {
  return random.bytes(random.pick([0, 1, 31, 33, 64]));
}

function goodKey(publicKey: Uint8Array, random: Random): Key {
  return {
    kind: KEY_25519,
    votes: BigInt(random.between(1, 5)),
    publicKey,
    meta: random.chance(0.1) ? new Map([["k", "v"]]) : null,
  };
}

function genesis(random: Random): Point {
  const count = random.between(1, 6);
  const start = random.below(SIGNERS.length);
  const keys = Array.from({ length: count }, (_, i) => goodKey(signerAt(start + i).publicKey, random));
  if (random.chance(0.08)) keys.push(goodKey(oddKey(random), random));
  const state: State = {
    lastAumHash: null,
    disablementValues: [random.bytes(32)],
    keys: random.shuffled(keys),
    stateId1: random.chance(0.1) ? 0n : random.u64(),
    stateId2: random.chance(0.1) ? 0n : random.u64(),
  };
  const aum = sign(makeAum(AUM_KIND.checkpoint, { state }), [signerAt(start)]);
  const { hash } = sealAum(aum);
  return point(aum, -1, 0, { ...state, lastAumHash: hash });
}

/** Those of our signers that the state trusts. */
export function trustedSigners(state: State): FuzzSigner[] {
  const ids = new Set((state.keys ?? []).map(({ publicKey }) => toBase64(publicKey ?? new Uint8Array(0))));
  return SIGNERS.filter(({ publicKey }) => ids.has(toBase64(publicKey)));
}

function chooseSigners(state: State, random: Random): FuzzSigner[] {
  const trusted = random.shuffled(trustedSigners(state));
  const count = random.chance(0.7) ? 1 : random.between(1, 3);
  const chosen = trusted.length === 0 ? [random.pick(SIGNERS)] : trusted.slice(0, count);
  return chosen.map((signer) => (random.chance(0.01) ? withTorsion(signer) : signer));
}

/** The AUM with its signatures spoiled in one way or another. */
function spoil(aum: Aum, random: Random): Aum {
  const signatures = [...(aum.signatures ?? [])];
  const [first] = signatures;
  const kind = random.below(7);
  if (first === undefined || kind === 0) return { ...aum, signatures: random.chance(0.5) ? null : [] };
  if (kind === 1) signatures.push(first);
  else if (kind === 2) signatures.push(...(sign(aum, [random.pick(SIGNERS)]).signatures ?? []));
  else if (kind === 3) signatures.push({ keyId: random.pick(SIGNERS).publicKey, signature: first.signature });
  else if (kind === 4) signatures[0] = { keyId: first.keyId, signature: random.bytes(random.chance(0.8) ? 64 : 63) };
  else if (kind === 5)
    signatures[0] = { keyId: random.chance(0.5) ? null : random.bytes(31), signature: first.signature };
  else return { ...aum, votes: BigInt(random.between(1, 9)) };
  return { ...aum, signatures };
}

function wrongParent(hash: Uint8Array, random: Random): Uint8Array | null {
  return random.pick([
    null,
    new Uint8Array(0),
    hash.slice(0, 31),
    concatBytes(hash, Uint8Array.of(7)),
    random.bytes(32),
  ]);
}

function applied(aum: Aum, before: State): State | null {
  try {
    return applyAum(before, aum, sealAum(aum).hash);
  } catch (error) {
    if (error instanceof TkaError) return null;
    throw error;
  }
}

function nextPoint(points: readonly Point[], settings: WebSettings, random: Random): Point {
  const usable = points.flatMap((one, index) => (one.state === null ? [] : [index]));
  const place = random.chance(settings.straight) ? (usable.at(-1) ?? 0) : random.pick(usable);
  const parent = points[place] as Point;
  const state = parent.state as State;
  const wrong = random.chance(settings.wrong);
  const unsigned = makeAum(0, fieldsFor(state, wrong, random));
  const kind = kindOf(unsigned, random, wrong);
  const prevAumHash =
    wrong && random.chance(0.15) ? wrongParent(hashToBytes(parent.hash), random) : hashToBytes(parent.hash);
  const signed = sign({ ...unsigned, kind, prevAumHash }, chooseSigners(state, random));
  const aum = wrong && random.chance(0.6) ? spoil(signed, random) : signed;
  return point(aum, place, parent.depth + 1, applied(aum, state));
}

/** The kind that the fields are of; now and then another, or one that nobody knows. */
function kindOf(aum: Aum, random: Random, wrong: boolean): number {
  if (wrong && random.chance(0.1)) return random.pick([0, 1, 2, 3, 4, 5, 6, 255]);
  if (aum.key !== null) return AUM_KIND.addKey;
  if (aum.state !== null) return AUM_KIND.checkpoint;
  if (aum.votes !== null || aum.meta !== null) return AUM_KIND.updateKey;
  if (aum.keyId !== null) return AUM_KIND.removeKey;
  return random.chance(0.9) ? AUM_KIND.noOp : random.pick([6, 77, 200, 0]);
}

/** A web, its genesis first and every AUM after its parent. */
export function randomWeb(random: Random, settings: WebSettings): Point[] {
  const points = [genesis(random)];
  while (points.length <= settings.size) points.push(nextPoint(points, settings, random));
  return points;
}
