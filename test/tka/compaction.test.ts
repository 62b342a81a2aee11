/** What a chain may forget: verdicts on drawn webs, as Go's compaction gives them, and what still holds afterwards. */

import { describe, expect, test } from "vitest";
import {
  COMPACTION_DEFAULTS,
  COMPACTION_MIN_AGE_MS,
  COMPACTION_MIN_CHAIN,
  MemoryChonk,
  compact,
  inform,
  makeSyncOffer,
  missingAums,
  openAuthority,
  prepareCompaction,
  type Authority,
} from "../../src/tka/index.ts";
import { checkpoint } from "../support/chains-recipes.ts";
import { chain, type DrawnChain } from "../support/chains.ts";
import { codeOf } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";

const HOUR = 60 * 60 * 1000;
const NOW = 1_800_000_000_000;

/** Draws a web in which the named AUMs are checkpoints; all hashes of forks are greater than those of the line drawn first. */
function web(drawing: string, checkpoints: readonly string[], order: readonly string[] = []): DrawnChain {
  return chain(drawing, { aums: Object.fromEntries(checkpoints.map((name) => [name, checkpoint()])), order });
}

/** The chain's Chonk, all committed long ago but the `young`, which are committed now. */
function stored(c: DrawnChain, young: readonly string[] = []): { chonk: MemoryChonk; authority: Authority } {
  const chonk = new MemoryChonk();
  for (const name of c.names) chonk.load(c.stored(name), young.includes(name) ? NOW : 0);
  const authority = openAuthority(chonk);
  chonk.point(authority.head, authority.oldestAncestor);
  return { chonk, authority };
}

interface Verdict {
  readonly oldest: string;
  readonly forgets: string[];
}

function verdict(c: DrawnChain, minChain: number, young: readonly string[] = []): Verdict {
  const { chonk, authority } = stored(c, young);
  const prepared = prepareCompaction(chonk, authority, NOW, { minChain, minAge: HOUR });
  return { oldest: c.nameOf(prepared.oldestAncestor), forgets: c.namesOf(prepared.purge) };
}

describe("one line", () => {
  test("keeps a genesis that is all there is", () => {
    expect(verdict(web("G", []), 2)).toEqual({ oldest: "G", forgets: [] });
  });

  test("keeps a line no longer than the least, whatever it holds", () => {
    expect(verdict(web("G -> A -> B", ["A", "B"]), 3)).toEqual({ oldest: "G", forgets: [] });
    expect(verdict(web("G -> A -> B", ["A", "B"]), 4)).toEqual({ oldest: "G", forgets: [] });
  });

  test("begins at the checkpoint just behind the least", () => {
    expect(verdict(web("G -> A -> B -> C", ["A", "B", "C"]), 2)).toEqual({ oldest: "A", forgets: ["G"] });
    const long = web("G -> A1..A7", ["A1", "A2", "A3", "A4", "A5", "A6", "A7"]);
    expect(verdict(long, 5)).toEqual({ oldest: "A2", forgets: ["A1", "G"] });
  });

  test("goes back to a checkpoint where there is none at hand", () => {
    expect(verdict(web("G -> A -> B -> C -> D", ["A", "C", "D"]), 2)).toEqual({ oldest: "A", forgets: ["G"] });
    expect(verdict(web("G -> A -> B -> C -> D", ["C", "D"]), 2)).toEqual({ oldest: "G", forgets: [] });
  });

  test("goes back past a checkpoint that is too young", () => {
    const c = web("G -> A -> B -> C -> D -> E", ["A", "C"]);
    expect(verdict(c, 2)).toEqual({ oldest: "C", forgets: ["A", "B", "G"] });
    expect(verdict(c, 2, ["C"])).toEqual({ oldest: "A", forgets: ["G"] });
    expect(verdict(c, 2, ["C", "A"])).toEqual({ oldest: "G", forgets: [] });
  });

  test("keeps everything of a long chain that is young", () => {
    const c = web("G -> A1..A20", ["A5", "A10", "A15"]);
    expect(verdict(c, 2, c.names)).toEqual({ oldest: "G", forgets: [] });
  });
});

describe("a web", () => {
  //  G - A - B - C - K - D - E - F - H - I
  //               \- F1 - F2       \- H2
  //               \- OLD
  const c = web(
    "G -> A -> B -> C -> K -> D -> E -> F -> H -> I / K -> L -> M / K -> OLD / H -> J",
    ["A", "B", "C", "D"],
    ["D < L", "D < OLD", "I < J"],
  );

  test("forgets a side fork that nobody needs, with what is before the chain", () => {
    expect(c.nameOf(stored(c).authority.head)).toBe("I");
    expect(verdict(c, 2)).toEqual({ oldest: "D", forgets: ["A", "B", "C", "G", "K", "L", "M", "OLD"] });
  });

  test("keeps a young side fork, what descends from it, and the way to it from the next checkpoint", () => {
    expect(verdict(c, 2, ["L"])).toEqual({ oldest: "C", forgets: ["A", "B", "G", "OLD"] });
  });

  test("keeps what descends from the kept part, however old", () => {
    expect(verdict(c, 2, ["L"]).forgets).not.toContain("J");
    expect(verdict(c, 2, ["L"]).forgets).not.toContain("M");
  });

  test("keeps the newest of a fork and so its whole branch", () => {
    expect(verdict(c, 2, ["M"])).toEqual({ oldest: "C", forgets: ["A", "B", "G", "OLD"] });
  });

  test("begins where the earliest fork that is kept needs it", () => {
    const multi = web(
      "G -> A -> B -> C -> D -> E -> F -> H / F -> X / D -> Y / B -> Z",
      ["A", "B", "D", "F"],
      ["H < X", "E < Y", "C < Z"],
    );
    expect(verdict(multi, 1, ["X", "Y", "Z"])).toEqual({ oldest: "B", forgets: ["A", "G"] });
    expect(verdict(multi, 1, ["X", "Y"])).toEqual({ oldest: "D", forgets: ["A", "B", "C", "G", "Z"] });
    expect(verdict(multi, 1, ["X"])).toEqual({ oldest: "F", forgets: ["A", "B", "C", "D", "E", "G", "Y", "Z"] });
  });

  test("goes back to an earlier checkpoint where the fork begins between two", () => {
    const between = web("G -> A -> B -> C -> D -> E -> F / C -> X", ["A", "B", "E"], ["D < X"]);
    expect(verdict(between, 1, ["X"])).toEqual({ oldest: "B", forgets: ["A", "G"] });
  });
});

