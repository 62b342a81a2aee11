/** The drawings that other tests rest on, themselves tested. */

import { describe, expect, test } from "vitest";
import { AUM_KIND, bootstrap, compareHashes, inform, type Aum } from "../../src/tka/index.ts";
import { parseDrawing } from "../support/chains-draw.ts";
import { namesOf } from "../support/chains-keys.ts";
import { addKey, removeKey } from "../support/chains-recipes.ts";
import { chain, type Tweaks } from "../support/chains.ts";
import { fastVerifier } from "../support/host-crypto.ts";
import { MemoryChonk } from "../../src/tka/index.ts";

describe("a drawing", () => {
  test("names AUMs and their parents", () => {
    expect(parseDrawing("G -> A -> B / A -> C", null)).toEqual([
      { name: "G", parent: null },
      { name: "A", parent: "G" },
      { name: "B", parent: "A" },
      { name: "C", parent: "A" },
    ]);
  });

  test("draws a range as a line", () => {
    expect(parseDrawing("G -> N1..N3 -> X", null).map(({ parent }) => parent)).toEqual([null, "G", "N1", "N2", "N3"]);
  });

  test("takes several roots where they are declared", () => {
    expect(parseDrawing("G -> A / H -> B", ["G", "H"]).filter(({ parent }) => parent === null)).toHaveLength(2);
  });

  test.each([
    ["G -> A / H -> B", "an undeclared root"],
    ["G -> A -> A", "a name twice"],
    ["G -> N3..N1", "a range backwards"],
    ["G -> N1..M3", "a range of two names"],
    ["G -> -> A", "an empty name"],
    ["", "nothing"],
  ])("refuses %j: %s", (drawing) => {
    expect(() => parseDrawing(drawing, null)).toThrow("drawing:");
  });
});

describe("a drawn chain", () => {
  test("is signed and verifies", () => {
    const c = chain("G -> A -> B / A -> C", { keys: { alice: 2, bob: 1 }, signers: { C: ["bob", "alice"] } });
    const chonk = new MemoryChonk();
    const start = bootstrap(chonk, c.aum("G"), fastVerifier, 0);
    expect(c.nameOf(inform(chonk, start, c.aums("A", "B", "C"), fastVerifier, 0).head)).toBe("C");
  });

  test("does what its recipes say", () => {
    const c = chain("G -> A -> B", { aums: { A: addKey("bob", 3), B: removeKey("alice") } });
    expect(namesOf(c.stateAfter("A"))).toEqual(["alice", "bob"]);
    expect(namesOf(c.stateAfter("B"))).toEqual(["bob"]);
    expect(c.aum("G").kind).toBe(AUM_KIND.checkpoint);
  });

  test("is the same in every run", () => {
    expect(chain("G -> A").hash("A")).toBe(chain("G -> A").hash("A"));
  });

  test.each([["A < B"], ["B < A"]])("finds seeds for %s", (order) => {
    const c = chain("G -> A / G -> B", { order: [order] });
    const [smaller = "", greater = ""] = order.split(" < ");
    expect(compareHashes(c.hash(smaller), c.hash(greater))).toBeLessThan(0);
  });

  test("tampers after signing", () => {
    const c = chain("G -> A", { tamper: { A: (aum: Aum): Aum => ({ ...aum, votes: 3n }) } });
    expect(c.aum("A").votes).toBe(3n);
  });

  test.each([
    [{ signer: {} }, "there is no tweak"],
    [{ aums: { X: addKey("bob") } }, "not drawn"],
    [{ order: ["A < X"] }, "not drawn"],
    [{ order: ["A"] }, "is no order"],
    [{ order: ["A < B", "B < A"] }, "no seed"],
  ])("refuses the tweak %j", (tweaks, why) => {
    expect(() => chain("G -> A / G -> B", tweaks as Tweaks)).toThrow(why);
  });

  test("refuses to vary what has no room for a seed", () => {
    const aums = { A: removeKey("alice"), B: removeKey("bob") };
    const tweaks = (order: string): Tweaks => ({ keys: { alice: 1, bob: 1 }, aums, order: [order] });
    const attempts = ["A < B", "B < A"].map((order) => {
      try {
        return chain("G -> A / G -> B", tweaks(order)).names.length;
      } catch (error) {
        return String(error);
      }
    });
    expect(attempts.filter((attempt) => attempt === 3)).toHaveLength(1);
  });
});
