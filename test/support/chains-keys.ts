/** Keys, states and node keys by name, the same ones in every run. */

import { sha256 } from "@noble/hashes/sha2.js";
import { KEY_25519, nodeKeyFromRaw, type Key, type NodeKey, type Signer, type State } from "../../src/tka/index.ts";
import { fastSigner } from "./host-crypto.ts";

/** A tailnet lock key with its private half. */
export interface TestKey extends Signer {
  readonly name: string;
  /** 32 bytes. */
  readonly seed: Uint8Array;
  /** 64 bytes: the seed, then the public key. */
  readonly privateKey: Uint8Array;
}

function bytesOf(text: string): Uint8Array {
  return sha256(new TextEncoder().encode(text));
}

const made = new Map<string, TestKey>();

/** The tailnet lock key of that name. */
export function lockKey(name: string): TestKey {
  const known = made.get(name);
  if (known !== undefined) return known;
  const seed = bytesOf(`lock key ${name}`);
  const signer = fastSigner(seed);
  const key = { ...signer, name, seed, privateKey: Uint8Array.of(...seed, ...signer.publicKey) };
  made.set(name, key);
  return key;
}

/** The ID of the key of that name: its public half. */
export function idOf(name: string): Uint8Array {
  return lockKey(name).publicKey;
}

/** The key of that name as a trusted key. */
export function trusted(name: string, votes = 1, meta: Readonly<Record<string, string>> | null = null): Key {
  return {
    kind: KEY_25519,
    votes: BigInt(votes),
    publicKey: idOf(name),
    meta: meta === null ? null : new Map(Object.entries(meta)),
  };
}

/** The disablement value of tests whose KDF is not run: 32 bytes. */
export const DISABLEMENT_VALUE = bytesOf("disablement value");

/** A state that trusts the named keys with so many votes each, in that order. */
export function stateOf(votes: Readonly<Record<string, number>>, more: Partial<State> = {}): State {
  return {
    lastAumHash: null,
    disablementValues: [DISABLEMENT_VALUE],
    keys: Object.entries(votes).map(([name, count]) => trusted(name, count)),
    stateId1: 0x1122334455667788n,
    stateId2: 0x99n,
    ...more,
  };
}

/** The node key of that name. */
export function nodeKey(name: string): NodeKey {
  return nodeKeyFromRaw(bytesOf(`node key ${name}`));
}

/** The names of the keys that a state trusts, in its order; `?` for a key that no test has named. */
export function namesOf(state: State): string[] {
  const names = new Map([...made.values()].map((key) => [key.publicKey.join(), key.name]));
  return (state.keys ?? []).map((key) => names.get(key.publicKey?.join() ?? "") ?? "?");
}
