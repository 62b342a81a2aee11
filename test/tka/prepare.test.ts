/** The write path: bootstrap, prepare and commit. Rules [A4], [P1], [P2], [C2]. */

import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  KEY_25519,
  MemoryChonk,
  aumSigHash,
  authorityAfter,
  bootstrap,
  decodeHex,
  equalBytes,
  findKey,
  hashToBytes,
  inform,
  makeAum,
  makeGenesis,
  openAuthority,
  prepare,
  prepareBootstrap,
  pureVerifier,
  signAum,
  signerFromSeed,
  validateAum,
  type Aum,
  type Authority,
  type Signer,
} from "../../src/tka/index.ts";
import { idOf, lockKey, namesOf, stateOf } from "../support/chains-keys.ts";
import { addKey, checkpoint, removeKey, setVotes } from "../support/chains-recipes.ts";
import { chain, type DrawnChain } from "../support/chains.ts";
import { codeOf, refusal } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";

const NOW = 1_800_000_000_000;

function begun(c: DrawnChain, ...informed: readonly string[]): { chonk: MemoryChonk; authority: Authority } {
  const chonk = new MemoryChonk();
  const authority = bootstrap(chonk, c.aum("G"), fastVerifier, NOW);
  if (informed.length === 0) return { chonk, authority };
  return { chonk, authority: inform(chonk, authority, c.aums(...informed), fastVerifier, NOW) };
}

describe("a genesis", () => {
  test("is made, bootstraps, and opens again", () => {
    const genesis = makeGenesis(stateOf({ alice: 1, bob: 2 }), lockKey("alice"));
    validateAum(genesis);
    const chonk = new MemoryChonk();
    const authority = bootstrap(chonk, genesis, fastVerifier, NOW);
    expect(namesOf(authority.state)).toEqual(["alice", "bob"]);
    expect(openAuthority(chonk)).toEqual(authority);
    expect([chonk.head(), chonk.lastActiveAncestor()]).toEqual([authority.head, authority.head]);
  });

  test("may be signed by keys held in JavaScript, and be verified there", () => {
    const signer = signerFromSeed(lockKey("alice").seed);
    const chonk = new MemoryChonk();
    const authority = bootstrap(chonk, makeGenesis(stateOf({ alice: 1 }), signer), pureVerifier, NOW);
    const more = signAum(chain("G -> A").aum("A"), lockKey("alice"));
    expect(authority.head).toBe(chain("G").hash("G"));
    expect(inform(chonk, authority, [more], pureVerifier, NOW).head).not.toBe(authority.head);
  });

  test.each([
    ["invalid_state", stateOf({})],
    ["invalid_state", stateOf({ alice: 1 }, { disablementValues: [] })],
    ["invalid_key", stateOf({ alice: 0 })],
    ["invalid_key", stateOf({ alice: 4097 })],
  ])("is not made of what is %s", (code, state) => {
    expect(codeOf(() => makeGenesis(state, lockKey("alice")))).toBe(code);
  });

  test("unknown_key where its own keys do not sign it", () => {
    const genesis = makeGenesis(stateOf({ alice: 1 }), lockKey("mallory"));
    expect(codeOf(() => bootstrap(new MemoryChonk(), genesis, fastVerifier, NOW))).toBe("unknown_key");
  });
});

