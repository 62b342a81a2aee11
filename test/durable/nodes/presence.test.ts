/** Who is connected, and where: told to those who can make use of it, and to nobody twice. */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { NodeSessions, SessionKind } from "../../../src/durable/index.ts";
import { emptyResponse, type MapResponse } from "../../../src/protocol/index.ts";
import { aumHash } from "../../../src/tka/index.ts";
import { evicted } from "../../support/workerd/evicted.ts";
import { admin, authorityOf, join, makeTailnet, sessions } from "../../support/workerd/control.ts";
import { inItForThisTest } from "../../support/workerd/for-this-test.ts";
import { lock, lockedScene, newGenesis, newSecrets } from "../../support/workerd/locked.ts";
import type { MapSocket } from "../../support/workerd/map-socket.ts";
import { itsTurn } from "../../support/workerd/news.ts";
import { TestNode, accepted, statusesOf, type Fields } from "../../support/workerd/test-node.ts";
import { eventually } from "../../support/eventually.ts";

const disco = (digit: string): string => `discokey:${digit.repeat(64)}`;
const NETWORKED = { DiscoKey: disco("a") };
const HOST = { Hostname: "bob", OS: "linux", IPNVersion: "test" };

interface Stage {
  readonly tailnet: string;
  readonly alice: TestNode;
  readonly bob: TestNode;
}

async function newStage(): Promise<Stage> {
  const tailnet = await makeTailnet();
  const [alice, bob] = [new TestNode("alice"), new TestNode("bob")];
  await join(tailnet, alice, bob);
  return { tailnet, alice, bob };
}

/** A node says where it is. */
async function says(node: TestNode, fields: Fields): Promise<void> {
  const { status, json } = await node.poll({ OmitPeers: true, ...NETWORKED, ...fields });
  if (status !== 200) throw new Error(`refused: ${JSON.stringify(json)}`);
}

/** A socket on which the first map was read. */
async function opened(node: TestNode, fields: Fields = NETWORKED): Promise<{ socket: MapSocket; full: MapResponse }> {
  const socket = await node.listen(fields);
  return { socket, full: await socket.next() };
}

const ENDPOINTS = ["192.0.2.1:41641", "[2001:db8::1]:41641"];

