/** The fields of an update that fits a state, or just does not. */

import { KEY_25519, type Aum, type AumHash, type Key, type State } from "../../../src/tka/index.ts";
import { SIGNERS } from "./keys.ts";
import { randomMetaMap } from "./kind-aum-bytes.ts";
import type { Random } from "./random.ts";

/** A key with that public half, of common votes most times. */
export function randomKeyFor(publicKey: Uint8Array, random: Random): Key {
  const votes = random.chance(0.95) ? BigInt(random.between(1, 5)) : random.pick([0n, 4096n, 4097n]);
  return { kind: KEY_25519, votes, publicKey, meta: random.chance(0.15) ? randomMetaMap(random) : null };
}

type Fields = Partial<Omit<Aum, "kind">>;

function trustedId(state: State, random: Random): Uint8Array | null {
  const keys = state.keys ?? [];
  return keys.length === 0 ? null : random.pick(keys).publicKey;
}

function someId(state: State, wrong: boolean, random: Random): Uint8Array | null {
  if (wrong && random.chance(0.4))
    return random.pick([null, new Uint8Array(0), random.bytes(32), random.bytes(31), random.pick(SIGNERS).publicKey]);
  return trustedId(state, random);
}

function added(state: State, wrong: boolean, random: Random): Fields {
  const odd = random.chance(0.06) ? random.bytes(random.pick([0, 31, 33, 64])) : random.pick(SIGNERS).publicKey;
  const key = randomKeyFor(wrong && random.chance(0.4) ? (trustedId(state, random) ?? odd) : odd, random);
  return { key: wrong && random.chance(0.2) ? { ...key, kind: random.pick([0, 2, 255]) } : key };
}

function updated(state: State, wrong: boolean, random: Random): Fields {
  const votes = random.chance(0.6)
    ? BigInt(wrong && random.chance(0.3) ? random.pick([0, 4097]) : random.between(1, 5))
    : null;
  const empty = new Map<string, string>();
  const meta =
    votes === null || random.chance(0.3)
      ? random.chance(0.1)
        ? empty
        : (randomMetaMap(random) ?? new Map([["a", "b"]]))
      : null;
  return { keyId: someId(state, wrong, random), votes, meta };
}

function otherKeys(state: State, random: Random): readonly Key[] | null {
  const keys = state.keys ?? [];
  const kind = random.below(6);
  if (kind === 0) return random.shuffled(keys);
  if (kind === 1) return random.some(keys, 0.7);
  if (kind === 2) return [...keys, randomKeyFor(random.pick(SIGNERS).publicKey, random)];
  if (kind === 3) return keys.map((key) => ({ ...key, votes: BigInt(random.between(1, 5)) }));
  return kind === 4 ? [randomKeyFor(random.pick(SIGNERS).publicKey, random)] : random.pick([null, []]);
}

function checkpoint(state: State, wrong: boolean, random: Random): Fields {
  const lastAumHash: AumHash | null = wrong && random.chance(0.1) ? state.lastAumHash : null;
  const keys = random.chance(wrong ? 0.5 : 0.15) ? otherKeys(state, random) : state.keys;
  const disablementValues = random.chance(0.1) ? [random.bytes(32), random.bytes(32)] : state.disablementValues;
  const stateId1 = wrong && random.chance(0.3) ? random.u64() : state.stateId1;
  const stateId2 = wrong && random.chance(0.2) ? 0n : state.stateId2;
  return { state: { lastAumHash, keys, disablementValues, stateId1, stateId2 } };
}

const SHARES = { add: 26, remove: 16, update: 16, checkpoint: 18, nothing: 20, odd: 4 };

/** Fields of an update to `state`; with `wrong`, often ones that it must refuse. */
export function fieldsFor(state: State, wrong: boolean, random: Random): Fields {
  switch (random.weighted(SHARES)) {
    case "add":
      return added(state, wrong, random);
    case "remove":
      return { keyId: someId(state, wrong, random) };
    case "update":
      return updated(state, wrong, random);
    case "checkpoint":
      return checkpoint(state, wrong, random);
    case "odd":
      return {
        ...added(state, wrong, random),
        ...(random.chance(0.5) ? checkpoint(state, wrong, random) : updated(state, wrong, random)),
      };
    default:
      return {};
  }
}
