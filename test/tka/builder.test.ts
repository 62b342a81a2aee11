/** Building updates: [U1] what is built is valid and survives its encoding, [U2] checkpoints come of themselves. */

import { describe, expect, test } from "vitest";
import {
  AUM_KIND,
  CHECKPOINT_EVERY,
  KEY_25519,
  MAX_KEYS,
  MAX_VOTES,
  UpdateBuilder,
  aumHash,
  bootstrap,
  decodeAum,
  encodeAum,
  findKey,
  inform,
  makeGenesis,
  MemoryChonk,
  validateAum,
  type Aum,
  type Authority,
  type Key,
  type State,
} from "../../src/tka/index.ts";
import { idOf, lockKey, namesOf, stateOf, trusted } from "../support/chains-keys.ts";
import { checkpoint } from "../support/chains-recipes.ts";
import { chain } from "../support/chains.ts";
import { codeOf } from "../support/expect-code.ts";
import { fastVerifier } from "../support/host-crypto.ts";

interface Node {
  readonly chonk: MemoryChonk;
  authority: Authority;
}

function node(state: State = stateOf({ alice: 1, bob: 2 })): Node {
  const chonk = new MemoryChonk();
  return { chonk, authority: bootstrap(chonk, makeGenesis(state, lockKey("alice")), fastVerifier, 0) };
}

function build({ chonk, authority }: Node, edit: (builder: UpdateBuilder) => unknown): readonly Aum[] {
  const builder = new UpdateBuilder(authority, lockKey("alice"));
  edit(builder);
  return builder.finalize(chonk);
}

/** Builds, informs the node itself, and gives what was built. */
function change(on: Node, edit: (builder: UpdateBuilder) => unknown): readonly Aum[] {
  const updates = build(on, edit);
  on.authority = inform(on.chonk, on.authority, updates, fastVerifier, 0);
  return updates;
}

describe("[U1] what is built", () => {
  test("adds a key", () => {
    const on = node();
    expect(change(on, (builder) => builder.addKey(trusted("carol", 3, { a: "b" })))).toHaveLength(1);
    expect(findKey(on.authority.state, idOf("carol"))).toEqual(trusted("carol", 3, { a: "b" }));
  });

  test("removes a key, its own too", () => {
    const on = node();
    change(on, (builder) => builder.removeKey(idOf("bob")).addKey(trusted("carol")));
    change(on, (builder) => builder.removeKey(idOf("alice")));
    expect(namesOf(on.authority.state)).toEqual(["carol"]);
  });

  test("sets votes", () => {
    const on = node();
    change(on, (builder) => builder.setKeyVotes(idOf("bob"), MAX_VOTES));
    expect(findKey(on.authority.state, idOf("bob"))?.votes).toBe(MAX_VOTES);
  });

  test("sets metadata", () => {
    const on = node();
    change(on, (builder) => builder.setKeyMeta(idOf("bob"), new Map([["b", "c"]])));
    expect(findKey(on.authority.state, idOf("bob"))).toEqual(trusted("bob", 2, { b: "c" }));
  });

  test("chains several updates, each on the one before", () => {
    const on = node();
    const updates = change(on, (builder) =>
      builder
        .addKey(trusted("carol"))
        .setKeyVotes(idOf("carol"), 5n)
        .setKeyMeta(idOf("carol"), new Map([["x", "y"]]))
        .removeKey(idOf("bob")),
    );
    expect(updates.map(({ kind }) => kind)).toEqual([1, 4, 4, 2]);
    expect(on.authority.state.keys).toEqual([trusted("alice"), trusted("carol", 5, { x: "y" })]);
    expect(on.authority.head).toBe(aumHash(updates.at(-1) as Aum));
  });

  test("is valid, and hashes to the same after a round trip", () => {
    const on = node();
    const updates = build(on, (builder) =>
      builder
        .addKey(trusted("carol", 1, {}))
        .setKeyMeta(idOf("alice"), new Map([["", ""]]))
        .setKeyVotes(idOf("alice"), 1n),
    );
    for (const update of updates) {
      validateAum(decodeAum(encodeAum(update)));
      expect(aumHash(decodeAum(encodeAum(update)))).toBe(aumHash(update));
    }
  });

  test("is nothing where nothing was asked for", () => {
    expect(build(node(), () => undefined)).toEqual([]);
  });

  test("is the same each time it is built", () => {
    const on = node();
    const add = (builder: UpdateBuilder): UpdateBuilder => builder.addKey(trusted("carol"));
    expect(build(on, add)).toEqual(build(on, add));
  });
});