describe("where a node can be reached", () => {
  test("is in the first map, whole", async () => {
    const { alice, bob } = await newStage();
    await says(bob, { Endpoints: ENDPOINTS, Hostinfo: { ...HOST, NetInfo: { PreferredDERP: 900 } } });
    const [peer] = (await opened(alice)).full.Peers ?? [];
    expect(peer).toMatchObject({ DiscoKey: disco("a"), Endpoints: ENDPOINTS, HomeDERP: 900, DERP: "127.3.3.40:900" });
  });

  test("is then told as what has changed, and not to the node itself [M13][M15]", async () => {
    const { alice, bob } = await newStage();
    await says(bob, { Endpoints: [ENDPOINTS[0]] });
    const [{ socket }, own] = [await opened(alice), await opened(bob)];
    await says(bob, { Endpoints: ENDPOINTS });
    expect(await socket.next()).toMatchObject({
      Peers: null,
      PeersChanged: null,
      PeersChangedPatch: [{ Endpoints: ENDPOINTS, DiscoKey: "", DERPRegion: 0, Online: null }],
    });
    await says(bob, { DiscoKey: disco("b"), Endpoints: ENDPOINTS });
    expect((await socket.next()).PeersChangedPatch).toMatchObject([{ DiscoKey: disco("b"), Endpoints: null }]);
    expect(own.socket.unread).toBe(0);
  });

  test("is not told to who reaches nobody [M17]", async () => {
    const { tailnet, alice, bob } = await newStage();
    const { socket } = await opened(alice, {});
    await says(bob, { Endpoints: ENDPOINTS });
    await join(tailnet, new TestNode("carol"));
    expect(await socket.next()).toMatchObject({
      PeersChangedPatch: null,
      PeersChanged: [{ Hostinfo: { Hostname: "carol" } }],
    });
  });

  test("is cut to what Go can read: others could not decode their maps", async () => {
    const { alice, bob } = await newStage();
    const RoutableIPs = ["10.0.0.0/8", "10.0.0.0/33", "all"];
    const Services = [
      { Proto: "peerapi4", Port: 70_000 },
      { Proto: "peerapi4", Port: 5 },
      { Proto: "tcp", Port: 22 },
    ];
    const Endpoints = ["192.0.2.1", "192.0.2.1:0", "192.0.2.01:1", "[fe80::1%eth0]:1", "[::1]:70000", ...ENDPOINTS];
    await says(bob, { Endpoints, Hostinfo: { ...HOST, RoutableIPs, Services } });
    const [peer] = (await opened(alice)).full.Peers ?? [];
    expect(peer?.Endpoints).toEqual(ENDPOINTS);
    expect(peer?.Hostinfo).toMatchObject({ RoutableIPs: ["10.0.0.0/8"], Services: [{ Proto: "peerapi4", Port: 5 }] });
  });

  test("is taken so often and no oftener [W15]", async () => {
    const { tailnet, bob } = await newStage();
    const port = (i: number): Fields => ({ ...NETWORKED, OmitPeers: true, Endpoints: [`192.0.2.1:${i + 1}`] });
    const statuses = await Promise.all(Array.from({ length: 150 }, (_, i) => bob.poll(port(i)))).then(statusesOf);
    expect(statuses[0]).toBe(200);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(10);
    // What is no news is no matter.
    const known = (
      await runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
        storage.sql.exec<{ endpoints: string }>("SELECT endpoints FROM presence").one(),
      )
    ).endpoints;
    expect((await bob.poll({ ...NETWORKED, OmitPeers: true, Endpoints: JSON.parse(known) as string[] })).status).toBe(
      200,
    );
  });

  test("goes on with who the node is, in one message, where both have changed", async () => {
    const { tailnet, alice, bob } = await newStage();
    const { socket } = await opened(alice);
    const carol = new TestNode("carol");
    await runInDurableObject(authorityOf(tailnet), async () => {
      await says(bob, { Endpoints: ENDPOINTS });
      await join(tailnet, carol);
    });
    for (let told = 0; told < 2;) {
      const { PeersChanged, PeersChangedPatch } = await socket.next();
      told += (PeersChanged?.length ?? 0) + (PeersChangedPatch?.length ?? 0);
    }
    expect(socket.unread).toBe(0);
  });
});

describe("what a node says of its host", () => {
  test("is told with the whole node, and is no event", async () => {
    const { tailnet, alice, bob } = await newStage();
    await says(bob, { Endpoints: ENDPOINTS });
    const { socket } = await opened(alice);
    const before = await authorityOf(tailnet).sessionShards();
    await says(bob, { Endpoints: ENDPOINTS, Hostinfo: { ...HOST, Services: [{ Proto: "peerapi4", Port: 5 }] } });
    const { PeersChanged } = await socket.next();
    expect(PeersChanged).toMatchObject([{ Endpoints: ENDPOINTS, Hostinfo: { Services: [{ Port: 5 }] } }]);
    expect(await authorityOf(tailnet).sessionShards()).toEqual(before);
  });
});

describe("who is connected", () => {
  /** The ID of bob, by which sessions objects tell of him. */
  async function scene() {
    const stage = await newStage();
    const { socket, full } = await opened(stage.alice);
    return { ...stage, socket, bobId: full.Peers?.[0]?.ID ?? 0 };
  }

  test("is said by who holds the node now: late word of an old connection takes nothing away [M14]", async () => {
    const { tailnet, socket, bobId } = await scene();
    const authority = authorityOf(tailnet);
    await authority.comings("one", [{ nodeId: bobId, online: true }]);
    expect((await socket.next()).PeersChangedPatch).toMatchObject([{ NodeID: bobId, Online: true, LastSeen: "" }]);
    await authority.comings("two", [{ nodeId: bobId, online: true }]);
    await authority.comings("one", [{ nodeId: bobId, online: false }]);
    await authority.comings("two", [{ nodeId: bobId, online: false }]);
    const [gone] = (await socket.next()).PeersChangedPatch ?? [];
    expect(gone).toMatchObject({ NodeID: bobId, Online: false });
    expect(Date.parse(gone?.LastSeen ?? "")).toBeGreaterThan(0);
  });

  test("is healed by a comparison: who is not held any more is gone", async () => {
    const { tailnet, socket, bobId } = await scene();
    await authorityOf(tailnet).holds("one", [bobId]);
    expect((await socket.next()).PeersChangedPatch).toMatchObject([{ NodeID: bobId, Online: true }]);
    await authorityOf(tailnet).holds("one", []);
    expect((await socket.next()).PeersChangedPatch).toMatchObject([{ NodeID: bobId, Online: false }]);
  });

  test("is told together where many come and go at once [M16]", async () => {
    const { tailnet, bob, socket, bobId } = await scene();
    await runInDurableObject(authorityOf(tailnet), async (authority) => {
      const moves = Array.from({ length: 31 }, (_, i) =>
        authority.comings("one", [{ nodeId: bobId, online: i % 2 === 0 }]),
      );
      await Promise.all(moves);
    });
    await says(bob, { Endpoints: ENDPOINTS });
    let messages = 0;
    for (let isLast = false; !isLast; messages++)
      isLast = (await socket.next()).PeersChangedPatch?.[0]?.Endpoints !== null;
    expect(messages).toBeLessThanOrEqual(3);
  });
});

