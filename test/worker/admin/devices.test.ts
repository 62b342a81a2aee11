/** The admin API for devices, keys, settings and the lock: Tailscale's names, one event an act. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { formatLockKey, encodeHex, signDirect } from "../../../src/tka/index.ts";
import { app } from "../../../src/worker/app.ts";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, join, makeAuthKey, makeTailnet, sql } from "../../support/workerd/control.ts";
import { crowd } from "../../support/workerd/crowd.ts";
import { lockedScene, sign, unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import { newPerson } from "../../support/workerd/people.ts";
import { refused } from "../../support/workerd/refused.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { suspend } from "../../support/workerd/signing-in.ts";
import { TestNode, type Answer, type Fields } from "../../support/workerd/test-node.ts";

interface Device extends Fields {
  readonly nodeId: string;
  readonly nodeKey: string;
}

const containing = (part: string): unknown => expect.stringContaining(part);
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

async function devicesOf(tailnet: string): Promise<Device[]> {
  return (await admin("GET", `/api/v2/tailnet/${tailnet}/devices`)).json["devices"] as Device[];
}

async function deviceOf(tailnet: string, node: TestNode): Promise<Device> {
  const device = (await devicesOf(tailnet)).find(({ nodeKey }) => nodeKey === node.nodeKey);
  if (device === undefined) throw new Error("no such device");
  return device;
}

/** Acts on a node's device by the API. */
async function act({ tailnet }: Scene, node: TestNode, what: string, body: object | null = {}): Promise<Answer> {
  const { nodeId } = await deviceOf(tailnet, node);
  return admin("POST", `/api/v2/device/${nodeId}${what}`, body);
}

/** Kinds of the events since `before`, and how many there are now. */
async function eventsOf(tailnet: string): Promise<{ kind: string; actor: string; origin: string }[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
    storage.sql
      .exec<{ kind: string; actor: string; origin: string }>("SELECT kind, actor, origin FROM events ORDER BY seq")
      .toArray(),
  );
}

async function newEvents(tailnet: string, act: () => Promise<unknown>): Promise<string[]> {
  const before = (await eventsOf(tailnet)).length;
  await act();
  const events = (await eventsOf(tailnet)).slice(before);
  expect(events.every(({ actor, origin }) => actor.includes('"operator"') && origin === "CONFIG_API")).toBe(true);
  return events.map(({ kind }) => kind);
}