describe("bootstrapping", () => {
  const c = chain("G -> A -> P -> B", {
    aums: { A: addKey("bob"), P: checkpoint() },
    signers: { P: ["alice", "bob"] },
  });

  test("may begin with a late checkpoint, judged by its own state", () => {
    const chonk = new MemoryChonk();
    const authority = bootstrap(chonk, c.aum("P"), fastVerifier, NOW);
    expect(namesOf(authority.state)).toEqual(["alice", "bob"]);
    expect(c.nameOf(inform(chonk, authority, c.aums("B"), fastVerifier, NOW).head)).toBe("B");
    expect(codeOf(() => inform(new MemoryChonk(), authority, c.aums("A"), fastVerifier, NOW))).toBe("aum_not_found");
  });

  test("not_empty where there is a chain already, even this one", () => {
    const { chonk } = begun(c);
    expect(codeOf(() => prepareBootstrap(chonk, c.aum("G"), fastVerifier))).toBe("not_empty");
    expect(codeOf(() => prepareBootstrap(chonk, c.aum("P"), fastVerifier))).toBe("not_empty");
  });

  const unsigned = { ...c.aum("G"), signatures: null };
  const alice = lockKey("alice");
  const badState = makeAum(AUM_KIND.checkpoint, { state: stateOf({}) });
  const tampered = { ...c.aum("G"), state: stateOf({ alice: 1 }, { stateId1: 5n }) };

  test.each<[string, string, Aum]>([
    ["invalid_genesis", "an AddKey", c.aum("A")],
    ["invalid_genesis", "a NoOp", signAum(makeAum(AUM_KIND.noOp), alice)],
    ["invalid_genesis", "a checkpoint without a state", signAum(makeAum(AUM_KIND.checkpoint), alice)],
    ["invalid_state", "a checkpoint without keys", signAum(badState, alice)],
    ["unsigned_aum", "an unsigned checkpoint", unsigned],
    ["unsigned_aum", "a checkpoint with an empty list of signatures", { ...unsigned, signatures: [] }],
    ["unknown_key", "a checkpoint signed by a stranger", signAum(unsigned, lockKey("mallory"))],
    ["unknown_key", "a checkpoint signed by a stranger too", signAum(c.aum("G"), lockKey("mallory"))],
    ["bad_signature", "a checkpoint changed after signing", tampered],
  ])("a first checkpoint is refused with %s: %s", (code, _, aum) => {
    const chonk = new MemoryChonk();
    expect(codeOf(() => bootstrap(chonk, aum, fastVerifier, NOW))).toBe(code);
    expect(chonk.hashes()).toEqual([]);
  });
});

describe("informing", () => {
  const c = chain("G -> A -> B -> C / A -> X -> Y", {
    aums: { A: addKey("bob", 3), X: setVotes("bob", 2) },
    signers: { X: ["bob"], Y: ["bob"] },
  });

  test("goes on in a line from the head", () => {
    const { authority } = begun(c, "A", "B", "C");
    expect(c.nameOf(authority.head)).toBe("C");
    expect(authority.state).toEqual(c.stateAfter("C"));
    expect(c.nameOf(authority.oldestAncestor)).toBe("G");
  });

  test("[P2] takes a web of forks, parents first, and goes where fork choice says", () => {
    const { chonk, authority } = begun(c, "A", "B", "X", "C", "Y");
    expect(c.nameOf(authority.head)).toBe("Y");
    expect(authority.state).toEqual(c.stateAfter("Y"));
    expect(openAuthority(chonk)).toEqual(authority);
  });

  test("leaves the head for an older fork that outweighs it", () => {
    const { chonk, authority } = begun(c, "A", "B", "C");
    expect(c.nameOf(inform(chonk, authority, c.aums("X"), fastVerifier, NOW).head)).toBe("X");
  });

  test("keeps the head where the fork weighs less, and stores the fork", () => {
    const light = chain("G -> A -> B / A -> X", { keys: { alice: 2, bob: 1 }, signers: { X: ["bob"] } });
    const { chonk, authority } = begun(light, "A", "B");
    expect(light.nameOf(inform(chonk, authority, light.aums("X"), fastVerifier, NOW).head)).toBe("B");
    expect(chonk.aum(light.hash("X"))).not.toBeNull();
  });

  test("[P2] passes over what is stored", () => {
    const { chonk, authority } = begun(c, "A", "B");
    const prepared = prepare(chonk, authority, c.aums("G", "A", "B"), fastVerifier);
    expect(prepared.verified).toEqual([]);
    expect(authorityAfter(prepared)).toEqual(authority);
    expect(c.nameOf(inform(chonk, authority, c.aums("A", "B", "C"), fastVerifier, NOW).head)).toBe("C");
  });

  test("[P2] takes an AUM that stands twice in a batch", () => {
    const { chonk, authority } = begun(c);
    const informed = inform(chonk, authority, c.aums("A", "A", "B", "A"), fastVerifier, NOW);
    expect(c.nameOf(informed.head)).toBe("B");
    expect(chonk.hashes()).toHaveLength(3);
  });

  test("verifies a fork by the keys that were trusted there, not now", () => {
    const gone = chain("G -> A -> B / G -> X", {
      keys: { alice: 1, bob: 2 },
      aums: { A: removeKey("bob") },
      signers: { X: ["bob"] },
    });
    const { chonk, authority } = begun(gone, "A", "B");
    expect(gone.nameOf(inform(chonk, authority, gone.aums("X"), fastVerifier, NOW).head)).toBe("X");
  });

  test("is pure: preparing stores nothing, and may be done twice", () => {
    const { chonk, authority } = begun(c, "A");
    const first = prepare(chonk, authority, c.aums("B", "X"), fastVerifier);
    expect(prepare(chonk, authority, c.aums("B", "X"), fastVerifier)).toEqual(first);
    expect(c.namesOf(chonk.hashes())).toEqual(["A", "G"]);
  });

  test("[C2] head_moved where another change came in between", () => {
    const { chonk, authority } = begun(c, "A");
    const slow = prepare(chonk, authority, c.aums("B"), fastVerifier);
    inform(chonk, authority, c.aums("X"), fastVerifier, NOW);
    expect(refusal(() => chonk.commit(slow, NOW))).toMatchObject({
      code: "head_moved",
      data: { subject: c.hash("X") },
    });
    expect(chonk.aum(c.hash("B"))).toBeNull();
  });

  test("nothing_to_inform for an empty batch", () => {
    const { chonk, authority } = begun(c);
    expect(codeOf(() => prepare(chonk, authority, [], fastVerifier))).toBe("nothing_to_inform");
  });

  test("takes batches of any length in a line: 400 at once", () => {
    const long = chain("G -> N1..N400");
    expect(long.nameOf(begun(long, ...long.names.slice(1)).authority.head)).toBe("N400");
  });
});

