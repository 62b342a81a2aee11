/**
 * What every Chonk must keep, memory, files and the object's SQLite alike: rules [C1] to [C3], and what the reading half promises.
 *
 *   chonkContract("MemoryChonk", (use) => { const chonk = new MemoryChonk(); use(chonk, () => chonk); });
 */

import { describe, expect, test } from "vitest";
import {
  bootstrap,
  equalBytes,
  inform,
  openAuthority,
  prepare,
  prepareCompaction,
  resumeAuthority,
  type Authority,
  type AumHash,
  type Chonk,
  type Prepared,
  type VerifiedAum,
} from "../../src/tka/index.ts";
import { addKey, checkpoint } from "../support/chains-recipes.ts";
import { chain } from "../support/chains.ts";
import { codeOf, refusal } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";

/** Is given an empty Chonk, and a function that opens another one over the same storage, as after a restart. */
export type UseChonk = (chonk: Chonk, reopen: () => Chonk) => void;

/** Makes an empty Chonk, gives it to `use` where it may be used (for an object's, inside of it), and waits until that is done. */
export type MakeChonk = (use: UseChonk) => void | Promise<void>;

const DAY = 24 * 60 * 60 * 1000;
const NOW = 1_800_000_000_000;

//  G - A - B - C
//       \- X - Y
const c = chain("G -> A -> B -> C / A -> X -> Y", { aums: { A: addKey("bob") }, order: ["B < X"] });

function begin(chonk: Chonk): Authority {
  return bootstrap(chonk, c.aum("G"), fastVerifier, NOW);
}

function fill(chonk: Chonk): Authority {
  return inform(chonk, begin(chonk), c.aums("A", "B", "X", "C", "Y"), fastVerifier, NOW);
}

function names(aums: readonly VerifiedAum[]): string[] {
  return c.namesOf(aums.map(({ hash }) => hash));
}

/** All that can be read of a Chonk about the drawn chain, to compare before and after. */
function contents(chonk: Chonk): unknown {
  return {
    head: c.nameOf(chonk.head()),
    ancestor: c.nameOf(chonk.lastActiveAncestor()),
    hashes: c.namesOf(chonk.hashes()),
    heads: names(chonk.heads()),
    children: c.names.map((name) => names(chonk.children(c.hash(name)))),
    times: c.names.map((name) => chonk.commitTime(c.hash(name))),
  };
}

/** A storable change to the drawn chain that no verification has led to. */
function change(chonk: Chonk, head: string, aums: readonly string[], oldest = "G"): Prepared {
  const verified = aums.map((name) => c.stored(name));
  const state = c.stateAfter(head);
  return { headBefore: chonk.head(), head: c.hash(head), state, oldestAncestor: c.hash(oldest), verified };
}

function reading(with_: (name: string, use: UseChonk) => void): void {
  with_("is empty at first", (chonk) => {
    expect(contents(chonk)).toMatchObject({ head: "?", ancestor: "?", hashes: [], heads: [] });
    expect([chonk.head(), chonk.lastActiveAncestor()]).toEqual([null, null]);
    expect(codeOf(() => openAuthority(chonk))).toBe("no_chain");
  });

  with_("gives null, no children and no time for what it does not have", (chonk) => {
    begin(chonk);
    const absent = c.hash("A");
    expect([chonk.aum(absent), chonk.commitTime(absent), chonk.children(absent)]).toEqual([null, null, []]);
  });

  with_("gives AUMs as they were committed", (chonk) => {
    fill(chonk);
    for (const name of c.names) {
      const stored = chonk.aum(c.hash(name));
      expect(stored?.hash).toBe(c.hash(name));
      expect(stored?.parent).toBe(c.sealed(name).parent);
      expect(stored?.aum).toEqual(c.aum(name));
      expect(equalBytes(stored?.bytes ?? null, c.sealed(name).bytes)).toBe(true);
    }
  });

  with_("gives the children of every AUM, later ones too", (chonk) => {
    const authority = inform(chonk, begin(chonk), c.aums("A", "B"), fastVerifier, NOW);
    expect(names(chonk.children(c.hash("A")))).toEqual(["B"]);
    inform(chonk, authority, c.aums("X"), fastVerifier, NOW);
    expect(names(chonk.children(c.hash("A")))).toEqual(["B", "X"]);
    expect(chonk.children(c.hash("X"))).toEqual([]);
  });

  with_("gives the children of a parent that it does not have", (chonk) => {
    chonk.commit(change(chonk, "C", ["B", "X", "C"], "B"), NOW);
    expect(names(chonk.children(c.hash("A")))).toEqual(["B", "X"]);
  });

  with_("gives as heads what has no child stored", (chonk) => {
    const authority = inform(chonk, begin(chonk), c.aums("A", "B", "X"), fastVerifier, NOW);
    expect(names(chonk.heads())).toEqual(["B", "X"]);
    inform(chonk, authority, c.aums("C"), fastVerifier, NOW);
    expect(names(chonk.heads())).toEqual(["C", "X"]);
  });

  with_("lists every hash once", (chonk) => {
    fill(chonk);
    expect(c.namesOf(chonk.hashes())).toEqual([...c.names].sort());
  });

  with_("can be read back from a head to the genesis", (chonk) => {
    fill(chonk);
    const path: string[] = [];
    for (let at: AumHash | null = chonk.head(); at !== null; at = chonk.aum(at)?.parent ?? null)
      path.push(c.nameOf(at));
    expect(path).toEqual(["C", "B", "A", "G"]);
  });
}