describe("what cannot be built", () => {
  const big = new Map([["", "x".repeat(513)]]);

  test.each<[string, string, (builder: UpdateBuilder) => unknown]>([
    ["key_exists", "a key that is there", (builder) => builder.addKey(trusted("bob"))],
    ["key_exists", "a key twice", (builder) => builder.addKey(trusted("carol")).addKey(trusted("carol"))],
    ["invalid_key", "a key without votes", (builder) => builder.addKey(trusted("carol", 0))],
    ["invalid_key", "a key with too many votes", (builder) => builder.addKey(trusted("carol", 4097))],
    ["invalid_key", "a key with too much metadata", (builder) => builder.addKey({ ...trusted("carol"), meta: big })],
    ["unknown_key_kind", "a key of another kind", (builder) => builder.addKey({ ...trusted("carol"), kind: 2 })],
    ["unknown_key", "removing a stranger", (builder) => builder.removeKey(idOf("carol"))],
    ["unknown_key", "removing a key twice", (builder) => builder.removeKey(idOf("bob")).removeKey(idOf("bob"))],
    ["unknown_key", "a stranger's votes", (builder) => builder.setKeyVotes(idOf("carol"), 1n)],
    ["unknown_key", "a stranger's metadata", (builder) => builder.setKeyMeta(idOf("carol"), new Map([["a", "b"]]))],
    ["invalid_key", "no votes", (builder) => builder.setKeyVotes(idOf("bob"), 0n)],
    ["invalid_key", "too many votes", (builder) => builder.setKeyVotes(idOf("bob"), MAX_VOTES + 1n)],
    ["invalid_key", "too much metadata", (builder) => builder.setKeyMeta(idOf("bob"), big)],
    ["empty_metadata", "no metadata", (builder) => builder.setKeyMeta(idOf("bob"), new Map())],
  ])("a change that cannot be made is refused with %s: %s", (code, _, edit) => {
    expect(codeOf(() => build(node(), edit))).toBe(code);
  });

  test(`key_limit: more than ${MAX_KEYS} keys`, () => {
    const others: Key[] = Array.from({ length: MAX_KEYS - 2 }, (_, i) => ({
      kind: KEY_25519,
      votes: 1n,
      publicKey: Uint8Array.of(i >> 8, i & 0xff),
      meta: null,
    }));
    const on = node(stateOf({}, { keys: [trusted("alice"), ...others] }));
    change(on, (builder) => builder.addKey(trusted("bob")));
    expect(on.authority.state.keys).toHaveLength(MAX_KEYS);
    expect(codeOf(() => build(on, (builder) => builder.addKey(trusted("carol"))))).toBe("key_limit");
    change(on, (builder) => builder.removeKey(idOf("bob")).addKey(trusted("carol")));
    expect(on.authority.state.keys).toHaveLength(MAX_KEYS);
  });

  test("what was built before a refusal stands", () => {
    const on = node();
    const builder = new UpdateBuilder(on.authority, lockKey("alice")).addKey(trusted("carol"));
    expect(codeOf(() => builder.removeKey(idOf("dave")))).toBe("unknown_key");
    expect(builder.finalize(on.chonk)).toHaveLength(1);
  });

  test("a key that is not trusted builds what nobody takes", () => {
    const on = node();
    const updates = new UpdateBuilder(on.authority, lockKey("mallory")).addKey(trusted("carol")).finalize(on.chonk);
    expect(codeOf(() => inform(on.chonk, on.authority, updates, fastVerifier, 0))).toBe("unknown_key");
  });
});

describe("[U2] a checkpoint", () => {
  const votes = (i: number) => (builder: UpdateBuilder) => builder.setKeyVotes(idOf("bob"), BigInt(1 + (i % 2)));

  test(`is added to the update ${CHECKPOINT_EVERY} AUMs after the last one, and not before`, () => {
    const on = node();
    const kinds: number[] = [];
    for (let i = 0; i < 2 * CHECKPOINT_EVERY + 2; i++) kinds.push(...change(on, votes(i)).map(({ kind }) => kind));
    const at = kinds.flatMap((kind, i) => (kind === AUM_KIND.checkpoint ? [i] : []));
    expect(at).toEqual([CHECKPOINT_EVERY, 2 * CHECKPOINT_EVERY + 1]);
  });

  test("holds the state with the update before it", () => {
    const on = node();
    for (let i = 0; i < CHECKPOINT_EVERY - 1; i++) change(on, votes(i));
    const updates = change(on, (builder) => builder.addKey(trusted("carol")));
    expect(updates.map(({ kind }) => kind)).toEqual([AUM_KIND.addKey, AUM_KIND.checkpoint]);
    expect(updates[1]?.state).toEqual({ ...on.authority.state, lastAumHash: null });
    expect(namesOf(on.authority.state)).toContain("carol");
  });

  test("comes alone where nothing was asked for and one is due", () => {
    const c = chain(`G -> N1..N${CHECKPOINT_EVERY}`);
    const chonk = c.chonk();
    const authority = { head: c.hash("N50"), state: c.stateAfter("N50"), oldestAncestor: c.hash("G") };
    const kinds = new UpdateBuilder(authority, lockKey("alice")).finalize(chonk).map(({ kind }) => kind);
    expect(kinds).toEqual([AUM_KIND.checkpoint]);
    const before = { ...authority, head: c.hash("N49"), state: c.stateAfter("N49") };
    expect(new UpdateBuilder(before, lockKey("alice")).finalize(chonk)).toEqual([]);
  });

  test("counts from the last checkpoint, whoever made it", () => {
    const c = chain("G -> A1..A40 -> P -> B1..B20", { aums: { P: checkpoint() } });
    const authority = { head: c.hash("B20"), state: c.stateAfter("B20"), oldestAncestor: c.hash("G") };
    expect(new UpdateBuilder(authority, lockKey("alice")).finalize(c.chonk())).toEqual([]);
  });

  test("is due within one long change as well", () => {
    const updates = build(node(), (builder) => {
      for (let i = 0; i < CHECKPOINT_EVERY; i++) votes(i)(builder);
    });
    expect(updates).toHaveLength(CHECKPOINT_EVERY + 1);
    expect(updates.at(-1)?.kind).toBe(AUM_KIND.checkpoint);
  });
});