describe("who is not to be seen", () => {
  test("while a device waits for approval nobody hears where it is, and then with all that is known of it [G14]", async () => {
    const { tailnet, alice } = await newStage();
    await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { devicesApprovalOn: true });
    const create = { reusable: false, ephemeral: false, preauthorized: false, tags: [] };
    const key = await admin("POST", `/api/v2/tailnet/${tailnet}/keys`, { capabilities: { devices: { create } } });
    const dave = new TestNode("dave");
    expect((await dave.register(String(key.json["key"]))).status).toBe(200);
    const { socket, full } = await opened(alice);
    expect(full.Peers).toHaveLength(1);
    const { socket: waiting } = await opened(dave);
    await says(dave, { Endpoints: ENDPOINTS });
    await says(alice, { Endpoints: ENDPOINTS });
    const devices = (await admin("GET", `/api/v2/tailnet/${tailnet}/devices`)).json["devices"] as Fields[];
    const id = String(devices.find(({ hostname }) => hostname === "dave")?.["id"]);
    await admin("POST", `/api/v2/device/${id}/authorized`, { authorized: true });
    const news = await socket.next();
    expect(news.PeersChangedPatch).toBeNull();
    expect(news.PeersChanged).toMatchObject([{ Hostinfo: { Hostname: "dave" }, Endpoints: ENDPOINTS }]);
    expect(waiting.texts.slice(1)).toEqual([]);
  });

  test("a node that wakes up from a retired chain hears nothing of unsigned peers [M6]", async () => {
    const scene = await lockedScene();
    const oldHead = aumHash(scene.genesis);
    expect((await scene.carol.poll({ TKAHead: oldHead })).status).toBe(200);
    accepted(await scene.alice.tka("disable", { DisablementSecret: scene.secrets[0] }), emptyResponse);
    await lock(scene.alice, newGenesis([scene.alice, scene.bob], newSecrets(1).values));
    const dave = new TestNode("dave");
    await join(scene.tailnet, dave);
    const socket = await scene.carol.socket();
    socket.head = oldHead;
    socket.say(NETWORKED);
    const full = await socket.next();
    expect(full.Peers?.map(({ Hostinfo }) => Hostinfo?.Hostname)).toEqual(["alice", "bob"]);
    await says(dave, { Endpoints: ENDPOINTS });
    await says(scene.bob, { Endpoints: ENDPOINTS });
    const bobId = full.Peers?.[1]?.ID;
    for (let told: unknown = null; told === null;) {
      const { PeersChanged, PeersChangedPatch } = await socket.next();
      expect(PeersChanged).toBeNull();
      expect(PeersChangedPatch?.filter(({ NodeID }) => NodeID !== bobId && NodeID !== full.Peers?.[0]?.ID)).toEqual([]);
      told = PeersChangedPatch?.find(({ NodeID, Endpoints }) => NodeID === bobId && Endpoints !== null) ?? null;
    }
  });
});

