/** The state after an AUM [S3], and what cannot be applied. */

import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  EMPTY_STATE,
  KEY_25519,
  aumHash,
  findKey,
  makeAum,
  requireKey,
  type Aum,
  type State,
} from "../../src/tka/index.ts";
import { applyAum } from "../../src/tka/apply.ts";
import { idOf, namesOf, stateOf, trusted } from "../support/chains-keys.ts";
import { addKey, checkpoint, fields, noOp, removeKey, type Recipe } from "../support/chains-recipes.ts";
import { chain } from "../support/chains.ts";
import { codeOf } from "../support/expect-code.ts";

const after = (recipe: Recipe, keys = { alice: 1, bob: 2 }): State =>
  chain("G -> A", { keys, aums: { A: recipe } }).stateAfter("A");
const apply = (state: State, aum: Aum): State => applyAum(state, aum, aumHash(aum));

describe("[S3] applying", () => {
  test("AddKey appends the key", () => {
    expect(namesOf(after(addKey("carol", 3)))).toEqual(["alice", "bob", "carol"]);
    expect(findKey(after(addKey("carol", 3)), idOf("carol"))?.votes).toBe(3n);
  });

  test("RemoveKey takes the key out and keeps the order of the rest", () => {
    expect(namesOf(after(removeKey("alice"), { alice: 1, bob: 1, carol: 1 } as never))).toEqual(["bob", "carol"]);
  });

  test("UpdateKey sets the votes and keeps the metadata", () => {
    const labelled = stateOf({}, { keys: [trusted("alice"), trusted("bob", 1, { label: "b" })] });
    const updated = apply(labelled, makeAum(AUM_KIND.updateKey, { keyId: idOf("bob"), votes: 7n }));
    expect(findKey(updated, idOf("bob"))).toEqual(trusted("bob", 7, { label: "b" }));
    expect(findKey(updated, idOf("alice"))).toEqual(trusted("alice"));
  });

  test("UpdateKey replaces the metadata whole and keeps the votes", () => {
    const labelled = stateOf({}, { keys: [trusted("alice", 5, { a: "1", b: "2" })] });
    const meta = new Map([["b", "3"]]);
    const updated = apply(labelled, makeAum(AUM_KIND.updateKey, { keyId: idOf("alice"), meta }));
    expect(findKey(updated, idOf("alice"))).toEqual(trusted("alice", 5, { b: "3" }));
  });

  test("Checkpoint replaces keys and disablement values", () => {
    const values = [new Uint8Array(32).fill(9)];
    const state = after(checkpoint((old) => ({ ...old, keys: [trusted("carol")], disablementValues: values })));
    expect(namesOf(state)).toEqual(["carol"]);
    expect(state.disablementValues).toEqual(values);
  });

  test.each([
    ["NoOp", noOp],
    ["NoOp with a key to add", fields(AUM_KIND.noOp, { key: trusted("carol") })],
    ["kind 0", fields(AUM_KIND.invalid)],
    ["a kind of the future", fields(77, { keyId: idOf("alice"), votes: 9n })],
  ])("%s changes nothing but the last AUM", (_, recipe) => {
    const c = chain("G -> A", { aums: { A: recipe } });
    expect(c.stateAfter("A")).toEqual({ ...c.stateAfter("G"), lastAumHash: c.hash("A") });
  });

  test("changes no state that was there before", () => {
    const before = stateOf({ alice: 1, bob: 1 });
    apply(before, makeAum(AUM_KIND.removeKey, { keyId: idOf("bob") }));
    apply(before, makeAum(AUM_KIND.updateKey, { keyId: idOf("bob"), votes: 9n }));
    expect(before).toEqual(stateOf({ alice: 1, bob: 1 }));
  });

  test("a key that was removed may come back", () => {
    const c = chain("G -> A -> B", { keys: { alice: 1, bob: 1 }, aums: { A: removeKey("bob"), B: addKey("bob", 4) } });
    expect(findKey(c.stateAfter("B"), idOf("bob"))?.votes).toBe(4n);
  });
});

