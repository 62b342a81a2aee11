/** Which of several children the chain goes on with: [F1] weight, then [F2] RemoveKey, then [F3] the lowest hash. */

import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  EMPTY_STATE,
  KEY_25519,
  compareHashes,
  makeAum,
  openAuthority,
  signatureWeight,
  type Aum,
  type State,
} from "../../src/tka/index.ts";
import { chooseChild } from "../../src/tka/fork-choice.ts";
import { idOf, stateOf } from "../support/chains-keys.ts";
import { checkpoint, noOp, removeKey, setVotes } from "../support/chains-recipes.ts";
import { chain, type DrawnChain } from "../support/chains.ts";
import { codeOf } from "../support/expect-code.ts";

const headOf = (c: DrawnChain): string => c.nameOf(openAuthority(c.chonk()).head);

describe("[F3] the lowest hash", () => {
  test.each(["A", "B", "C"])("wins among equals: %s", (lowest) => {
    const order = ["A", "B", "C"].filter((name) => name !== lowest).map((other) => `${lowest} < ${other}`);
    const c = chain("G -> A / G -> B / G -> C", { order });
    expect(headOf(c)).toBe(lowest);
  });

  test("is judged by bytes, not by text", () => {
    // In base32 the digits sort before the letters, yet stand for the greatest values.
    const c = chain(`G -> A / ${Array.from({ length: 40 }, (_, i) => `G -> N${i + 1}`).join(" / ")}`, {
      aums: { A: noOp },
    });
    const children = c.names.slice(1).map((name) => c.stored(name));
    const byBytes = [...children].sort((a, b) => compareHashes(a.hash, b.hash))[0];
    const byText = [...children].sort((a, b) => (a.hash < b.hash ? -1 : 1))[0];
    expect(chooseChild(c.stateAfter("G"), children)).toBe(byBytes);
    expect(byText).not.toBe(byBytes);
  });
});

describe("[F2] a RemoveKey", () => {
  const keys = { alice: 1, bob: 1 };

  test("wins over lower hashes of the same weight", () => {
    const aums = { R: removeKey("bob") };
    expect(headOf(chain("G -> R / G -> A / G -> B", { keys, aums, order: ["A < R", "R < B"] }))).toBe("R");
  });

  test("loses to more weight", () => {
    const aums = { R: removeKey("bob") };
    expect(headOf(chain("G -> R / G -> A", { keys, aums, signers: { A: ["alice", "bob"] } }))).toBe("A");
  });

  test("of two, the one with the lower hash wins", () => {
    const c = chain("G -> R / G -> S", {
      keys: { alice: 1, bob: 1, carol: 1 },
      aums: { R: removeKey("bob"), S: removeKey("carol") },
    });
    expect(headOf(c)).toBe(compareHashes(c.hash("R"), c.hash("S")) < 0 ? "R" : "S");
  });
});

describe("[F1] the weight", () => {
  const keys = { alice: 2, bob: 1, carol: 1 };

  test("wins over hash and kind", () => {
    const c = chain("G -> R / G -> A", {
      keys,
      aums: { R: removeKey("carol") },
      signers: { R: ["bob"], A: ["alice"] },
      order: ["R < A"],
    });
    expect(headOf(c)).toBe("A");
  });

  test("adds up over signers", () => {
    const c = chain("G -> A / G -> B", {
      keys: { ...keys, bob: 2 },
      signers: { B: ["bob", "carol"] },
      order: ["A < B"],
    });
    expect(headOf(c)).toBe("B");
  });

  test("ties between one key of two votes and two keys of one, and then the hash decides", () => {
    for (const order of ["A < B", "B < A"]) {
      const c = chain("G -> A / G -> B", { keys, signers: { B: ["bob", "carol"] }, order: [order] });
      expect(headOf(c)).toBe(order.slice(0, 1));
    }
  });

  test("is judged by the parent's state, not by the child's or the head's", () => {
    const c = chain("G -> V -> A / V -> B", {
      keys,
      aums: { V: setVotes("bob", 5) },
      signers: { A: ["alice"], B: ["bob"] },
      order: ["A < B"],
    });
    expect(headOf(c)).toBe("B");
    const raising = chain("G -> A / G -> B", {
      keys,
      aums: { B: setVotes("bob", 50) },
      signers: { A: ["alice"], B: ["bob"] },
    });
    expect(headOf(raising)).toBe("A");
  });

  test("counts at the fork alone: a longer branch has no advantage", () => {
    const c = chain("G -> A / G -> B1..B9", { keys, signers: { A: ["alice"], B1: ["bob"] } });
    expect(headOf(c)).toBe("A");
  });

  test("of a recovery is what its checkpoint is signed with, by the state it leaves behind", () => {
    const c = chain("G -> X -> Y / G -> R", {
      keys: { alice: 1, bob: 1, carol: 1 },
      aums: { R: checkpoint((state) => ({ ...state, keys: (state.keys ?? []).slice(0, 2) })) },
      signers: { X: ["carol"], Y: ["carol"], R: ["alice", "bob"] },
    });
    expect(headOf(c)).toBe("R");
  });
});

describe("weighing", () => {
  const state = stateOf({ alice: 2, bob: 3 });
  const signedBy = (...ids: readonly (Uint8Array | null)[]): Aum =>
    makeAum(AUM_KIND.noOp, { signatures: ids.map((keyId) => ({ keyId, signature: null })) });

  test.each<[string, Aum, bigint]>([
    ["nothing where nobody signed", makeAum(AUM_KIND.noOp), 0n],
    ["nothing where the list is empty", signedBy(), 0n],
    ["one key", signedBy(idOf("alice")), 2n],
    ["two keys", signedBy(idOf("alice"), idOf("bob")), 5n],
    ["a key twice once", signedBy(idOf("bob"), idOf("alice"), idOf("bob")), 5n],
    ["a stranger as nothing", signedBy(idOf("carol"), idOf("alice")), 2n],
  ])("counts %s", (_, aum, weight) => {
    expect(signatureWeight(aum, state)).toBe(weight);
  });

  test("counts nothing in an empty state", () => {
    expect(signatureWeight(signedBy(idOf("alice")), EMPTY_STATE)).toBe(0n);
  });

  test("wraps at 2^64, as Go's unsigned sum does", () => {
    const most: State = stateOf(
      {},
      {
        keys: [
          { kind: KEY_25519, votes: 2n ** 64n - 1n, publicKey: idOf("alice"), meta: null },
          { kind: KEY_25519, votes: 3n, publicKey: idOf("bob"), meta: null },
        ],
      },
    );
    expect(signatureWeight(signedBy(idOf("alice"), idOf("bob")), most)).toBe(2n);
  });

  test("refuses a key ID that is not 32 bytes, where Go panics", () => {
    expect(codeOf(() => signatureWeight(signedBy(idOf("alice").slice(1)), state))).toBe("invalid_aum");
    expect(codeOf(() => signatureWeight(signedBy(null), state))).toBe("invalid_aum");
  });
});

test("there is no child to choose where there is none", () => {
  expect(chooseChild(EMPTY_STATE, [])).toBeNull();
});
