// What the oracle's own test needs to ask sensible questions: lock keys, a locked node and
// node-key signatures. The CBOR here is written by hand, and Go gives the hash to sign, so
// that nothing of ours under test takes part.

import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";

import { fromBase64, toBase64, unwrap } from "./oracle-client.ts";
import type { Answer, Base64, GenesisResult, NksAnswer, Oracle } from "./oracle-client.ts";

/** A tailnet lock key; `text` is Go's `nlpriv:` form, `public` its 32 bytes. */
export interface LockKey {
  readonly text: string;
  readonly private: Uint8Array;
  readonly public: Uint8Array;
  readonly signer: KeyObject;
}

const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

export function lockKey(): LockKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
  const pub = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const both = Buffer.concat([seed, pub]);
  const signer = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: "der", type: "pkcs8" });
  return { text: `nlpriv:${both.toString("hex")}`, private: both, public: pub, signer };
}

/** A node key of 32 equal bytes: as text, and as a signature names it, which is "np" and the bytes. */
export const nodeKeyText = (byte: number): string => `nodekey:${Buffer.alloc(32, byte).toString("hex")}`;
export const nodeKeyBytes = (byte: number): Buffer => Buffer.concat([Buffer.from("np"), Buffer.alloc(32, byte)]);

export const keyJson = (key: LockKey, votes = 1): object => ({
  kind: 1,
  votes,
  public: toBase64(key.public),
  meta: null,
});

/** The step that locks a tailnet with these keys, signed by the first. */
export function createStep(node: string, keys: readonly [LockKey, ...LockKey[]]): object {
  const state = {
    keys: keys.map((key) => keyJson(key)),
    disablementValues: [toBase64(Buffer.alloc(32, 0x5a))],
    state1: "18446744073709551615",
    state2: "2",
  };
  return { do: "create", node, priv: keys[0].text, state };
}

/** The fields of a node-key signature by their CBOR keys; the kind stands under 1. */
export type NksFields = Readonly<Record<number, number | Uint8Array>>;

/** CBOR of a map from small integers to small integers and byte strings, keys in order. */
export function nksBytes(fields: NksFields): Buffer {
  const entries = Object.entries(fields);
  const parts = entries.map(([key, value]) => Buffer.concat([Buffer.from([Number(key)]), cborValue(value)]));
  return Buffer.concat([Buffer.from([0xa0 + entries.length]), ...parts]);
}

function cborValue(value: number | Uint8Array): Buffer {
  if (typeof value === "number") return Buffer.from([value]);
  return Buffer.concat([Buffer.from([0x58, value.length]), value]);
}

/** Signs a direct (1) or credential (3) signature with a lock key; the oracle gives the hash. */
export async function signNks(oracle: Oracle, by: LockKey, fields: NksFields): Promise<Base64> {
  const unsigned = { ...fields, 3: by.public };
  const { sigHash } = await oracle.ask<NksAnswer>("nks.decode", { bytes: toBase64(nksBytes(unsigned)) });
  const signature = sign(null, fromBase64(sigHash), by.signer);
  return toBase64(nksBytes({ ...unsigned, 4: signature }));
}

/** A direct signature over a node key by a trusted key, naming the node's own lock key. */
export async function directNks(oracle: Oracle, by: LockKey, nodeKey: Uint8Array, own: LockKey): Promise<Base64> {
  return signNks(oracle, by, { 1: 1, 2: nodeKey, 6: own.public });
}

/** A tailnet's genesis, made by Go. */
export async function makeGenesis(oracle: Oracle, keys: readonly [LockKey, ...LockKey[]]): Promise<Base64> {
  return (await lastOf<GenesisResult>(oracle, [createStep("a", keys)])).genesis;
}

/** Runs a play whose every step must succeed, and gives the last one's answer. */
export async function lastOf<T>(oracle: Oracle, steps: readonly object[]): Promise<T> {
  const answers = (await oracle.play(steps)).map((answer) => unwrap(answer as Answer<T>));
  return answers[answers.length - 1] as T;
}
