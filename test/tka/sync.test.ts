/** Offers, intersections, and what is sent: as Go v1.104 answers, to offers of v1.102 too. */

import { describe, expect, test } from "vitest";
import {
  MAX_SYNC_HEAD,
  inform,
  makeSyncOffer,
  missingAums,
  openAuthority,
  parseSyncOffer,
  type AumHash,
  type Authority,
  type MemoryChonk,
  type SyncOffer,
} from "../../src/tka/index.ts";
import { intersection } from "../../src/tka/sync.ts";
import { addKey, checkpoint } from "../support/chains-recipes.ts";
import { chain, type DrawnChain } from "../support/chains.ts";
import { codeOf, refusal } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";

interface Peer {
  readonly chonk: MemoryChonk;
  readonly authority: Authority;
}

function peer(c: DrawnChain, names: readonly string[]): Peer {
  const chonk = c.chonk(names);
  return { chonk, authority: openAuthority(chonk) };
}

const offerOf = ({ chonk, authority }: Peer): SyncOffer => makeSyncOffer(chonk, authority);
const until = (c: DrawnChain, last: string): string[] => c.names.slice(0, c.names.indexOf(last) + 1);

function named(c: DrawnChain, offer: SyncOffer): { head: string; ancestors: string[] } {
  return { head: c.nameOf(offer.head), ancestors: offer.ancestors.map((hash) => c.nameOf(hash)) };
}

/** The names of what `us` would send to `them`. */
function sent(c: DrawnChain, us: Peer, them: Peer): string[] {
  return missingAums(us.chonk, us.authority, offerOf(them)).map(({ hash }) => c.nameOf(hash));
}

/** The name of the common AUM that `us` finds in the offer of `them`. */
function common(c: DrawnChain, us: Peer, offer: SyncOffer): string | null {
  const state = intersection(us.chonk, us.authority, offer);
  return state === null ? null : c.nameOf(state.lastAumHash);
}

describe("an offer", () => {
  test("of a short chain names head and genesis", () => {
    const c = chain("G -> A1..A4");
    expect(named(c, offerOf(peer(c, c.names)))).toEqual({ head: "A4", ancestors: ["G"] });
  });

  test("of a chain that has but begun names the genesis twice", () => {
    const c = chain("G");
    expect(named(c, offerOf(peer(c, c.names)))).toEqual({ head: "G", ancestors: ["G"] });
  });

  test("names every checkpoint, the newest first", () => {
    const points = Object.fromEntries([10, 20, 30, 40].map((i) => [`A${i}`, checkpoint()]));
    const c = chain("G -> A1..A45", { aums: points });
    expect(named(c, offerOf(peer(c, c.names))).ancestors).toEqual(["A40", "A30", "A20", "A10", "G"]);
  });

  test("names a head that is a checkpoint among its ancestors", () => {
    const c = chain("G -> A -> P", { aums: { P: checkpoint() } });
    expect(named(c, offerOf(peer(c, c.names)))).toEqual({ head: "P", ancestors: ["P", "G"] });
  });

  test("names the oldest AUM there is, where the past is forgotten", () => {
    const c = chain("G -> A -> P -> B -> Q -> D", { aums: { P: checkpoint(), Q: checkpoint() } });
    expect(named(c, offerOf(peer(c, ["P", "B", "Q", "D"]))).ancestors).toEqual(["Q", "P"]);
  });

  test(`of a long chain names the checkpoints of its last ${MAX_SYNC_HEAD} AUMs, and the oldest`, () => {
    const points = Array.from({ length: 36 }, (_, i) => 50 * i).filter((i) => i > 0);
    const c = chain("G -> A1..A1799", { aums: Object.fromEntries(points.map((i) => [`A${i}`, checkpoint()])) });
    const recent = points.filter((i) => i >= 1800 - MAX_SYNC_HEAD).reverse();
    expect(named(c, offerOf(peer(c, c.names))).ancestors).toEqual([...recent.map((i) => `A${i}`), "G"]);
    const shorter = offerOf(peer(c, until(c, "A1798")));
    expect(named(c, shorter).ancestors.slice(-2)).toEqual(["A800", "G"]);
    const beyond = offerOf(peer(c, until(c, "A1749")));
    expect(named(c, beyond).ancestors.slice(-2)).toEqual(["A750", "G"]);
  });

  test("is parsed from texts, spare bits and all", () => {
    const { head, ancestors } = offerOf(peer(chain("G -> A"), ["G", "A"]));
    expect(parseSyncOffer(head, ancestors)).toEqual({ head, ancestors });
    const last = head.at(-1) ?? "";
    const spare = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"["ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(last) + 1] ?? "";
    expect(parseSyncOffer(head.slice(0, -1) + spare, []).head).toBe(head);
  });

  test("says which text is bad", () => {
    const { head } = offerOf(peer(chain("G"), ["G"]));
    expect(codeOf(() => parseSyncOffer("", []))).toBe("malformed_text");
    expect(codeOf(() => parseSyncOffer(`${head}A`, []))).toBe("malformed_text");
    expect(refusal(() => parseSyncOffer(head, [head, head.toLowerCase()]))).toMatchObject({
      code: "malformed_text",
      data: { index: 1 },
    });
  });
});