function committing(with_: (name: string, use: UseChonk) => void): void {
  with_("[C1] stores AUMs, head and last active ancestor in one", (chonk) => {
    const authority = fill(chonk);
    expect([chonk.head(), chonk.lastActiveAncestor()]).toEqual([authority.head, authority.oldestAncestor]);
    expect(openAuthority(chonk)).toEqual(authority);
  });

  with_("[C1] stores nothing where it refuses", (chonk) => {
    const stale = prepare(chonk, begin(chonk), c.aums("A", "B"), fastVerifier);
    chonk.commit(change(chonk, "X", ["A", "X"]), NOW);
    const before = contents(chonk);
    expect(codeOf(() => chonk.commit(stale, NOW))).toBe("head_moved");
    expect(contents(chonk)).toEqual(before);
  });

  with_("[C2] refuses with the head that there is", (chonk) => {
    const authority = begin(chonk);
    const slow = prepare(chonk, authority, c.aums("A"), fastVerifier);
    inform(chonk, authority, c.aums("A", "B"), fastVerifier, NOW);
    const { code, data } = refusal(() => chonk.commit(slow, NOW));
    expect([code, data.subject]).toEqual(["head_moved", c.hash("B")]);
  });

  with_("[C2] refuses a bootstrap of a chain that has begun, and a change of one that has not", (chonk) => {
    const second = { ...change(chonk, "G", ["G"]), headBefore: null };
    const early = { ...change(chonk, "A", ["A"]), headBefore: c.hash("G") };
    expect(codeOf(() => chonk.commit(early, NOW))).toBe("head_moved");
    begin(chonk);
    expect(codeOf(() => chonk.commit(second, NOW))).toBe("head_moved");
  });

  with_("[C3] keeps the commit time of what is stored already", (chonk) => {
    begin(chonk);
    chonk.commit(change(chonk, "A", ["A"]), NOW + 1);
    chonk.commit(change(chonk, "B", ["G", "A", "B"]), NOW + 2);
    expect(["G", "A", "B"].map((name) => chonk.commitTime(c.hash(name)))).toEqual([NOW, NOW + 1, NOW + 2]);
    expect(names(chonk.children(c.hash("G")))).toEqual(["A"]);
  });

  with_("takes an AUM that stands twice in one change", (chonk) => {
    begin(chonk);
    chonk.commit(change(chonk, "A", ["A", "A"]), NOW);
    expect(names(chonk.children(c.hash("G")))).toEqual(["A"]);
    expect(chonk.hashes()).toHaveLength(2);
  });

  with_("takes a change without AUMs, which moves the head alone", (chonk) => {
    fill(chonk);
    chonk.commit(change(chonk, "Y", []), NOW);
    expect(c.nameOf(chonk.head())).toBe("Y");
  });

  with_("remembers everything when it is opened again", (chonk, reopen) => {
    const authority = fill(chonk);
    const again = reopen();
    expect(contents(again)).toEqual(contents(chonk));
    expect(openAuthority(again)).toEqual(authority);
    expect(resumeAuthority(again)).toEqual(authority);
    expect(again.aum(c.hash("A"))?.aum).toEqual(c.aum("A"));
  });
}

