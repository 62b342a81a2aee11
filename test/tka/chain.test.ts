/** Walking stored AUMs: states, candidates, the active ancestor, and opening. */

import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  EMPTY_STATE,
  MAX_SCAN,
  MemoryChonk,
  findKey,
  keyTrusted,
  openAuthority,
  resumeAuthority,
  stateAt,
  type AumHash,
} from "../../src/tka/index.ts";
import { activeAncestor, activeChain, chainCandidates, fastForward } from "../../src/tka/chain.ts";
import { idOf, namesOf, stateOf } from "../support/chains-keys.ts";
import { addKey, checkpoint, fields, noOp, removeKey } from "../support/chains-recipes.ts";
import { chain } from "../support/chains.ts";
import { codeOf, refusal } from "../support/expect-code.ts";

describe("the state at an AUM", () => {
  const c = chain("G -> A -> B -> C / A -> X", {
    aums: { A: addKey("bob"), B: addKey("carol"), C: removeKey("bob"), X: addKey("dave") },
  });

  test.each([
    ["G", ["alice"]],
    ["A", ["alice", "bob"]],
    ["B", ["alice", "bob", "carol"]],
    ["C", ["alice", "carol"]],
  ])("%s trusts what its ancestors say", (name, keys) => {
    const state = stateAt(c.chonk(), c.hash(name), 50);
    expect(namesOf(state)).toEqual(keys);
    expect(state.lastAumHash).toBe(c.hash(name));
  });

  test("is that of its own branch, whichever won", () => {
    for (const order of ["B < X", "X < B"]) {
      const forked = chain("G -> A -> B / A -> X", { aums: { B: addKey("carol") }, order: [order] });
      expect(namesOf(stateAt(forked.chonk(), forked.hash("B"), 50))).toEqual(["alice", "carol"]);
      expect(namesOf(stateAt(forked.chonk(), forked.hash("X"), 50))).toEqual(["alice"]);
    }
  });

  test("starts from the nearest checkpoint", () => {
    const cut = chain("G -> A -> P -> B", { aums: { A: addKey("bob"), P: checkpoint(), B: addKey("carol") } });
    const withoutPast = cut.chonk(["P", "B"]);
    expect(namesOf(stateAt(withoutPast, cut.hash("B"), 50))).toEqual(["alice", "bob", "carol"]);
  });

  test("begins empty at a genesis that adds a key, or does nothing", () => {
    const keyed = chain("G -> A", { aums: { G: addKey("bob") }, signers: { G: [], A: [] } });
    expect(namesOf(stateAt(keyed.chonk(), keyed.hash("A"), 50))).toEqual(["bob"]);
    const bare = chain("G -> A", { aums: { G: noOp }, signers: { G: [], A: [] } });
    expect(stateAt(bare.chonk(), bare.hash("G"), 50)).toEqual({ ...EMPTY_STATE, lastAumHash: bare.hash("G") });
  });

  test("aum_not_found where it is not stored", () => {
    expect(codeOf(() => stateAt(c.chonk(["G", "A"]), c.hash("B"), 50))).toBe("aum_not_found");
  });

  test("parent_not_stored where an ancestor is missing, named", () => {
    const { code, data } = refusal(() => stateAt(c.chonk(["G", "B", "C"]), c.hash("C"), 50));
    expect([code, data.subject]).toEqual(["parent_not_stored", c.hash("A")]);
  });

  test.each([
    ["a removed key", removeKey("alice")],
    ["a checkpoint without a state", fields(AUM_KIND.checkpoint)],
    ["a kind of the future", fields(6)],
  ])("invalid_genesis where the chain begins with %s", (_, recipe) => {
    const bad = chain("G -> A", { aums: { G: recipe }, signers: { G: [], A: [] } });
    expect(codeOf(() => stateAt(bad.chonk(), bad.hash("A"), 50))).toBe("invalid_genesis");
  });

  test("walks as many AUMs as it may, less one", () => {
    const long = chain("G -> N1..N30");
    expect(stateAt(long.chonk(), long.hash("N29"), 30).lastAumHash).toBe(long.hash("N29"));
    expect(codeOf(() => stateAt(long.chonk(), long.hash("N30"), 30))).toBe("chain_too_long");
  });
});

