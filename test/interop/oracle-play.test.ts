// The oracle's plays: every step at least once, on both of Tailscale's modules.

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Oracle, isOk, toBase64 as b64, unwrap } from "./oracle-client.ts";
import type * as wire from "./oracle-types.ts";
import { createStep, directNks, keyJson, lastOf, lockKey, makeGenesis } from "./oracle-fixtures.ts";
import { nodeKeyBytes, nodeKeyText, signNks } from "./oracle-fixtures.ts";

const [alice, bob, carol] = [lockKey(), lockKey(), lockKey()];

describe.each(["v1.104", "v1.102"] as const)("the oracle's plays of %s", (version) => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start(version);
  });
  afterAll(() => {
    oracle.close();
  });

  test("bootstraps, informs and says where a node is", async () => {
    const aum = await makeGenesis(oracle, [alice, bob]);
    const built = await lastOf<wire.AumsResult>(oracle, [
      { do: "bootstrap", node: "a", aum },
      {
        do: "build",
        node: "a",
        priv: alice.text,
        ops: [
          { op: "add", key: keyJson(carol, 3) },
          { op: "votes", keyId: b64(bob.public), votes: 2 },
          { op: "meta", keyId: b64(bob.public), meta: { name: "bob" } },
          { op: "remove", keyId: b64(alice.public) },
        ],
      },
    ]);
    expect(built.aums).toHaveLength(4);
    const head = await lastOf<wire.HeadResult>(oracle, [
      { do: "bootstrap", node: "a", aum },
      { do: "inform", node: "a", aums: built.aums },
      { do: "head", node: "a" },
    ]);
    expect(head).toMatchObject({ state1: "18446744073709551615", state2: "2" });
    expect(head.keys.map((key) => [key.votes, key.public])).toEqual([
      [2, b64(bob.public)],
      [3, b64(carol.public)],
    ]);
    expect(head.keys[0]?.meta).toEqual({ name: "bob" });
    expect(head.stored).toHaveLength(5);
    const failed = await oracle.play([
      { do: "bootstrap", node: "a", aum },
      { do: "inform", node: "a", aums: ["AA=="] },
      { do: "inform", node: "a", aums: [built.aums[1]] },
      { do: "head", node: "a" },
      { do: "head", node: "stranger" },
    ]);
    expect(failed.map(isOk)).toEqual([true, false, false, true, false]);
  });

  test("opens a forest, in memory and in a directory, and wipes it", async () => {
    const aum = await makeGenesis(oracle, [alice, bob]);
    const { hash } = await oracle.ask<wire.AumAnswer>("aum.decode", { bytes: aum });
    const { aums } = await lastOf<wire.AumsResult>(oracle, [
      { do: "bootstrap", node: "a", aum },
      { do: "build", node: "a", priv: alice.text, ops: [{ op: "add", key: keyJson(carol) }] },
    ]);
    for (const prepare of [[], [{ do: "dir", node: "b" }]]) {
      const results = await oracle.play([
        ...prepare,
        { do: "commit", node: "b", aums: [aum, ...aums] },
        { do: "setAncestor", node: "b", hash },
        { do: "open", node: "b" },
        { do: "head", node: "b" },
        { do: "wipe", node: "b" },
        { do: "stored", node: "b" },
        { do: "open", node: "b" },
      ]);
      const [head, , stored, reopened] = results.slice(-4);
      expect(unwrap(head as wire.Answer<wire.HeadResult>)).toMatchObject({ ancestor: hash });
      expect(unwrap(head as wire.Answer<wire.HeadResult>).keys).toHaveLength(3);
      expect(unwrap(stored as wire.Answer<wire.StoredResult>)).toEqual({ ancestor: null, stored: [] });
      expect(reopened).toHaveProperty("error");
    }
  });

  test("syncs two nodes, at once and in its three parts", async () => {
    const aum = await makeGenesis(oracle, [alice, bob]);
    const setup = [
      { do: "bootstrap", node: "a", aum },
      { do: "bootstrap", node: "b", aum },
    ];
    const add = { do: "build", node: "a", priv: alice.text, ops: [{ op: "add", key: keyJson(carol) }] };
    const { aums } = await lastOf<wire.AumsResult>(oracle, [...setup, add]);
    const ahead = [...setup, { do: "inform", node: "a", aums }];
    const synced = await lastOf<wire.SyncResult>(oracle, [...ahead, { do: "sync", from: "a", to: "b" }]);
    expect(synced.aums).toEqual([synced.head]);
    const offer = await lastOf<wire.OfferText>(oracle, [...setup, { do: "offer", node: "b" }]);
    const missing = await lastOf<wire.AumsResult>(oracle, [...ahead, { do: "missing", node: "a", ...offer }]);
    expect(missing.aums).toEqual(aums);
    const again = await lastOf<wire.SyncResult>(oracle, [
      ...ahead,
      { do: "sync", from: "a", to: "b" },
      { do: "sync", from: "a", to: "b" },
    ]);
    expect(again).toEqual({ aums: [], head: synced.head });
  });

  test("compacts by commit times, set by the clock or one by one", async () => {
    const aum = await makeGenesis(oracle, [alice, bob]);
    const chain: string[] = [];
    for (let i = 0; i < 60; i++) {
      const { aums } = await lastOf<wire.AumsResult>(oracle, [
        { do: "bootstrap", node: "a", aum },
        ...(chain.length > 0 ? [{ do: "inform", node: "a", aums: chain }] : []),
        {
          do: "build",
          node: "a",
          priv: alice.text,
          ops: [{ op: "votes", keyId: b64(bob.public), votes: 1 + (i % 9) }],
        },
      ]);
      chain.push(...aums);
    }
    const grown = [
      { do: "bootstrap", node: "a", aum },
      { do: "inform", node: "a", aums: chain },
    ];
    const compact = { do: "compact", node: "a", minChain: 2, minAgeSeconds: 3600, ages: {} };
    const young = await lastOf<wire.StoredResult>(oracle, [...grown, compact]);
    expect(young.stored).toHaveLength(chain.length + 1);
    const old = await lastOf<wire.StoredResult>(oracle, [{ do: "clock", ageSeconds: 7200 }, ...grown, compact]);
    expect(old.stored.length).toBeLessThan(chain.length);
    const ages = Object.fromEntries(young.stored.map((hash) => [hash, 7200]));
    const aged = await lastOf<wire.StoredResult>(oracle, [...grown, { ...compact, ages }]);
    expect(aged).toEqual(old);
    expect(await oracle.play([...grown, { ...compact, minChain: 0 }]).then((r) => r.at(-1))).toHaveProperty("error");
  });

  test("authorizes direct, rotated and credential signatures", async () => {
    const direct = await directNks(oracle, alice, nodeKeyBytes(1), carol);
    const rotated = await oracle.ask<wire.SigAnswer>("resign", {
      priv: carol.text,
      nodeKey: nodeKeyText(2),
      old: direct,
    });
    const credential = await signNks(oracle, alice, { 1: 3, 6: carol.public });
    const joined = await oracle.ask<wire.SigAnswer>("signByCredential", {
      priv: b64(carol.private),
      wrapped: credential,
      nodeKey: nodeKeyText(3),
    });
    const results = await oracle.play([
      createStep("a", [alice, bob]),
      { do: "authorized", node: "a", nodeKey: nodeKeyText(1), sig: direct },
      { do: "authorized", node: "a", nodeKey: nodeKeyText(2), sig: rotated.sig },
      { do: "authorized", node: "a", nodeKey: nodeKeyText(3), sig: joined.sig },
      { do: "authorized", node: "a", nodeKey: nodeKeyText(3), sig: direct },
      { do: "authorized", node: "a", nodeKey: nodeKeyText(3), sig: null },
      { do: "trusted", node: "a", keyId: b64(alice.public) },
      { do: "trusted", node: "a", keyId: b64(carol.public) },
    ]);
    expect(results.slice(1)).toEqual([
      { ok: { prevNodeKeys: [], initialKind: null, initialWrapping: null } },
      { ok: { prevNodeKeys: [nodeKeyText(1)], initialKind: 1, initialWrapping: b64(carol.public) } },
      { ok: { prevNodeKeys: [], initialKind: 3, initialWrapping: b64(carol.public) } },
      { error: expect.any(String) as unknown },
      { error: expect.any(String) as unknown },
      { ok: { trusted: true } },
      { ok: { trusted: false } },
    ]);
    const text = `tskey-auth-x--TL${credential.replace(/=+$/, "")}-${b64(carol.private).replace(/=+$/, "")}`;
    const wrapped = { authKey: "tskey-auth-x", isWrapped: true, sig: credential, priv: b64(carol.private) };
    expect(await oracle.ask("wrapped.decode", { text })).toEqual(wrapped);
    const plain = { authKey: "tskey-auth-x", isWrapped: false, sig: null, priv: null };
    expect(await oracle.ask("wrapped.decode", { text: "tskey-auth-x" })).toEqual(plain);
    const short = { priv: "AA==", wrapped: credential, nodeKey: nodeKeyText(3) };
    await expect(oracle.ask("signByCredential", short)).rejects.toMatchObject({ kind: "panic" });
  });

  test("shows the peers that Tailscale's client shows", async () => {
    const direct = await directNks(oracle, alice, nodeKeyBytes(1), carol);
    const rotate = async (to: number): Promise<string> =>
      (await oracle.ask<wire.SigAnswer>("resign", { priv: carol.text, nodeKey: nodeKeyText(to), old: direct })).sig;
    const other = await directNks(oracle, bob, nodeKeyBytes(9), bob);
    const peer = (id: number, key: number, sig: string | null): object => ({ id, nodeKey: nodeKeyText(key), sig });
    const [second, third] = [await rotate(2), await rotate(3)];
    const rotation = [peer(1, 1, direct), peer(2, 2, second), peer(3, 9, other), peer(4, 7, null), peer(5, 6, other)];
    const clones = [peer(2, 2, second), peer(3, 3, third), peer(1, 9, other)];
    const ask = (peers: object[], mode: string): object => ({ do: "peers", node: "a", peers, mode });
    const self = { nodeKey: nodeKeyText(9), sig: other };
    const results = await oracle.play([
      createStep("a", [alice, bob]),
      ask(rotation, "full"),
      ask(rotation, "delta"),
      ask(clones, "full"),
      ask(clones, "delta"),
      { ...ask([], "full"), self },
      { do: "build", node: "a", priv: alice.text, ops: [{ op: "remove", keyId: b64(bob.public) }] },
    ]);
    expect(results.slice(1, 6).map((result) => unwrap(result))).toEqual([
      { visible: [2, 3], filtered: [1, 4, 5], selfSigned: false },
      { visible: [1, 2, 3], filtered: [4, 5], selfSigned: false },
      { visible: [1], filtered: [2, 3], selfSigned: false },
      { visible: [1, 2, 3], filtered: [], selfSigned: false },
      { visible: [], filtered: [], selfSigned: true },
    ]);
    const { aums } = unwrap(results[6] as wire.Answer<wire.AumsResult>);
    const after = await lastOf<wire.PeersResult>(oracle, [
      { do: "bootstrap", node: "a", aum: unwrap(results[0] as wire.Answer<wire.GenesisResult>).genesis },
      ask(rotation, "full"),
      { do: "inform", node: "a", aums },
      ask(rotation, "full"),
    ]);
    expect(after).toMatchObject({ visible: [2], filtered: [1, 3, 4, 5] });
  });

  test("revokes retroactively", async () => {
    const steps = [createStep("a", [alice, bob, carol]), { do: "head", node: "a" }];
    const { head } = await lastOf<wire.HeadResult>(oracle, steps);
    const revoke = {
      do: "revoke",
      node: "a",
      removeKeys: [b64(carol.public)],
      ourKey: b64(alice.public),
      forkFrom: head,
    };
    const results = await oracle.play([
      steps[0] ?? {},
      revoke,
      { ...revoke, forkFrom: "x" },
      { ...revoke, forkFrom: "" },
    ]);
    expect(results.map(isOk)).toEqual([true, true, false, true]);
    const { genesis: aum } = unwrap(results[0] as wire.Answer<wire.GenesisResult>);
    const { hash } = await oracle.ask<wire.AumAnswer>("aum.decode", { bytes: aum });
    const made = await lastOf<wire.RevokeResult>(oracle, [
      { do: "bootstrap", node: "a", aum },
      { ...revoke, forkFrom: hash },
    ]);
    expect(await oracle.ask("aum.decode", { bytes: made.aum })).toMatchObject({ kind: 5, valid: true });
  });

  test("derives and checks a disablement secret", async () => {
    const { value } = await oracle.ask<wire.ValueAnswer>("kdf", { secret: b64(Buffer.from("s")) });
    const create = createStep("a", [alice]) as { state: object };
    const results = await oracle.play([
      { ...create, state: { ...create.state, disablementValues: [value] } },
      { do: "disablement", node: "a", secret: b64(Buffer.from("s")) },
      { do: "disablement", node: "a", secret: "" },
    ]);
    expect(results.slice(1)).toEqual([{ ok: { valid: true } }, { ok: { valid: false } }]);
  });

  test("makes and checks deep links", async () => {
    const params = {
      nodeKey: nodeKeyText(1),
      tlPub: `tlpub:${"0b".repeat(32)}`,
      deviceName: "d",
      osName: "linux",
      loginName: "a@b",
    };
    const [created, made] = await oracle.play([createStep("a", [alice]), { do: "deeplink.make", node: "a", params }]);
    const { url } = unwrap(made as wire.Answer<wire.DeeplinkResult>);
    const { genesis: aum } = unwrap(created as wire.Answer<wire.GenesisResult>);
    const checked = await lastOf<wire.DeeplinkCheck>(oracle, [
      { do: "bootstrap", node: "a", aum },
      { do: "deeplink.validate", node: "a", url },
    ]);
    const { loginName: emailAddress, ...shown } = params;
    expect(checked).toEqual({ ...shown, emailAddress, valid: true, error: "", version: 0 });
    const bad = [
      { do: "bootstrap", node: "a", aum },
      { do: "deeplink.validate", node: "a", url: `${url}0` },
    ];
    expect(await lastOf<wire.DeeplinkCheck>(oracle, bad)).toMatchObject({ valid: false });
  });
});