describe("a sessions object", () => {
  const shard = (tailnet: string, kind: SessionKind = "socket") => sessions(tailnet, kind);

  const wait = (tailnet: string, kind: SessionKind, waits: Partial<NodeSessions["presence"]>): Promise<void> =>
    inItForThisTest(shard(tailnet, kind), ({ presence }) => presence, waits);

  /** Its waits are short from now on. */
  function hasten(tailnet: string, kind: SessionKind = "socket", graceMs = 50): Promise<void> {
    return wait(tailnet, kind, { graceMs, pauseMs: 10 });
  }

  /** What alice is told of bob's being there, message by message. */
  async function online(socket: MapSocket): Promise<boolean | null | undefined> {
    return (await socket.next()).PeersChangedPatch?.[0]?.Online;
  }

  test("tells that a node has come, and after a while that it has gone [X18]", async () => {
    const { tailnet, alice, bob } = await newStage();
    await hasten(tailnet);
    const { socket } = await opened(alice);
    const { socket: other } = await opened(bob);
    expect(await online(socket)).toBe(true);
    other.close();
    expect(await online(socket)).toBe(false);
    const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/devices`);
    expect(json["devices"]).toMatchObject([{ connectedToControl: true }, { connectedToControl: false }]);
    const map = await alice.map();
    expect(map.Node?.Online).toBe(true);
    expect(map.Peers).toMatchObject([{ Online: false }]);
    expect(map.Peers?.[0]?.LastSeen).not.toBe("");
  });

  test("says nothing of a node that comes back in time [X18]", async () => {
    const { tailnet, alice, bob } = await newStage();
    await hasten(tailnet, "socket", 1500);
    const { socket } = await opened(alice);
    const { socket: first } = await opened(bob);
    expect(await online(socket)).toBe(true);
    first.close();
    const { socket: second } = await opened(bob);
    await wait(tailnet, "socket", { graceMs: 10 });
    await new Promise((resolve) => setTimeout(resolve, 1700));
    expect(socket.unread).toBe(0);
    second.close();
    expect(await online(socket)).toBe(false);
  });

  test("tells of streams too", async () => {
    const { tailnet, alice, bob } = await newStage();
    await hasten(tailnet, "stream");
    await inItForThisTest(shard(tailnet, "stream"), ({ streams }) => streams, { keepAliveMs: 100 });
    const { socket } = await opened(alice);
    const stream = await bob.stream();
    await stream.next();
    expect(await online(socket)).toBe(true);
    await stream.close();
    expect(await online(socket)).toBe(false);
  });

  test("tells of many that come at once in few reports [X19]", async () => {
    const { tailnet, alice } = await newStage();
    const nodes = Array.from({ length: 12 }, (_, i) => new TestNode(`node-${i}`));
    await join(tailnet, ...nodes);
    const { socket } = await opened(alice);
    await wait(tailnet, "socket", { pauseMs: 1000 });
    await Promise.all(nodes.map((node) => opened(node)));
    const here = new Set<number>();
    let messages = 0;
    for (; here.size < nodes.length; messages++)
      for (const { NodeID, Online } of (await socket.next()).PeersChangedPatch ?? [])
        if (Online === true) here.add(NodeID);
    expect(messages).toBeLessThan(6);
  });

  const byAlarm = async (tailnet: string): Promise<void> => {
    await itsTurn(tailnet);
    for (let turn = 0; turn < 2; turn++) await runDurableObjectAlarm(shard(tailnet));
  };
  const byItself = async (tailnet: string): Promise<void> => {
    await wait(tailnet, "socket", { restartMs: 10 });
    await runInDurableObject(shard(tailnet), ({ presence }) => presence.begin());
  };

  test.each([
    ["its alarm", byAlarm],
    ["itself", byItself],
  ])(
    "says by %s whom it holds, and at last that it holds nobody, also after it was cut off from all [X20]",
    async (_, comparison) => {
      const { tailnet, alice, bob } = await newStage();
      await hasten(tailnet);
      const { socket } = await opened(bob);
      await eventually(async () => {
        expect((await alice.map()).Peers).toMatchObject([{ Online: true }]);
      });
      await runInDurableObject(shard(tailnet), (_, state) => {
        // As where a machine fails: nobody hears of the end.
        for (const each of state.getWebSockets()) each.serializeAttachment(null);
      });
      socket.close();
      await evicted(shard(tailnet));
      expect((await alice.map()).Peers).toMatchObject([{ Online: true }]);
      await comparison(tailnet);
      expect((await alice.map()).Peers).toMatchObject([{ Online: false }]);
      const stored = await runInDurableObject(shard(tailnet), ({ presence }) => presence.tailnets());
      expect(stored).not.toContain(tailnet);
    },
  );
});
