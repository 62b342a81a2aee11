/** Device approval: who waits sees nobody, and nobody sees them [G14]. */

import { describe, expect, test } from "vitest";
import { MAP_CLOSE, registerResponse } from "../../../src/protocol/index.ts";
import { admin, makeAuthKey } from "../../support/workerd/control.ts";
import { begin, unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode, accepted, type Answer, type Fields } from "../../support/workerd/test-node.ts";

/** An auth key whose nodes need an approval. */
async function plainKey(tailnet: string): Promise<string> {
  const create = { reusable: false, ephemeral: false, preauthorized: false, tags: [] };
  const { json } = await admin("POST", `/api/v2/tailnet/${tailnet}/keys`, { capabilities: { devices: { create } } });
  return String(json["key"]);
}

async function approve({ tailnet }: Scene, node: TestNode, authorized = true): Promise<Answer> {
  const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/devices`);
  const device = (json["devices"] as Fields[]).find(({ nodeKey }) => nodeKey === node.nodeKey);
  return admin("POST", `/api/v2/device/${String(device?.["nodeId"])}/authorized`, { authorized });
}

async function peersOf(node: TestNode): Promise<string[]> {
  return ((await node.map()).Peers ?? []).map(({ Key }) => Key).sort();
}

/** A tailnet with approval on, and one device that waits. */
async function waitingScene(): Promise<{ scene: Scene; dave: TestNode }> {
  const [scene, dave] = [await unlockedScene(), new TestNode("dave")];
  await admin("PATCH", `/api/v2/tailnet/${scene.tailnet}/settings`, { devicesApprovalOn: true });
  const answer = accepted(await dave.register(await plainKey(scene.tailnet)), registerResponse);
  expect(answer.MachineAuthorized).toBe(false);
  return { scene, dave };
}

describe("a device that waits for approval [G14]", () => {
  test("is told so, sees nobody, and nobody sees it", async () => {
    const { scene, dave } = await waitingScene();
    const { Node, Peers } = await dave.map();
    expect([Node?.MachineAuthorized, Peers]).toEqual([false, []]);
    expect(await peersOf(scene.alice)).toEqual([scene.bob.nodeKey, scene.carol.nodeKey].sort());
  });

  test("changes nothing", async () => {
    const { scene, dave } = await waitingScene();
    refused(await dave.tka("initBegin", { GenesisAUM: new Uint8Array(1) }), "not_approved");
    refused(await dave.tka("affectedSigs", { KeyID: scene.alice.lockKey.publicKey }), "not_approved");
  });

  test("is seen, and sees, once an admin has approved it", async () => {
    const { scene, dave } = await waitingScene();
    const { alice, bob, carol } = scene;
    const [before, own] = [await alice.map(), await dave.map()];
    expect((await approve(scene, dave)).status).toBe(200);
    const news = await alice.mapAfter(before);
    expect((news.PeersChanged ?? news.Peers)?.map(({ Key }) => Key)).toContain(dave.nodeKey);
    const told = await dave.mapAfter(own);
    expect(told.Node?.MachineAuthorized).toBe(true);
    const peers = [...(told.Peers ?? []), ...(told.PeersChanged ?? [])].map(({ Key }) => Key);
    expect(peers.sort()).toEqual([alice.nodeKey, bob.nodeKey, carol.nodeKey].sort());
  });

  test("that holds a WebSocket is sent back to begin anew, and hears of no other meanwhile", async () => {
    const { scene, dave } = await waitingScene();
    const socket = await dave.socket();
    socket.say();
    const first = await socket.next();
    expect([first.Node?.MachineAuthorized, first.Peers]).toEqual([false, []]);
    const eve = new TestNode("eve");
    expect((await eve.register(await makeAuthKey(scene.tailnet))).status).toBe(200);
    await approve(scene, dave);
    expect((await socket.closed).code).toBe(MAP_CLOSE.moved);
    expect(socket.texts.filter((text) => text.includes(eve.nodeKey))).toEqual([]);
    const { MapSessionHandle, Seq: MapSessionSeq } = first;
    const again = await dave.socket();
    again.say({ MapSessionHandle, MapSessionSeq });
    expect((await again.next()).Peers).toHaveLength(4);
    again.close();
  });

  test("leaves the others' sight again where an admin takes the approval back", async () => {
    const { scene, dave } = await waitingScene();
    await approve(scene, dave);
    const before = await scene.alice.map();
    const own = await dave.map();
    expect(own.Peers).toHaveLength(3);
    const id = before.Peers?.find(({ Key }) => Key === dave.nodeKey)?.ID ?? 0;
    expect((await approve(scene, dave, false)).status).toBe(200);
    expect((await scene.alice.mapAfter(before)).PeersRemoved).toEqual([id]);
    const told = await dave.mapAfter(own);
    expect(told.Node?.MachineAuthorized).toBe(false);
    const gone = told.Peers === null ? (told.PeersRemoved ?? []).length : 3 - told.Peers.length;
    expect(gone).toBe(3);
    expect(await peersOf(dave)).toEqual([]);
  });

  test("does not wait where its auth key, or the admin who let it in, has approved it already", async () => {
    const { scene } = await waitingScene();
    const [eve, frank] = [new TestNode("eve"), new TestNode("frank")];
    expect(accepted(await eve.register(await makeAuthKey(scene.tailnet)), registerResponse).MachineAuthorized).toBe(
      true,
    );
    const { AuthURL } = accepted(await frank.register("", { Auth: null }), registerResponse);
    const id = AuthURL.split("/").at(-1) ?? "";
    await admin("POST", `/api/v2/tailnet/${scene.tailnet}/logins/${id}/approve`, {});
    const answer = accepted(await frank.register("", { Auth: null, Followup: AuthURL }), registerResponse);
    expect(answer.MachineAuthorized).toBe(true);
  });

  test("is not among those that an init needs signed", async () => {
    const { scene, dave } = await waitingScene();
    await admin("PATCH", `/api/v2/tailnet/${scene.tailnet}/settings`, { devicesApprovalOn: false });
    const begun = await begin(scene.alice, scene.genesis);
    expect(begun.NeedSignatures.map(({ NodePublic }) => NodePublic)).not.toContain(dave.nodeKey);
  });
});