describe("going forward", () => {
  const c = chain("G -> A -> B -> C");

  test("ends at the head, or where it is told to", () => {
    const start = stateAt(c.chonk(), c.hash("G"), 50);
    expect(c.nameOf(fastForward(c.chonk(), start, 50).aum.hash)).toBe("C");
    expect(c.nameOf(fastForward(c.chonk(), start, 50, ({ aum }) => aum.hash === c.hash("B")).aum.hash)).toBe("B");
  });

  test("refuses a state that follows no AUM", () => {
    expect(codeOf(() => fastForward(c.chonk(), stateOf({ alice: 1 }), 50))).toBe("invalid_state");
  });

  test("looks at as many AUMs as it may", () => {
    const start = stateAt(c.chonk(), c.hash("G"), 50);
    expect(c.nameOf(fastForward(c.chonk(), start, 4).aum.hash)).toBe("C");
    expect(codeOf(() => fastForward(c.chonk(), start, 3))).toBe("chain_too_long");
  });
});

describe("candidates", () => {
  //  G -> I -> J -> K -> L       H -> O
  //        \-> M     \-> N
  const c = chain("G -> I -> J -> K -> L / I -> M / K -> N / H -> O", {
    roots: ["G", "H"],
    aums: { H: checkpoint(() => stateOf({ alice: 1 }, { stateId1: 7n })) },
  });

  test("are one for each head, each with its oldest AUM", () => {
    const found = chainCandidates(c.chonk(), c.hash("J"), 50);
    expect(found.map(({ oldest }) => c.nameOf(oldest.hash)).sort()).toEqual(["G", "G", "G", "H"]);
    expect(found.filter(({ throughActive }) => throughActive)).toHaveLength(2);
  });

  test("come in the same order, whatever was stored first", () => {
    const forward = chainCandidates(c.chonk(), c.hash("I"), 50);
    const backward = chainCandidates(c.chonk([...c.names].reverse()), c.hash("I"), 50);
    expect(backward).toEqual(forward);
  });

  test("lead to the chain that was active before", () => {
    for (const [known, oldest] of [
      ["I", "G"],
      ["G", "G"],
      ["H", "H"],
    ] as const) {
      expect(c.nameOf(activeAncestor(chainCandidates(c.chonk(), c.hash(known), 50)).hash)).toBe(oldest);
    }
  });

  test("multiple_chains where nothing says which is ours", () => {
    expect(codeOf(() => openAuthority(c.chonk()))).toBe("multiple_chains");
  });

  test("an active ancestor among the heads alone says nothing: it must be passed through", () => {
    expect(codeOf(() => activeChain(c.chonk(), c.hash("O"), 50))).toBe("multiple_chains");
  });

  test("share the steps that heads have in common", () => {
    const branches = Array.from({ length: 20 }, (_, i) => `N${i + 10} -> X${i}`).join(" / ");
    const forked = chain(`G -> N1..N40 / ${branches}`);
    const chonk = forked.chonk();
    let looked = 0;
    const counting = {
      aum: (hash: AumHash) => {
        looked++;
        return chonk.aum(hash);
      },
      children: (hash: AumHash) => chonk.children(hash),
      heads: () => chonk.heads(),
      lastActiveAncestor: () => chonk.lastActiveAncestor(),
    };
    const found = chainCandidates(counting, forked.hash("N5"), 50);
    expect(found.map(({ oldest, throughActive }) => [forked.nameOf(oldest.hash), throughActive])).toEqual(
      found.map(() => ["G", true]),
    );
    expect(found).toHaveLength(21);
    // 40 steps of the trunk, and one from each branch to it.
    expect(looked).toBeLessThanOrEqual(60);
  });

  test("chain_too_long where the way to the oldest AUM is", () => {
    const long = chain("G -> N1..N30");
    expect(chainCandidates(long.chonk(), null, 31)).toHaveLength(1);
    expect(codeOf(() => chainCandidates(long.chonk(), null, 30))).toBe("chain_too_long");
  });
});