describe("what does not apply", () => {
  const c = chain("G -> A -> B", { keys: { alice: 1, bob: 2 } });
  const state = { ...c.stateAfter("G"), lastAumHash: null };

  test.each<[string, Aum]>([
    ["key_exists", makeAum(AUM_KIND.addKey, { key: trusted("bob", 4) })],
    ["unknown_key", makeAum(AUM_KIND.removeKey, { keyId: idOf("carol") })],
    ["unknown_key", makeAum(AUM_KIND.updateKey, { keyId: idOf("carol"), votes: 1n })],
    ["unknown_key_kind", makeAum(AUM_KIND.addKey, { key: { ...trusted("carol"), kind: 2 } })],
    ["invalid_key", makeAum(AUM_KIND.updateKey, { keyId: idOf("bob"), votes: 0n })],
    ["invalid_key", makeAum(AUM_KIND.updateKey, { keyId: idOf("bob"), votes: 4097n })],
    ["invalid_key", makeAum(AUM_KIND.updateKey, { keyId: idOf("bob"), meta: new Map([["", "x".repeat(513)]]) })],
    ["state_id_mismatch", makeAum(AUM_KIND.checkpoint, { state: { ...state, stateId1: 0n } })],
    ["state_id_mismatch", makeAum(AUM_KIND.checkpoint, { state: { ...state, stateId2: 0n } })],
    ["invalid_aum", makeAum(AUM_KIND.addKey)],
    ["invalid_aum", makeAum(AUM_KIND.checkpoint)],
  ])("an update that does not apply is refused with %s: %o", (code, aum) => {
    expect(codeOf(() => apply(state, aum))).toBe(code);
  });

  test("parent_mismatch: an AUM that follows another one", () => {
    expect(codeOf(() => apply(c.stateAfter("G"), c.aum("B")))).toBe("parent_mismatch");
    expect(codeOf(() => apply(c.stateAfter("B"), c.aum("B")))).toBe("parent_mismatch");
    expect(codeOf(() => apply(c.stateAfter("G"), c.aum("G")))).toBe("parent_mismatch");
  });

  test("parent_mismatch: a parent's hash that only begins like the last one", () => {
    const short = { ...c.aum("A"), prevAumHash: c.aum("A").prevAumHash?.slice(0, 31) ?? null };
    expect(codeOf(() => apply(c.stateAfter("G"), short))).toBe("parent_mismatch");
  });

  test("[S2] a checkpoint of another tailnet", () => {
    const foreign = chain("G -> A", { aums: { A: checkpoint((old) => ({ ...old, stateId2: 1n })) } });
    expect(codeOf(() => apply(foreign.stateAfter("G"), foreign.aum("A")))).toBe("state_id_mismatch");
  });
});

describe("finding a key", () => {
  test("[K3] goes by the public key itself", () => {
    const state = stateOf({ alice: 1, bob: 2 });
    expect(findKey(state, idOf("bob"))).toBe(state.keys?.[1]);
    expect(findKey(state, idOf("bob").slice(0, 31))).toBeNull();
    expect(findKey(EMPTY_STATE, idOf("bob"))).toBeNull();
    expect(codeOf(() => requireKey(state, idOf("carol")))).toBe("unknown_key");
  });

  test("[K2] finds a key of any length, nil and empty alike", () => {
    const odd = { kind: KEY_25519, votes: 1n, publicKey: null, meta: null };
    const state = stateOf({}, { keys: [odd] });
    expect(findKey(state, new Uint8Array(0))).toBe(odd);
    expect(findKey(state, null)).toBe(odd);
  });

  test("stops at a key of unknown kind", () => {
    const state = stateOf({}, { keys: [{ ...trusted("alice"), kind: 2 }, trusted("bob")] });
    expect(codeOf(() => findKey(state, idOf("bob")))).toBe("unknown_key_kind");
  });
});