describe("a device", () => {
  test("is shown with Tailscale's fields, and with why it is locked out", async () => {
    const scene = await lockedScene();
    const { tailnet, alice } = scene;
    const dave = new TestNode("dave");
    await join(tailnet, dave);
    const device = await deviceOf(tailnet, dave);
    expect(device).toMatchObject({
      nodeId: matching(new RegExp(`^n[0-9A-Za-z]{10}${tailnet}$`)),
      hostname: "dave",
      name: matching(/^dave\./),
      os: "linux",
      authorized: true,
      keyExpiryDisabled: false,
      isEphemeral: false,
      tags: [],
      machineKey: dave.machineKey,
      tailnetLockKey: formatLockKey(dave.lockKey.publicKey),
      tailnetLockError: containing("locked out"),
      tailnetLockSignCommand: `tailscale lock sign ${dave.nodeKey} ${formatLockKey(dave.lockKey.publicKey)}`,
    });
    expect(device["addresses"]).toEqual([matching(/^100\./), matching(/^fd7a:/)]);
    expect((await admin("GET", `/api/v2/device/${device.nodeId}`)).json).toEqual(device);
    await sign(alice, dave);
    expect((await deviceOf(tailnet, dave))["tailnetLockError"]).toBe("");
  });

  test("that was signed without a key to rotate with is reported at once [G12]", async () => {
    const { tailnet, alice } = await lockedScene();
    const dave = new TestNode("dave");
    await join(tailnet, dave);
    await alice.tka("sign", { Signature: signDirect(dave.nodeKey, null, alice.lockKey) });
    const command = `tailscale lock sign ${dave.nodeKey} ${formatLockKey(dave.lockKey.publicKey)}`;
    expect(await deviceOf(tailnet, dave)).toMatchObject({
      tailnetLockError: "",
      tailnetLockWarning: containing("cannot rotate"),
      tailnetLockSignCommand: command,
    });
    const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/lock/status`);
    expect(json["needDirectSignatures"]).toEqual([expect.objectContaining({ name: "dave", signCommand: command })]);
    expect((await eventsOf(tailnet)).map(({ kind }) => kind)).toContain("node.needs_direct_signature");
    await sign(alice, dave);
    expect((await deviceOf(tailnet, dave))["tailnetLockWarning"]).toBe("");
  });

  test("is tagged, renamed and never over, each by one event", async () => {
    const scene = await unlockedScene();
    const { tailnet, bob } = scene;
    const acts: readonly (readonly [string, object, Fields, string])[] = [
      ["/name", { name: "printer" }, { name: matching(/^printer\./) }, "node.renamed"],
      ["/key", { keyExpiryDisabled: true }, { keyExpiryDisabled: true }, "node.expiry"],
      ["/key", { keyExpiryDisabled: false }, { keyExpiryDisabled: false }, "node.expiry"],
      ["/tags", { tags: ["tag:b", "tag:a"] }, { tags: ["tag:a", "tag:b"], keyExpiryDisabled: true }, "node.tagged"],
      ["/expire", {}, { expired: true }, "node.expired"],
    ];
    for (const [path, body, shown, kind] of acts) {
      expect(await newEvents(tailnet, () => act(scene, bob, path, body))).toEqual([kind]);
      expect(await deviceOf(tailnet, bob)).toMatchObject(shown);
      expect(await newEvents(tailnet, () => act(scene, bob, path, body))).toEqual([]);
    }
  });

  test.each([
    ["/name", { name: "a/b" }, "malformed_request"],
    ["/name", { name: "alice" }, "name_taken"],
    ["/tags", { tags: ["ci"] }, "malformed_request"],
    ["/tags", { tags: ["tag:"] }, "malformed_request"],
    ["/authorized", { authorized: "yes" }, "malformed_request"],
    ["/authorized", { authorized: false }, "device_approval_off"],
    ["/key", {}, "malformed_request"],
  ] as const)("%s with %o is refused: %s", async (path, body, code) => {
    const scene = await unlockedScene();
    expect(await newEvents(scene.tailnet, async () => refused(await act(scene, scene.bob, path, body), code))).toEqual(
      [],
    );
  });

  test("that is removed is gone from its peers, cannot ask, and may join again with its keys", async () => {
    const scene = await unlockedScene();
    const { tailnet, alice, bob } = scene;
    const { nodeId } = await deviceOf(tailnet, bob);
    const before = await alice.map();
    const remove = () => admin("DELETE", `/api/v2/device/${nodeId}`);
    expect(await newEvents(tailnet, remove)).toEqual(["node.removed"]);
    expect(await newEvents(tailnet, remove)).toEqual([]);
    expect((await remove()).status).toBe(200);
    refused(await admin("GET", `/api/v2/device/${nodeId}`), "unknown_device");
    expect((await alice.map()).Peers?.map(({ Key }) => Key)).not.toContain(bob.nodeKey);
    expect(before.Peers?.map(({ Key }) => Key)).toContain(bob.nodeKey);
    refused(await bob.poll(), "unknown_node");
    const OldNodeKey = bob.nodeKey;
    bob.nodeKey = new TestNode("").nodeKey;
    expect((await bob.register(await makeAuthKey(tailnet), { OldNodeKey })).status).toBe(200);
    expect((await alice.map()).Peers?.map(({ Key }) => Key)).toContain(bob.nodeKey);
    refused(await new TestNode("eve").register(await makeAuthKey(tailnet), { NodeKey: OldNodeKey }), "node_key_owned");
  });

  test.each(["n0000000000T0000000000", "n0", "x", "%00", "n0000000000"])("there is no device %s", async (id) => {
    refused(await admin("GET", `/api/v2/device/${id}`), "unknown_device");
    refused(await admin("DELETE", `/api/v2/device/${id}`), "unknown_device");
    refused(await admin("POST", `/api/v2/device/${id}/expire`), "unknown_device");
  });

  test("of a tailnet may be listed by its name too", async () => {
    const name = `t${encodeHex(crypto.getRandomValues(new Uint8Array(6)))}.test`;
    const tailnet = await makeTailnet(name);
    await join(tailnet, new TestNode("alice"));
    expect(await devicesOf(name)).toEqual(await devicesOf(tailnet));
    refused(await admin("GET", "/api/v2/tailnet/nobody.test/devices"), "unknown_tailnet");
  });
});

describe("an auth key", () => {
  test("is listed without its secret, and lets nobody in once it is revoked", async () => {
    const tailnet = await makeTailnet();
    const key = await makeAuthKey(tailnet, { reusable: true });
    const keys = `/api/v2/tailnet/${tailnet}/keys`;
    const { json } = await admin("GET", keys);
    const [listed] = json["keys"] as Fields[];
    expect(JSON.stringify(json)).not.toContain(key.split("-").at(-1));
    expect(listed).toMatchObject({ keyType: "auth", invalid: false });
    const one = `${keys}/${String(listed?.["id"])}`;
    expect((await admin("GET", one)).json).toEqual(listed);
    expect((await new TestNode("a").register(key)).status).toBe(200);
    expect(await newEvents(tailnet, () => admin("DELETE", one))).toEqual(["authkey.revoked"]);
    expect(await newEvents(tailnet, () => admin("DELETE", one))).toEqual([]);
    expect((await admin("GET", one)).json).toMatchObject({ invalid: true, revoked: matching(/./) });
    refused(await new TestNode("b").register(key), "bad_auth_key");
    refused(await admin("GET", `${keys}/k0000000000`), "unknown_key_id");
    refused(await admin("DELETE", `${keys}/k0000000000`), "unknown_key_id");
  });

  test("is called invalid once it is spent, or has expired", async () => {
    const tailnet = await makeTailnet();
    const [spent] = [await makeAuthKey(tailnet), await makeAuthKey(tailnet, { reusable: true, expirySeconds: 60 })];
    await new TestNode("a").register(spent);
    const invalid = async (): Promise<number> => {
      const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/keys`);
      return (json["keys"] as Fields[]).filter((key) => key["invalid"] === true).length;
    };
    expect(await invalid()).toBe(1);
    expect(await later(60_000, invalid)).toBe(2);
  });
});