describe("opening", () => {
  test("no_chain in an empty Chonk", () => {
    expect(codeOf(() => openAuthority(new MemoryChonk()))).toBe("no_chain");
  });

  test("finds head, state and oldest ancestor", () => {
    const c = chain("G -> A -> B", { aums: { A: addKey("bob", 2) } });
    const authority = openAuthority(c.chonk());
    expect(authority).toEqual({ head: c.hash("B"), state: c.stateAfter("B"), oldestAncestor: c.hash("G") });
    expect(findKey(authority.state, idOf("bob"))?.votes).toBe(2n);
  });

  test("takes each fork by its rules, on the chain that was active before", () => {
    //        /- L1
    //  G - I - J - K - L2 (signed)        H - L4
    //                \- L3
    const c = chain("G -> I -> J -> K -> L2 / I -> L1 / K -> L3 / H -> L4", {
      roots: ["G", "H"],
      aums: { G: addKey("alice"), H: noOp },
      signers: { G: [], H: [], I: [], J: [], K: [], L1: [], L3: [], L4: [] },
      order: ["J < L1", "L3 < L2"],
    });
    const authority = openAuthority(c.chonk(c.names, "I"));
    expect([c.nameOf(authority.head), c.nameOf(authority.oldestAncestor)]).toEqual(["L2", "G"]);
  });

  test("begins at a checkpoint whose past is forgotten", () => {
    const c = chain("G -> A -> P -> B", { aums: { A: addKey("bob"), P: checkpoint() } });
    const authority = openAuthority(c.chonk(["P", "B"]));
    expect(c.nameOf(authority.oldestAncestor)).toBe("P");
    expect(namesOf(authority.state)).toEqual(["alice", "bob"]);
  });

  test("parent_not_stored where the past is missing and no checkpoint stands for it", () => {
    const c = chain("G -> A -> B");
    expect(codeOf(() => openAuthority(c.chonk(["A", "B"])))).toBe("parent_not_stored");
  });

  test(`takes a chain of ${MAX_SCAN - 1} AUMs after the genesis, and no more`, () => {
    const c = chain(`G -> N1..N${MAX_SCAN}`);
    expect(c.nameOf(openAuthority(c.chonk(c.names.slice(0, MAX_SCAN))).head)).toBe(`N${MAX_SCAN - 1}`);
    expect(codeOf(() => openAuthority(c.chonk()))).toBe("chain_too_long");
  });

  test("tells which keys are trusted", () => {
    const authority = openAuthority(chain("G").chonk());
    expect([keyTrusted(authority, idOf("alice")), keyTrusted(authority, idOf("bob"))]).toEqual([true, false]);
  });
});

describe("resuming", () => {
  test("gives what opening gives, from the head that was decided last", () => {
    const c = chain("G -> A -> P -> B -> C / A -> X", {
      aums: { A: addKey("bob"), P: checkpoint() },
      order: ["P < X"],
    });
    expect(resumeAuthority(c.chonk())).toEqual(openAuthority(c.chonk()));
  });

  test("opens where nothing says what the head was", () => {
    const c = chain("G -> A");
    const chonk = c.chonk();
    chonk.point(null, c.hash("G"));
    expect(resumeAuthority(chonk)).toEqual(openAuthority(chonk));
    expect(codeOf(() => resumeAuthority(new MemoryChonk()))).toBe("no_chain");
  });

  test("goes on past the AUMs that opening can walk, where there is a checkpoint on the way", () => {
    const c = chain(`G -> N1..N${MAX_SCAN} -> P -> B`, { aums: { N1: addKey("bob"), P: checkpoint() } });
    const chonk = c.chonk();
    chonk.point(c.hash("B"), c.hash("G"));
    expect(codeOf(() => openAuthority(chonk))).toBe("chain_too_long");
    expect(namesOf(resumeAuthority(chonk).state)).toEqual(["alice", "bob"]);
  });
});