function forgetting(with_: (name: string, use: UseChonk) => void): void {
  const purge = (chonk: Chonk, purged: readonly string[], oldest: string): void => {
    const headBefore = chonk.head();
    if (headBefore === null) throw new Error("the Chonk is empty");
    chonk.compact({ headBefore, oldestAncestor: c.hash(oldest), purge: purged.map((name) => c.hash(name)) });
  };

  with_("forgets what compaction names, and keeps the rest", (chonk) => {
    fill(chonk);
    purge(chonk, ["G", "Y"], "A");
    expect(c.namesOf(chonk.hashes())).toEqual(["A", "B", "C", "X"]);
    expect([chonk.aum(c.hash("G")), chonk.commitTime(c.hash("Y"))]).toEqual([null, null]);
    expect([names(chonk.heads()), c.nameOf(chonk.lastActiveAncestor())]).toEqual([["C", "X"], "A"]);
    expect(c.nameOf(chonk.head())).toBe("C");
  });

  with_("gives the children of what was forgotten, less those forgotten too", (chonk) => {
    fill(chonk);
    purge(chonk, ["G", "A"], "B");
    expect(names(chonk.children(c.hash("A")))).toEqual(["B", "X"]);
    purge(chonk, ["X", "Y"], "B");
    expect(names(chonk.children(c.hash("A")))).toEqual(["B"]);
    expect(chonk.children(c.hash("X"))).toEqual([]);
  });

  with_("[C2] refuses a compaction that was prepared against another head", (chonk) => {
    fill(chonk);
    const before = contents(chonk);
    const stale = { headBefore: c.hash("B"), oldestAncestor: c.hash("A"), purge: [c.hash("G")] };
    expect(codeOf(() => chonk.compact(stale))).toBe("head_moved");
    expect(contents(chonk)).toEqual(before);
  });

  with_("takes back what was forgotten, with a new commit time", (chonk) => {
    fill(chonk);
    purge(chonk, ["Y"], "G");
    chonk.commit(change(chonk, "Y", ["Y"]), NOW + 5);
    expect(chonk.commitTime(c.hash("Y"))).toBe(NOW + 5);
    expect(names(chonk.children(c.hash("X")))).toEqual(["Y"]);
  });

  with_("opens at the right chain after a real compaction, and after a restart", (chonk, reopen) => {
    const long = chain("G -> A1..A10 -> P -> B1..B30", { aums: { P: checkpoint() } });
    const start = bootstrap(chonk, long.aum("G"), fastVerifier, NOW - 40 * DAY);
    const rest = long.names.slice(1);
    const authority = inform(chonk, start, long.aums(...rest), fastVerifier, NOW - 40 * DAY);
    const prepared = prepareCompaction(chonk, authority, NOW);
    chonk.compact(prepared);
    expect(long.nameOf(prepared.oldestAncestor)).toBe("P");
    for (const opened of [chonk, reopen()])
      expect(openAuthority(opened)).toEqual({ ...authority, oldestAncestor: long.hash("P") });
  });

  with_("forgets everything, and begins anew", (chonk, reopen) => {
    fill(chonk);
    chonk.removeAll();
    for (const emptied of [chonk, reopen()]) {
      expect(contents(emptied)).toMatchObject({ head: "?", ancestor: "?", hashes: [], heads: [] });
      expect(emptied.children(c.hash("G"))).toEqual([]);
    }
    expect(c.nameOf(fill(chonk).head)).toBe("C");
  });
}

/** Runs the contract over the Chonks that `make` makes, a fresh one for each test. */
export function chonkContract(name: string, make: MakeChonk): void {
  describe(`the Chonk contract: ${name}`, () => {
    const with_ = (what: string, use: UseChonk): void => {
      test(what, async () => {
        await make(use);
        expect.hasAssertions();
      });
    };
    reading(with_);
    committing(with_);
    forgetting(with_);
  });
}