describe("[P1] a batch is all or nothing", () => {
  const tweaks = { keys: { alice: 1, bob: 1 } };
  const forged = (aum: Aum): Aum => {
    const signature = Uint8Array.from(aum.signatures?.[0]?.signature ?? []);
    signature[3] = (signature[3] ?? 0) ^ 0xff;
    return { ...aum, signatures: [{ keyId: idOf("alice"), signature }] };
  };

  test.each<[string, string, DrawnChain]>([
    ["bad_signature", "forged", chain("G -> A -> B -> C", { ...tweaks, tamper: { C: forged } })],
    ["unsigned_aum", "unsigned", chain("G -> A -> B -> C", { ...tweaks, signers: { C: [] } })],
    ["unknown_key", "a stranger's", chain("G -> A -> B -> C", { ...tweaks, signers: { C: ["mallory"] } })],
    ["unknown_key", "signed by a stranger as well", chain("G -> A -> B -> C", { ...tweaks, signers: { C: ["alice", "mallory"] } })], // prettier-ignore
    ["unknown_key", "signed by a key removed before", chain("G -> A -> B -> C", { ...tweaks, aums: { B: removeKey("bob") }, signers: { C: ["bob"] } })], // prettier-ignore
    ["no_parent", "without a parent", chain("G -> A -> B -> C", { ...tweaks, tamper: { C: (aum) => ({ ...aum, prevAumHash: null }) } })], // prettier-ignore
    ["aum_not_found", "of an unknown parent", chain("G -> A -> B -> C", { ...tweaks, tamper: { C: (aum) => ({ ...aum, prevAumHash: new Uint8Array(32) }) } })], // prettier-ignore
    ["invalid_aum", "of an ill-formed kind", chain("G -> A -> B -> C", { ...tweaks, tamper: { C: (aum) => ({ ...aum, kind: 1 }) } })], // prettier-ignore
    ["key_exists", "that adds a key twice", chain("G -> A -> B -> C", { ...tweaks, aums: { C: addKey("bob") } })],
    ["unknown_key", "that removes a stranger", chain("G -> A -> B -> C", { ...tweaks, aums: { C: removeKey("carol") } })], // prettier-ignore
    ["last_key", "that removes the last key", chain("G -> A -> B -> C", { ...tweaks, aums: { B: removeKey("bob"), C: removeKey("alice") } })], // prettier-ignore
    ["invalid_key", "that leaves a key without votes", chain("G -> A -> B -> C", { ...tweaks, aums: { C: setVotes("bob", 0) } })], // prettier-ignore
    ["state_id_mismatch", "of another tailnet", chain("G -> A -> B -> C", { ...tweaks, aums: { C: checkpoint((old) => ({ ...old, stateId1: 0n })) } })], // prettier-ignore
  ])("%s: none is stored where the last is %s", (code, _, c) => {
    const { chonk, authority } = begun(c);
    const { code: got, data } = refusal(() => inform(chonk, authority, c.aums("A", "B", "C"), fastVerifier, NOW));
    expect([got, data.index]).toEqual([code, 2]);
    expect([c.namesOf(chonk.hashes()), chonk.head()]).toEqual([["G"], authority.head]);
  });

  test("aum_not_found: children before their parents", () => {
    const c = chain("G -> A -> B");
    const { chonk, authority } = begun(c);
    expect(codeOf(() => inform(chonk, authority, c.aums("B", "A"), fastVerifier, NOW))).toBe("aum_not_found");
    expect(chonk.hashes()).toHaveLength(1);
  });

  test("chain_too_long: where the walk is, nothing is stored, unlike Go", () => {
    const c = chain("G -> N1..N1999 -> Z / N1998 -> X");
    const { chonk, authority } = begun(c, ...c.names.slice(1, 2000));
    expect(codeOf(() => inform(chonk, authority, c.aums("X", "Z"), fastVerifier, NOW))).toBe("chain_too_long");
    expect(chonk.hashes()).toHaveLength(2000);
    expect(chonk.head()).toBe(c.hash("N1999"));
  });
});

