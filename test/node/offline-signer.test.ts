/** What a signer without a network takes from a file, and what it refuses [Z70][Z71]. */

import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { OfflineSigner, nodeVerifier } from "../../src/node/index.ts";
import { encodeBase64 } from "../../src/protocol/index.ts";
import {
  KEY_25519,
  MAX_SCAN,
  MemoryChonk,
  UpdateBuilder,
  bootstrap,
  decodeAum,
  encodeAum,
  inform,
  keyTrusted,
  makeGenesis,
  signDirect,
  type Aum,
  type Key,
} from "../../src/tka/index.ts";
import { lockKey, nodeKey, stateOf, trusted } from "../support/chains-keys.ts";
import { testFolder } from "./support/folder.ts";

function signerAt(directory = testFolder()): { directory: string; signer: OfflineSigner; asKey: Key } {
  const signer = OfflineSigner.open(directory, true);
  return { directory, signer, asKey: { kind: KEY_25519, votes: 1n, publicKey: signer.publicKey, meta: null } };
}

/** A chain of alice's that trusts her and the signer, and goes on by `length` changes. */
function chainOf(own: Key, length: number): { aums: Aum[]; fork: (name: string) => Aum[] } {
  const alice = lockKey("alice");
  const state = stateOf({ alice: 2 });
  const genesis = makeGenesis({ ...state, keys: [...(state.keys ?? []), own] }, alice);
  const chonk = new MemoryChonk();
  let authority = bootstrap(chonk, genesis, nodeVerifier, 0);
  const aums = [genesis];
  const next = (name: string): Aum[] => [...new UpdateBuilder(authority, alice).addKey(trusted(name)).finalize(chonk)];
  while (aums.length <= length) {
    const updates = keyTrusted(authority, lockKey("bob").publicKey)
      ? [...new UpdateBuilder(authority, alice).removeKey(lockKey("bob").publicKey).finalize(chonk)]
      : next("bob");
    authority = inform(chonk, authority, updates, nodeVerifier, 0);
    aums.push(...updates);
  }
  return { aums, fork: next };
}

function fileOf(aums: readonly Aum[], nodes: readonly object[] = []): string {
  return JSON.stringify({ aums: aums.map((aum) => encodeBase64(encodeAum(aum))), nodes });
}

describe("a signer without a network", () => {
  test("keeps a key for its owner alone, and refuses one that others may read", () => {
    const { directory, signer } = signerAt();
    const path = join(directory, "signer.key");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(OfflineSigner.open(directory, false).publicKey).toEqual(signer.publicKey);
    chmodSync(path, 0o640);
    expect(() => OfflineSigner.open(directory, false)).toThrow(/others may read/);
    expect(() => OfflineSigner.open(testFolder(), false)).toThrow(/there is no signer/);
  });

  test("signs for a chain of any length, as long as it is one line", () => {
    const { signer, asKey } = signerAt();
    const { aums } = chainOf(asKey, MAX_SCAN + 40);
    const lock = signer.take(fileOf(aums));
    const [first = new Uint8Array(0)] = lock.add([trusted("carol")]);
    const made = decodeAum(first);
    expect(made.key?.publicKey).toEqual(lockKey("carol").publicKey);
  }, 60_000);

  test("is never led back, and follows a fork that wins [Z70]", () => {
    const { signer, asKey } = signerAt();
    const { aums, fork } = chainOf(asKey, 5);
    const [carol, dave] = [fork("carol"), fork("dave")];
    const head = signer.take(fileOf([...aums, ...carol, ...dave])).head;
    expect(() => signer.take(fileOf(aums))).toThrow(/it lacks/);
    // The control plane may put either first: which of them counts is decided here.
    expect(signer.take(fileOf([...aums, ...dave, ...carol])).head).toBe(head);
  });

  test("refuses what does not verify, and a chain that does not trust it", () => {
    const { signer, asKey } = signerAt();
    const { aums } = chainOf(asKey, 3);
    const unsigned = aums.map((aum, at) => (at === 2 ? { ...aum, signatures: [] } : aum));
    for (const json of [fileOf(unsigned), fileOf([]), "{}", "[]", "", fileOf(aums.slice(1))])
      expect(() => signer.take(json), json.slice(0, 40)).toThrow(/this is no chain to sign for/);
    expect(() => signerAt().signer.take(fileOf(aums))).toThrow(/not trusted/);
  });

  test("believes no list: only what a key proves rests on it, and is signed anew only where told to [Z71]", () => {
    const { signer, asKey } = signerAt();
    const { aums } = chainOf(asKey, 1);
    const nodes = ["one", "two", "three"].map((name) => ({
      nodeKey: nodeKey(name),
      // bob's, a stranger's, and one of another node.
      signature: encodeBase64(
        signDirect(nodeKey(name === "three" ? "one" : name), null, lockKey(name === "two" ? "mallory" : "bob")),
      ),
    }));
    const lock = signer.take(fileOf(aums, nodes));
    const bob = lockKey("bob").publicKey;
    expect(lock.restingOn(bob).map((node) => node.nodeKey)).toEqual([nodeKey("one")]);
    expect(lock.remove([bob], false).signatures).toEqual([]);
    expect(lock.remove([bob], true).signatures).toEqual([signer.signNode(nodeKey("one"), null)]);
    expect(() => lock.remove([signer.publicKey], true)).toThrow(/own key/);
  });
});
