/** Stories of chains, acted by Go and by ours: forks, a compromised signer, a sleeper, clients of two versions, a lock that was renewed. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { cosignRevocation, encodeAum, makeRevocation, sealAum } from "../../src/tka/index.ts";
import { toBase64 } from "../support/answer-ports.ts";
import { Tailnet, actBoth, keyOf, okOf, type Step } from "./both-sides.ts";
import { signerAt } from "./fuzz/keys.ts";
import {
  Oracle,
  isOk,
  type AumsResult,
  type HeadResult,
  type OfferText,
  type SyncResult,
  type ValidResult,
} from "./oracle-client.ts";

const [alice, bob, carol, mallory, dave] = [signerAt(0), signerAt(1), signerAt(2), signerAt(3), signerAt(4)];
let oracle: Oracle;
let old: Oracle;

beforeAll(async () => {
  [oracle, old] = [await Oracle.start("v1.104"), await Oracle.start("v1.102")];
});

afterAll(() => {
  oracle.close();
  old.close();
});

const bootstrapped = (node: string, tailnet: Tailnet): Step => ({
  do: "bootstrap",
  node,
  aum: toBase64(encodeAum(tailnet.genesis)),
});
const informed = (node: string, aums: readonly string[]): Step => ({ do: "inform", node, aums });
const headOf = (node: string): Step => ({ do: "head", node });

const VOTERS = [
  { signer: alice, votes: 2 },
  { signer: bob, votes: 1 },
  { signer: carol, votes: 1 },
];

describe("two nodes meet after a fork", () => {
  //       / - B  (bob, 1 vote)
  //   G -      - A (alice, 2 votes): both go on from A.
  test("and go on from the branch with more votes", async () => {
    const [left, right] = [new Tailnet(VOTERS), new Tailnet(VOTERS)];
    const byAlice = left.update(alice, (builder) => builder.addKey(keyOf(dave.publicKey)));
    const byBob = right.update(bob, (builder) => builder.removeKey(carol.publicKey));
    const answers = await actBoth(oracle, [
      bootstrapped("left", left),
      informed("left", byAlice),
      bootstrapped("right", right),
      informed("right", byBob),
      { do: "sync", from: "left", to: "right" },
      { do: "sync", from: "right", to: "left" },
      headOf("left"),
      headOf("right"),
    ]);
    const heads = [okOf<HeadResult>(answers, -2), okOf<HeadResult>(answers, -1)];
    expect(heads.map(({ head }) => head)).toEqual([left.authority.head, left.authority.head]);
    expect(okOf<SyncResult>(answers, 4).aums).toEqual([left.authority.head]);
  });
});

describe("a compromised signer", () => {
  test("is undone by the majority, and what it signed is dropped by all", async () => {
    const voters = [...VOTERS, { signer: mallory, votes: 2 }];
    const tailnet = new Tailnet(voters);
    const theft = tailnet.update(mallory, (builder) =>
      builder.addKey(keyOf(dave.publicKey, 4)).removeKey(alice.publicKey),
    );
    const setUp = ["a", "b"].flatMap((node) => [bootstrapped(node, tailnet), informed(node, theft)]);
    const removeKeys = [toBase64(mallory.publicKey), toBase64(dave.publicKey)];
    const genesis = sealAum(tailnet.genesis).hash;
    const revoke: Step = { do: "revoke", node: "a", removeKeys, ourKey: toBase64(bob.publicKey), forkFrom: genesis };
    await actBoth(oracle, [...setUp, revoke]);

    const revoked = [mallory.publicKey, dave.publicKey];
    const unsigned = makeRevocation(tailnet.chonk, tailnet.authority, revoked, bob.publicKey, genesis);
    const recovery = [alice, bob, carol].reduce((aum, signer) => cosignRevocation(aum, signer), unsigned);
    const aums = [toBase64(encodeAum(recovery))];
    const answers = await actBoth(oracle, [
      ...setUp,
      informed("a", aums),
      headOf("a"),
      { do: "sync", from: "a", to: "b" },
      headOf("b"),
    ]);
    const wanted = sealAum(recovery).hash;
    expect([okOf<HeadResult>(answers, -3).head, okOf<HeadResult>(answers, -1).head]).toEqual([wanted, wanted]);
    expect(okOf<HeadResult>(answers, -1).keys.map((key) => key.public)).toEqual(
      [bob, carol].map(({ publicKey }) => toBase64(publicKey)),
    );
  });
});

describe("a sleeper", () => {
  test("of 500 AUMs catches up in one sync", async () => {
    const tailnet = new Tailnet(VOTERS);
    const before = tailnet.idle(alice, 20);
    const after = Array.from({ length: 10 }, (_, round) => [
      ...tailnet.idle(alice, 49),
      ...tailnet.update(alice, (builder) =>
        round % 2 === 0 ? builder.addKey(keyOf(dave.publicKey)) : builder.removeKey(dave.publicKey),
      ),
    ]).flat();
    expect(after.length).toBeGreaterThanOrEqual(500);
    const answers = await actBoth(oracle, [
      bootstrapped("control", tailnet),
      informed("control", [...before, ...after]),
      bootstrapped("sleeper", tailnet),
      informed("sleeper", before),
      { do: "sync", from: "control", to: "sleeper" },
      headOf("sleeper"),
    ]);
    expect(okOf<SyncResult>(answers, -2).aums).toHaveLength(after.length);
    expect(okOf<HeadResult>(answers, -1).head).toBe(tailnet.authority.head);
  });
});

describe("clients of v1.102 and v1.104 with our control", () => {
  test("end at the same head, whoever made the offer", async () => {
    const [trunk, branch] = [new Tailnet(VOTERS), new Tailnet(VOTERS)];
    const shared = trunk.idle(alice, 70);
    branch.idle(alice, 70);
    const ours = trunk.update(alice, (builder) => builder.addKey(keyOf(dave.publicKey)));
    const theirs = branch.update(bob, (builder) => builder.setKeyVotes(carol.publicKey, 3n));
    const client: Step[] = [bootstrapped("client", trunk), informed("client", [...shared, ...theirs])];
    const control: Step[] = [bootstrapped("control", trunk), informed("control", [...shared, ...ours])];
    for (const judge of [old, oracle]) {
      const [offer] = (await judge.play([...client, { do: "offer", node: "client" }])).slice(-1);
      const { head, ancestors } = okOf<OfferText>(offer === undefined ? [] : [offer], 0);
      const answers = await actBoth(oracle, [...control, { do: "missing", node: "control", head, ancestors }]);
      const sent = okOf<AumsResult>(answers, -1).aums;
      expect(sent.length).toBeGreaterThan(0);
      const [after] = (await judge.play([...client, informed("client", sent), headOf("client")])).slice(-1);
      expect(okOf<HeadResult>(after === undefined ? [] : [after], 0).head).toBe(trunk.authority.head);
    }
  });
});

describe("a lock that was turned off and renewed", () => {
  test("knows nothing of the old chain, and its secrets", async () => {
    const secret = toBase64(new Uint8Array(32).fill(3));
    const { value } = await oracle.ask<{ value: string }>("kdf", { secret });
    const state = {
      keys: [{ kind: 1, votes: 1, public: toBase64(alice.publicKey), meta: null }],
      disablementValues: [value],
      state1: "5",
      state2: "6",
    };
    const [first, renewed] = [new Tailnet(VOTERS), new Tailnet(VOTERS, 99n)];
    const oldUpdate = first.update(alice, (builder) => builder.addKey(keyOf(dave.publicKey)));
    const answers = await actBoth(oracle, [
      { do: "create", node: "a", state, priv: alice.text },
      { do: "disablement", node: "a", secret },
      { do: "wipe", node: "a" },
      bootstrapped("a", renewed),
      { do: "disablement", node: "a", secret },
      informed("a", oldUpdate),
      headOf("a"),
    ]);
    expect([okOf<ValidResult>(answers, 1).valid, okOf<ValidResult>(answers, 4).valid]).toEqual([true, false]);
    expect(answers.slice(5, 6).map((one) => isOk(one))).toEqual([false]);
    expect(okOf<HeadResult>(answers, -1).head).toBe(renewed.authority.head);
  });
});