describe("[A4] the last key", () => {
  test("cannot be removed, by itself or with a second signature", () => {
    const c = chain("G -> A", { aums: { A: removeKey("alice") }, signers: { A: ["alice", "alice"] } });
    const { chonk, authority } = begun(c);
    expect(codeOf(() => inform(chonk, authority, c.aums("A"), fastVerifier, NOW))).toBe("last_key");
  });

  test("unknown_key, not last_key, for another than the last", () => {
    const c = chain("G -> A", { aums: { A: removeKey("bob") } });
    const { chonk, authority } = begun(c);
    expect(codeOf(() => inform(chonk, authority, c.aums("A"), fastVerifier, NOW))).toBe("unknown_key");
  });

  test("may be replaced by a checkpoint: the rule binds RemoveKey only", () => {
    const c = chain("G -> P -> B", {
      aums: { P: checkpoint((old) => ({ ...old, keys: stateOf({ bob: 1 }).keys })) },
      signers: { B: ["bob"] },
    });
    expect(namesOf(begun(c, "P", "B").authority.state)).toEqual(["bob"]);
  });
});

describe("[A4] every signature counts", () => {
  test("one key may sign twice", () => {
    const c = chain("G -> A", { signers: { A: ["alice", "alice"] } });
    expect(c.nameOf(begun(c, "A").authority.head)).toBe("A");
  });

  test("says which signature is bad", () => {
    const c = chain("G -> A", {
      keys: { alice: 1, bob: 1 },
      signers: { A: ["alice", "bob"] },
      tamper: { A: (aum) => ({ ...aum, signatures: [...(aum.signatures ?? [])].map((s) => ({ ...s, keyId: idOf("alice") })) }) }, // prettier-ignore
    });
    const { chonk, authority } = begun(c);
    expect(refusal(() => inform(chonk, authority, c.aums("A"), fastVerifier, NOW))).toMatchObject({
      code: "bad_signature",
      data: { index: 0, subject: c.hash("A") },
      message: expect.stringContaining("signature 1") as string,
    });
  });

  test("[V1] is judged by ZIP-215: under a key of small order anybody signs anything", () => {
    const order8 = decodeHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
    const odd: Signer = {
      publicKey: order8 ?? new Uint8Array(0),
      sign: () => Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 1 : 0)),
    };
    const key = { kind: KEY_25519, votes: 1n, publicKey: order8, meta: null };
    const c = chain("G -> A", { aums: { A: () => ({ kind: AUM_KIND.addKey, key }) } });
    const updates = Array.from({ length: 8 }, (_, i) => {
      const prevAumHash = hashToBytes(c.hash("A"));
      return signAum(makeAum(AUM_KIND.noOp, { prevAumHash, keyId: Uint8Array.of(i) }), odd);
    });
    const standard = updates.map((aum) =>
      pureVerifier.standard(odd.publicKey, aumSigHash(aum), odd.sign(aumSigHash(aum))),
    );
    expect(standard).toContain(false);
    for (const verifier of [fastVerifier, pureVerifier]) {
      const { chonk, authority } = begun(c, "A");
      expect(prepare(chonk, authority, updates, verifier).verified).toHaveLength(8);
    }
  });

  test("[K2] a key that is not 32 bytes long is trusted, and verifies nothing", () => {
    const odd = { kind: KEY_25519, votes: 1n, publicKey: new Uint8Array(31).fill(1), meta: null };
    const c = chain("G -> A", { aums: { A: () => ({ kind: AUM_KIND.addKey, key: odd }) } });
    const { authority } = begun(c, "A");
    expect(equalBytes(findKey(authority.state, odd.publicKey)?.publicKey ?? null, odd.publicKey)).toBe(true);
  });
});
