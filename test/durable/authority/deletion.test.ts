/** A tailnet is given up, and nobody is stranded [W5][W6]. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { bootstrapResponse, registerResponse } from "../../../src/protocol/index.ts";
import { encodeHex } from "../../../src/tka/index.ts";
import { admin, authorityOf, dump, join, makeAuthKey, makeTailnet, withoutLog } from "../../support/workerd/control.ts";
import { lockedScene, unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode, accepted, type Answer } from "../../support/workerd/test-node.ts";

function remove(tailnet: string, body: object | null = null): Promise<Answer> {
  return admin("DELETE", `/api/v2/tailnet/${tailnet}`, body);
}

function secretOf({ secrets }: Scene): string {
  return encodeHex(secrets[0] ?? new Uint8Array(0)).toUpperCase();
}

async function headOf(node: TestNode): Promise<string> {
  const head = (await node.map()).TKAInfo?.Head ?? "";
  // As a node that follows the lock.
  await node.poll({ TKAHead: head });
  return head;
}

function dumped(tailnet: string): Promise<Record<string, string[]>> {
  return runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
}

describe("a tailnet without a lock", () => {
  test("is deleted: nodes, keys and settings go, all is refused, and its name is free", async () => {
    const name = `gone${encodeHex(crypto.getRandomValues(new Uint8Array(6)))}.test`;
    const tailnet = await makeTailnet(name);
    const [alice, bob] = [new TestNode("alice"), new TestNode("bob")];
    await join(tailnet, alice, bob);
    const key = await makeAuthKey(tailnet);
    expect((await remove(name)).status).toBe(200);
    expect((await remove(tailnet)).status).toBe(200);
    refused(await remove(name), "unknown_tailnet");
    for (const path of ["", "/devices", "/keys", "/settings", "/lock/status", "/lock/export"])
      refused(await admin("GET", `/api/v2/tailnet/${tailnet}${path}`), "unknown_tailnet");
    refused(await alice.poll(), "unknown_node");
    refused(await new TestNode("late").register(key), "unknown_tailnet");
    expect((await admin("GET", "/api/v2/tailnets")).json["tailnets"]).not.toContainEqual(
      expect.objectContaining({ name }),
    );
    const rows = await dumped(tailnet);
    for (const table of ["nodes", "auth_keys", "approvals", "pending_init"]) expect(rows[table]).toEqual([]);
    expect(rows["events"]?.filter((row) => row.includes('"tailnet.deleted"'))).toHaveLength(1);
    const again = await makeTailnet(name);
    expect(again).not.toBe(tailnet);
    // Its nodes may join another tailnet with the keys that they have.
    expect((await alice.register(await makeAuthKey(again))).status).toBe(200);
    expect(accepted(await bob.register("", { Auth: null }), registerResponse).AuthURL).not.toBe("");
  });

  test("whose deletion stopped halfway is made anew under its name", async () => {
    const name = `half${encodeHex(crypto.getRandomValues(new Uint8Array(6)))}.test`;
    const tailnet = await makeTailnet(name);
    const by = { actor: { type: "USER", id: "owner", name: "Owner" }, origin: "CONFIG_API", group: "" } as const;
    expect((await authorityOf(tailnet).delete(by, null)).ok).toBe(true);
    expect(await makeTailnet(name)).not.toBe(tailnet);
  });
});

describe("a tailnet with a lock", () => {
  test("is not deleted while that is on, nor by a wrong secret", async () => {
    const scene = await lockedScene();
    const before = withoutLog(await dumped(scene.tailnet));
    refused(await remove(scene.tailnet), "lock_enabled");
    refused(await remove(scene.tailnet, { disablementSecret: "00".repeat(32) }), "incorrect_secret");
    refused(await remove(scene.tailnet, { disablementSecret: 7 }), "malformed_request");
    expect(withoutLog(await dumped(scene.tailnet))).toEqual(before);
  });

  test("is deleted with a secret: nodes that slept are told, given the secret, and let go once they have said so", async () => {
    const scene = await lockedScene();
    const { tailnet, alice, bob, carol } = scene;
    const head = await headOf(alice);
    await headOf(bob);
    expect((await remove(tailnet, { disablementSecret: secretOf(scene) })).status).toBe(200);
    const map = await alice.map();
    expect([map.TKAInfo?.Disabled, map.Peers]).toEqual([true, []]);
    for (const node of [alice, bob]) {
      const { DisablementSecret } = accepted(await node.tka("bootstrap", { Head: head }), bootstrapResponse);
      expect(DisablementSecret).toEqual(scene.secrets[0]);
    }
    // carol never said that she had a head, and so holds no lock.
    refused(await carol.poll(), "unknown_node");
    refused(await alice.tka("disable", { DisablementSecret: scene.secrets[0] }), "unknown_tailnet");
    refused(await alice.tka("syncOffer", { Head: head, Ancestors: [] }), "unknown_tailnet");
    await alice.poll({ TKAHead: "" });
    await bob.poll({ TKAHead: "" });
    refused(await alice.poll(), "unknown_node");
  });

  test("that was turned off before still answers those who slept through it", async () => {
    const scene = await lockedScene();
    const { tailnet, alice, bob } = scene;
    const head = await headOf(bob);
    await alice.tka("disable", { DisablementSecret: scene.secrets[0] });
    expect((await remove(tailnet)).status).toBe(200);
    const { DisablementSecret } = accepted(await bob.tka("bootstrap", { Head: head }), bootstrapResponse);
    expect(DisablementSecret).toEqual(scene.secrets[0]);
  });
});

test("a tailnet of many nodes is deleted in one act", async () => {
  const { tailnet, alice } = await unlockedScene();
  const key = await makeAuthKey(tailnet, { reusable: true });
  await Promise.all(Array.from({ length: 40 }, (_, i) => new TestNode(`n${i}`).register(key)));
  expect((await remove(tailnet)).status).toBe(200);
  refused(await alice.poll(), "unknown_node");
});
