/** The Chonk in memory keeps the contract, and lays AUMs over another one without touching it. */

import { describe, expect, test } from "vitest";
import { MemoryChonk, reviveStoredAum } from "../../src/tka/index.ts";
import { overlay } from "../../src/tka/memory-chonk.ts";
import { chonkContract } from "../contract/chonk.ts";
import { chain } from "../support/chains.ts";
import { codeOf } from "../support/expect-code.ts";

chonkContract("MemoryChonk", (use) => {
  const chonk = new MemoryChonk();
  use(chonk, () => chonk);
});

describe("an overlay", () => {
  const c = chain("G -> A -> B / A -> X");

  test("is what storage would be after a commit", () => {
    const base = c.chonk(["G", "A"]);
    const over = overlay(base, [c.stored("B"), c.stored("X"), c.stored("B"), c.stored("A")]);
    const whole = c.chonk();
    expect(c.namesOf(over.heads().map(({ hash }) => hash))).toEqual(c.namesOf(whole.heads().map(({ hash }) => hash)));
    for (const name of c.names) {
      const children = over.children(c.hash(name)).map(({ hash }) => hash);
      expect(c.namesOf(children)).toEqual(c.namesOf(whole.children(c.hash(name)).map(({ hash }) => hash)));
      expect(over.aum(c.hash(name))?.hash).toBe(c.hash(name));
    }
    expect(over.lastActiveAncestor()).toBe(base.lastActiveAncestor());
  });

  test("changes nothing underneath", () => {
    const base = c.chonk(["G", "A"]);
    overlay(base, [c.stored("B")]);
    expect([base.aum(c.hash("B")), base.children(c.hash("A"))]).toEqual([null, []]);
  });
});

describe("a stored AUM", () => {
  const c = chain("G -> A");
  const { hash, bytes } = c.sealed("A");

  test("comes back as it was sealed", () => {
    expect(reviveStoredAum(hash, bytes)).toEqual(c.sealed("A"));
  });

  test.each([
    ["bytes that do not decode", Uint8Array.of(0xff)],
    ["the bytes of another", c.sealed("G").bytes],
    ["no bytes", new Uint8Array(0)],
  ])("corrupt_storage: %s", (_, other) => {
    expect(codeOf(() => reviveStoredAum(hash, other))).toBe("corrupt_storage");
  });
});