describe("what cannot be compacted", () => {
  test("invalid_argument: options that keep nothing", () => {
    const { chonk, authority } = stored(web("G -> A", []));
    for (const options of [
      { minChain: 0, minAge: HOUR },
      { minChain: 1, minAge: 0 },
    ])
      expect(codeOf(() => prepareCompaction(chonk, authority, NOW, options))).toBe("invalid_argument");
  });

  test("compaction_impossible: a young fork that begins before everything else that is stored", () => {
    const c = chain("G -> A -> B -> C / H -> I", {
      roots: ["G", "H"],
      aums: { A: checkpoint(), H: checkpoint() },
      signers: { H: [], I: [] },
    });
    const chonk = new MemoryChonk();
    for (const name of c.names) chonk.load(c.stored(name), name === "I" ? NOW : 0);
    chonk.point(c.hash("C"), c.hash("G"));
    const authority: Authority = { head: c.hash("C"), state: c.stateAfter("C"), oldestAncestor: c.hash("G") };
    const options = { minChain: 1, minAge: HOUR };
    expect(codeOf(() => prepareCompaction(chonk, authority, NOW, options))).toBe("compaction_impossible");
    expect(chonk.hashes()).toHaveLength(6);
  });

  test("head_moved: a chain that has gone on meanwhile", () => {
    const c = web("G -> A -> B -> C -> D", ["A"]);
    const { chonk, authority } = stored(web("G -> A -> B -> C", ["A"]));
    const prepared = prepareCompaction(chonk, authority, NOW, { minChain: 1, minAge: HOUR });
    inform(chonk, authority, c.aums("D"), fastVerifier, NOW);
    expect(codeOf(() => chonk.compact(prepared))).toBe("head_moved");
    expect(chonk.hashes()).toHaveLength(5);
  });
});

describe("the defaults", () => {
  const c = web("G -> A1..A30 -> P -> B1..B40", ["P"]);

  test(`keep ${COMPACTION_MIN_CHAIN} AUMs behind the head, and on to a checkpoint`, () => {
    const { chonk, authority } = stored(c);
    const prepared = prepareCompaction(chonk, authority, NOW);
    expect([c.nameOf(prepared.oldestAncestor), prepared.purge.length]).toEqual(["P", 31]);
    const shorter = stored(web(`G -> A1..A30 -> P -> B1..B${COMPACTION_MIN_CHAIN - 1}`, ["P"]));
    expect(prepareCompaction(shorter.chonk, shorter.authority, NOW).purge).toEqual([]);
    const enough = stored(web(`G -> A1..A30 -> P -> B1..B${COMPACTION_MIN_CHAIN}`, ["P"]));
    expect(prepareCompaction(enough.chonk, enough.authority, NOW).purge).toHaveLength(31);
  });

  test("keep what was committed less than 14 days ago", () => {
    const { chonk, authority } = stored(c);
    const at = (now: number): number => prepareCompaction(chonk, authority, now).purge.length;
    expect([at(COMPACTION_MIN_AGE_MS - 1), at(COMPACTION_MIN_AGE_MS)]).toEqual([0, 31]);
    expect(COMPACTION_DEFAULTS.minAge).toBe(14 * 24 * HOUR);
  });
});

describe("afterwards", () => {
  const c = web("G -> A1..A30 -> P -> B1..B40 / B5 -> X", ["P"], ["B6 < X"]);

  test("the chain opens to the same head and state, and goes on", () => {
    const { chonk, authority } = stored(c);
    const compacted = compact(chonk, authority, NOW);
    expect(compacted).toEqual({ ...authority, oldestAncestor: c.hash("P") });
    expect(openAuthority(chonk)).toEqual(compacted);
    const more = chain("G -> A1..A30 -> P -> B1..B41", { aums: { P: checkpoint() } });
    expect(more.nameOf(inform(chonk, compacted, more.aums("B41"), fastVerifier, NOW).head)).toBe("B41");
  });

  test("compacting again forgets nothing more", () => {
    const { chonk, authority } = stored(c);
    const compacted = compact(chonk, authority, NOW);
    expect(prepareCompaction(chonk, compacted, NOW).purge).toEqual([]);
  });

  test("a peer that kept everything, and one a little behind, still sync with it; one far behind does not", () => {
    const { chonk, authority } = stored(c);
    const compacted = compact(chonk, authority, NOW);
    const full = stored(c);
    expect(missingAums(chonk, compacted, makeSyncOffer(full.chonk, full.authority))).toEqual([]);
    const missing = (last: string): number => {
      const behind = c.chonk(c.names.slice(0, c.names.indexOf(last) + 1));
      return missingAums(chonk, compacted, makeSyncOffer(behind, openAuthority(behind))).length;
    };
    expect([missing("B30"), missing("P")]).toEqual([10, 40]);
    expect(codeOf(() => missing("A30"))).toBe("no_intersection");
  });
});