describe("settings", () => {
  const path = (tailnet: string) => `/api/v2/tailnet/${tailnet}/settings`;

  test("are changed one by one, each by one event", async () => {
    const tailnet = await makeTailnet();
    const patch = { devicesKeyDurationDays: 5, aclsExternalLink: null };
    expect(await newEvents(tailnet, () => admin("PATCH", path(tailnet), patch))).toEqual(["tailnet.settings"]);
    expect(await newEvents(tailnet, () => admin("PATCH", path(tailnet), patch))).toEqual([]);
    expect((await admin("GET", path(tailnet))).json).toMatchObject({
      devicesApprovalOn: false,
      devicesKeyDurationDays: 5,
      lockAllowsOldClients: false,
      auditLogRetentionDays: 0,
    });
  });

  test.each([
    { devicesKeyDurationDays: 0 },
    { devicesKeyDurationDays: 181 },
    { devicesApprovalOn: 1 },
    { usersApprovalOn: 1 },
    { noSuchSetting: true },
    [],
  ])("%o is refused", async (patch) => {
    refused(await admin("PATCH", path(await makeTailnet()), patch), "malformed_request");
  });
});

describe("the lock, for an admin", () => {
  test("shows head, keys and who waits, and is turned off by a secret", async () => {
    const { tailnet, alice, bob, secrets } = await lockedScene();
    const dave = new TestNode("dave");
    await join(tailnet, dave);
    const path = `/api/v2/tailnet/${tailnet}/lock`;
    const { json } = await admin("GET", `${path}/status`);
    expect(json).toMatchObject({
      enabled: true,
      head: (await alice.map()).TKAInfo?.Head,
      locallyDisabled: [],
      needDirectSignatures: [],
      hasSupportSecret: false,
    });
    const key = (node: TestNode) => ({ key: formatLockKey(node.lockKey.publicKey), nodes: [node.hostname] });
    expect(json["trustedKeys"]).toEqual([expect.objectContaining(key(alice)), expect.objectContaining(key(bob))]);
    expect(json["pendingSignatures"]).toEqual([expect.objectContaining({ name: "dave", nodeKey: dave.nodeKey })]);
    refused(await admin("POST", `${path}/disable`, { disablementSecret: "00".repeat(32) }), "incorrect_secret");
    refused(await admin("POST", `${path}/disable`, { disablementSecret: "xyz" }), "malformed_request");
    const disablementSecret = `disablement-secret:${encodeHex(secrets[0] as Uint8Array).toUpperCase()}`;
    const disable = () => admin("POST", `${path}/disable`, { disablementSecret });
    expect(await newEvents(tailnet, disable)).toEqual(["lock.disabled"]);
    expect(await newEvents(tailnet, disable)).toEqual([]);
    expect((await admin("GET", `${path}/status`)).json).toMatchObject({ enabled: false, head: "", trustedKeys: [] });
    expect((await alice.map()).TKAInfo?.Disabled).toBe(true);
  });
});

describe("a tailnet of many devices", () => {
  test("is listed whole, in one answer that is sent while it is read", async () => {
    const tailnet = await makeTailnet();
    expect(await devicesOf(tailnet)).toEqual([]);
    await crowd(tailnet, 2001, 0);
    expect((await devicesOf(tailnet)).map(({ nodeId }) => nodeId)).toEqual(
      Array.from({ length: 2001 }, (_, index) => `c${index + 1}`),
    );
    // Pages of which nothing is shown do not end it; nor does the last one, where it is such.
    for (const hostname of ["c2001", "c1", "c1500", "none"]) {
      const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/devices?hostname=${hostname}`);
      expect((json["devices"] as Device[]).map(({ nodeId }) => nodeId)).toEqual(hostname === "none" ? [] : [hostname]);
    }
    // A page that is just full is followed by none.
    await sql(tailnet, "DELETE FROM nodes WHERE stable_id = 'c2001'");
    expect(await devicesOf(tailnet)).toHaveLength(2000);
  });

  test("is listed no further to somebody who reads slowly, and may not any more [P54]", async () => {
    const tailnet = await makeTailnet();
    await crowd(tailnet, 3001, 0);
    const bob = await newPerson(tailnet, "bob@example.com", "auditor");
    const headers = { authorization: `Bearer ${bob.token}` };
    const url = `${ORIGIN}/api/v2/tailnet/${tailnet}/devices`;
    const read = async (meanwhile: () => Promise<void>): Promise<string> => {
      const { body } = await app.request(url, { headers }, env);
      const reader = (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        if (text === "") await meanwhile();
        text += part.value;
      }
      return text;
    };
    const { devices } = JSON.parse(await read(() => Promise.resolve())) as { devices: unknown[] };
    expect(devices).toHaveLength(3001);
    await expect(read(() => suspend(bob.id))).rejects.toThrow();
  });
});