describe("one chain, of which the other has a part", () => {
  const c = chain("G -> A -> B -> D");
  const behind = peer(c, ["G", "A"]);
  const ahead = peer(c, c.names);

  test("ahead: their head is ours to build on", () => {
    expect(common(c, ahead, offerOf(behind))).toBe("A");
    expect(sent(c, ahead, behind)).toEqual(["B", "D"]);
  });

  test("behind: their head is unknown, their oldest AUM is not", () => {
    expect(common(c, behind, offerOf(ahead))).toBe("G");
    expect(sent(c, behind, ahead)).toEqual(["A"]);
  });

  test("equal: there is nothing to say", () => {
    expect(common(c, ahead, offerOf(ahead))).toBeNull();
    expect(sent(c, ahead, ahead)).toEqual([]);
  });
});

describe("a fork", () => {
  const c = chain("G -> A1..A9 -> B1 -> B2 / A9 -> X", { order: ["B1 < X"] });
  const loser = peer(c, [...until(c, "A9"), "X"]);
  const winner = peer(c, until(c, "B2"));

  test("is met from both sides at the last checkpoint in common", () => {
    expect(common(c, loser, offerOf(winner))).toBe("G");
    expect(common(c, winner, offerOf(loser))).toBe("G");
    expect(sent(c, winner, loser)).toEqual(until(c, "B2").slice(1));
    expect(sent(c, loser, winner)).toEqual([...until(c, "A9").slice(1), "X"]);
  });

  test("is met later where there is a later checkpoint in common", () => {
    const d = chain("G -> A1..A9 -> B1 -> B2 / A9 -> X", { aums: { A5: checkpoint() }, order: ["B1 < X"] });
    expect(common(d, peer(d, until(d, "B2")), offerOf(peer(d, [...until(d, "A9"), "X"])))).toBe("A5");
  });

  test("whose losing side we know: their head is no ancestor of our head, and we go by the checkpoint", () => {
    const both = peer(c, c.names);
    expect(c.nameOf(both.authority.head)).toBe("B2");
    expect(sent(c, both, loser)).toEqual(until(c, "B2").slice(1));
  });

  test("sends the active chain alone, not the branches that lost", () => {
    const both = peer(c, c.names);
    expect(sent(c, both, peer(c, ["G"]))).not.toContain("X");
  });
});

