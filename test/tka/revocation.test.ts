/** Recovery AUMs: where they fork off, what they trust, and who may sign them. Which side wins is told in scenarios.test.ts. */

import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  aumParent,
  cosignRevocation,
  inform,
  makeRevocation,
  openAuthority,
  type Aum,
  type Authority,
  type MemoryChonk,
} from "../../src/tka/index.ts";
import { idOf, lockKey, namesOf } from "../support/chains-keys.ts";
import { addKey, removeKey } from "../support/chains-recipes.ts";
import { chain, type DrawnChain } from "../support/chains.ts";
import { codeOf } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";

function node(c: DrawnChain): { chonk: MemoryChonk; authority: Authority } {
  const chonk = c.chonk();
  return { chonk, authority: openAuthority(chonk) };
}

function revoke(c: DrawnChain, names: readonly string[], forkFrom: string | null = null, ours = "alice"): Aum {
  const { chonk, authority } = node(c);
  const parent = forkFrom === null ? null : c.hash(forkFrom);
  return makeRevocation(chonk, authority, names.map(idOf), idOf(ours), parent);
}

const parentName = (c: DrawnChain, aum: Aum): string => c.nameOf(aumParent(aum));

describe("the fork point that is found", () => {
  //  bob is trusted from B on, carol from C on; dave comes at D and goes at E.
  const c = chain("G -> A -> B -> C -> D -> E -> F", {
    aums: { B: addKey("bob"), C: addKey("carol"), D: addKey("dave"), E: removeKey("dave") },
  });

  test.each([
    [["bob"], "A"],
    [["carol"], "B"],
    [["bob", "carol"], "A"],
    [["carol", "bob"], "A"],
  ])("for %j is the newest AUM before any of them was trusted", (names, parent) => {
    expect(parentName(c, revoke(c, names))).toBe(parent);
  });

  test("is the newest AUM at which none is trusted, though one was before", () => {
    expect(parentName(c, revoke(c, ["dave", "bob"]))).toBe("A");
    expect(codeOf(() => revoke(c, ["dave"]))).toBe("key_not_trusted");
    const back = chain("G -> A -> B -> C -> D", {
      aums: { A: addKey("bob"), B: removeKey("bob"), C: addKey("bob"), D: addKey("carol") },
    });
    expect(parentName(back, revoke(back, ["bob"]))).toBe("B");
  });

  test("is the oldest AUM where there is no better: for keys of the genesis", () => {
    const d = chain("G -> A -> B", { keys: { alice: 1, bob: 1 } });
    expect(parentName(d, revoke(d, ["bob"]))).toBe("G");
    expect(parentName(c, revoke(c, ["alice"], null, "carol"))).toBe("G");
  });

  test("is one at which our key is trusted", () => {
    expect(parentName(c, revoke(c, ["bob"], null, "alice"))).toBe("A");
    const later = chain("G -> B -> M -> C", { aums: { B: addKey("bob"), C: addKey("carol") } });
    expect(parentName(later, revoke(later, ["carol"], null, "bob"))).toBe("M");
  });

  test("is passed over where our key is not trusted, back to one where it was", () => {
    const gap = chain("G -> A -> B -> C", {
      keys: { alice: 1, bob: 1 },
      aums: { A: removeKey("bob"), B: addKey("carol"), C: addKey("bob") },
    });
    expect(parentName(gap, revoke(gap, ["carol"], null, "bob"))).toBe("G");
    expect(parentName(gap, revoke(gap, ["carol"], null, "alice"))).toBe("A");
  });

  test("is the one that is given", () => {
    expect(parentName(c, revoke(c, ["bob"], "D"))).toBe("D");
  });
});

describe("the recovery AUM", () => {
  const c = chain("G -> A -> B -> C", { aums: { B: addKey("bob"), C: addKey("carol") } });

  test("is a checkpoint of the head's state without the revoked keys, unsigned", () => {
    const recovery = revoke(c, ["bob"]);
    expect([recovery.kind, recovery.signatures]).toEqual([AUM_KIND.checkpoint, null]);
    expect(recovery.state).toMatchObject({ lastAumHash: null, stateId1: c.stateAfter("C").stateId1 });
    expect(recovery.state === null ? [] : namesOf(recovery.state)).toEqual(["alice", "carol"]);
  });

  test("names a key twice like once", () => {
    expect(revoke(c, ["bob", "bob"])).toEqual(revoke(c, ["bob"]));
  });

  test("passes over strangers among the revoked, where not all are", () => {
    expect(revoke(c, ["bob", "mallory"])).toEqual(revoke(c, ["bob"]));
    expect(codeOf(() => revoke(c, ["mallory"]))).toBe("key_not_trusted");
  });

  test("with a fork point given, may revoke keys that are not trusted now", () => {
    expect(parentName(c, revoke(c, ["mallory"], "B"))).toBe("B");
  });

  test("cannot_revoke_all", () => {
    expect(codeOf(() => revoke(c, ["alice", "bob", "carol"]))).toBe("cannot_revoke_all");
  });

  test("aum_not_found or not, a given fork point is taken as it is: informing judges it", () => {
    const alien = chain("H", { state: { stateId1: 3n } });
    const { chonk, authority } = node(c);
    const recovery = makeRevocation(chonk, authority, [idOf("bob")], idOf("alice"), alien.hash("H"));
    const signed = cosignRevocation(recovery, lockKey("alice"));
    expect(codeOf(() => inform(chonk, authority, [signed], fastVerifier, 0))).toBe("aum_not_found");
  });
});

describe("co-signing", () => {
  const c = chain("G -> A", { keys: { alice: 1, bob: 1, carol: 2 } });

  test("adds up signatures until they outweigh the other side", () => {
    const keys = { alice: 2, bob: 2, carol: 3 };
    const fork = chain("G -> A -> X", { keys, signers: { A: ["carol"], X: ["carol"] } });
    const { chonk, authority } = node(fork);
    const unsigned = makeRevocation(chonk, authority, [idOf("carol")], idOf("alice"), authority.oldestAncestor);
    const once = cosignRevocation(unsigned, lockKey("alice"));
    const still = inform(chonk, authority, [once], fastVerifier, 0);
    expect(fork.nameOf(still.head)).toBe("X");
    const recovered = inform(chonk, still, [cosignRevocation(once, lockKey("bob"))], fastVerifier, 0);
    expect(namesOf(recovered.state)).toEqual(["alice", "bob"]);
  });

  test("is refused to who has signed already", () => {
    const once = cosignRevocation(revoke(c, ["carol"]), lockKey("alice"));
    expect(codeOf(() => cosignRevocation(once, lockKey("alice")))).toBe("invalid_argument");
  });

  test("by the revoked key itself is a matter of the parent's state: it counts where it was trusted", () => {
    const { chonk, authority } = node(c);
    const signed = cosignRevocation(revoke(c, ["carol"]), lockKey("carol"));
    const recovered = inform(chonk, authority, [signed], fastVerifier, 0);
    expect(namesOf(recovered.state)).toEqual(["alice", "bob"]);
  });
});