describe("an offer of v1.102", () => {
  const c = chain("G -> A1..A40 / A30 -> X1..X3", { order: ["A31 < X1"] });

  test("names ancestors at growing distances, and the first that we have counts", () => {
    const us = peer(c, until(c, "A40"));
    const ancestors = ["X2", "A27", "A19", "G"].map((name) => c.hash(name));
    expect(common(c, us, { head: c.hash("X3"), ancestors })).toBe("A27");
    expect(missingAums(us.chonk, us.authority, { head: c.hash("X3"), ancestors })[0]?.hash).toBe(c.hash("A28"));
  });

  test("may name AUMs that we have on a branch that lost: they are passed over", () => {
    const us = peer(c, c.names);
    const ancestors = ["X2", "X1", "A10"].map((name) => c.hash(name));
    const head = chain("H", { state: { stateId1: 5n } }).hash("H");
    expect(common(c, us, { head, ancestors })).toBe("A10");
  });
});

describe("no intersection", () => {
  const c = chain("G -> A -> P -> B", { aums: { P: checkpoint() } });
  const other = chain("H -> I", { state: { stateId1: 5n } });

  test("with another tailnet's chain", () => {
    const us = peer(c, c.names);
    expect(codeOf(() => missingAums(us.chonk, us.authority, offerOf(peer(other, other.names))))).toBe(
      "no_intersection",
    );
  });

  test("with a peer that stopped before what we have forgotten", () => {
    const compacted = peer(c, ["P", "B"]);
    expect(codeOf(() => sent(c, compacted, peer(c, ["G", "A"])))).toBe("no_intersection");
    expect(sent(c, peer(c, ["G", "A"]), peer(c, ["G"]))).toEqual(["A"]);
  });

  test("with an offer that names nothing", () => {
    const us = peer(c, c.names);
    const head = other.hash("I");
    expect(codeOf(() => missingAums(us.chonk, us.authority, { head, ancestors: [] }))).toBe("no_intersection");
    const alien = [other.hash("H")];
    expect(codeOf(() => missingAums(us.chonk, us.authority, { head, ancestors: alien }))).toBe("no_intersection");
  });
});

describe("both ways in one round", () => {
  function afterSync(one: Peer, two: Peer): AumHash[] {
    const updates = (us: Peer, them: Peer): Authority => {
      const aums = missingAums(them.chonk, them.authority, offerOf(us)).map(({ aum }) => aum);
      return aums.length === 0 ? us.authority : inform(us.chonk, us.authority, aums, fastVerifier, 0);
    };
    const first = updates(one, two);
    return [first.head, updates(two, { ...one, authority: first }).head];
  }

  test("two nodes with different ends of a fork agree", () => {
    for (const order of ["B < X", "X < B"]) {
      const c = chain("G -> A -> B -> D / A -> X -> Y", { aums: { A: addKey("bob") }, order: [order] });
      const heads = afterSync(peer(c, ["G", "A", "B", "D"]), peer(c, ["G", "A", "X", "Y"]));
      expect(heads.map((head) => c.nameOf(head))).toEqual(order === "B < X" ? ["D", "D"] : ["Y", "Y"]);
    }
  });

  test("a node far behind catches up over many checkpoints", () => {
    const points = Object.fromEntries([50, 100, 150, 200, 250].map((i) => [`A${i}`, checkpoint()]));
    const c = chain("G -> A1..A280", { aums: points });
    const heads = afterSync(peer(c, until(c, "A3")), peer(c, c.names));
    expect(heads.map((head) => c.nameOf(head))).toEqual(["A280", "A280"]);
  });

  test("a node far behind, on a fork of its own", () => {
    const points = Object.fromEntries([50, 100, 150].map((i) => [`A${i}`, checkpoint()]));
    const c = chain("G -> A1..A180 / A40 -> X1..X5", { aums: points, order: ["A41 < X1"] });
    const sleeper = peer(c, [...until(c, "A40"), "X1", "X2", "X3", "X4", "X5"]);
    const heads = afterSync(sleeper, peer(c, until(c, "A180")));
    expect(heads.map((head) => c.nameOf(head))).toEqual(["A180", "A180"]);
  });
});
