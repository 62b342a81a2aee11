/** The nodes' WebSockets [M9] [M10] [X1] [X2] [X6] [X7] [X8]: on real objects, which are evicted between any two messages. */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  MAP_CLOSE,
  MAX_MAP_REQUEST_CHARS,
  SIGNATURE_LIFETIME_S,
  type MapResponse,
} from "../../../src/protocol/index.ts";
import { evicted } from "../../support/workerd/evicted.ts";
import { join, makeAuthKey, neighbourOf, sessions, sql } from "../../support/workerd/control.ts";
import { crowd } from "../../support/workerd/crowd.ts";
import { inItForThisTest } from "../../support/workerd/for-this-test.ts";
import { lockedScene, unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import type { MapSocket } from "../../support/workerd/map-socket.ts";
import { changed, cutAdvance, itsTurn, rename } from "../../support/workerd/news.ts";
import { settled } from "../../support/workerd/record.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { eventually } from "../../support/eventually.ts";

/** Has the object that holds the tailnet's sockets hibernate. */
function hibernate({ tailnet }: Scene): Promise<void> {
  return evicted(sessions(tailnet, "socket"));
}

async function opened(node: TestNode): Promise<{ socket: MapSocket; full: MapResponse }> {
  const socket = await node.listen();
  return { socket, full: await socket.next() };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a socket", () => {
  test("is answered by the full map, then by what changes", async () => {
    const { tailnet, alice, bob } = await unlockedScene();
    const { socket, full } = await opened(alice);
    expect([full.Node?.Key, full.Peers?.length, full.TKAInfo?.Disabled]).toEqual([alice.nodeKey, 2, true]);
    await join(tailnet, new TestNode("dave"));
    expect(changed(await socket.next())).toEqual(["dave"]);
    await rename(bob, "bert");
    expect(changed(await socket.next())).toEqual(["bert"]);
    await rename(alice, "anna");
    const own = await socket.next();
    expect([own.Node?.Hostinfo?.Hostname, own.PeersChanged, own.TKAInfo]).toEqual(["anna", null, null]);
  });

  test("loses nothing and hears nothing twice, its object evicted before every message [X2]", async () => {
    const scene = await unlockedScene();
    const { alice, bob, carol } = scene;
    const socket = await alice.socket();
    await hibernate(scene);
    socket.say();
    expect((await socket.next()).Peers).toHaveLength(2);
    const seqs: number[] = [];
    for (let i = 0; i < 5; i++) {
      await hibernate(scene);
      await rename(i % 2 === 0 ? bob : carol, `name${i}`);
      const delta = await socket.next();
      expect([changed(delta), delta.Peers]).toEqual([[`name${i}`], null]);
      seqs.push(delta.Seq);
    }
    await hibernate(scene);
    socket.acknowledge();
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(socket.unread).toBe(0);
  });

  test("gets what it has missed where it goes on by handle and seq, and the full map by another handle", async () => {
    const { alice, bob } = await unlockedScene();
    const { socket, full } = await opened(alice);
    socket.close();
    await rename(bob, "bert");
    const place = { MapSessionHandle: full.MapSessionHandle, MapSessionSeq: full.Seq };
    const delta = await (await alice.listen(place)).next();
    expect([delta.Peers, changed(delta), delta.MapSessionHandle]).toEqual([null, ["bert"], full.MapSessionHandle]);
    const quiet = await (await alice.listen({ ...place, MapSessionSeq: delta.Seq })).next();
    expect([quiet.Peers, changed(quiet), quiet.Seq]).toEqual([null, [], delta.Seq]);
    const anew = [{ MapSessionHandle: "eAAAAAAAAAA" }, { MapSessionSeq: 0 }, { MapSessionSeq: 1_000_000 }];
    for (const other of anew) expect((await (await alice.listen({ ...place, ...other })).next()).Peers).toHaveLength(2);
  });

  test("hears of a node that went, also where it was away then", async () => {
    const { tailnet, alice, bob } = await unlockedScene();
    const { socket, full } = await opened(alice);
    const id = full.Peers?.find(({ Key }) => Key === bob.nodeKey)?.ID ?? 0;
    await sql(
      tailnet,
      "UPDATE tailnet SET seq = seq + 1",
      `INSERT INTO removed_nodes (id, stable_id, machine_key, seq) SELECT id, stable_id, machine_key,
        (SELECT seq FROM tailnet) FROM nodes WHERE id = ${id}`,
      `DELETE FROM nodes WHERE id = ${id}`,
    );
    await join(tailnet, new TestNode("dave"));
    expect((await socket.next()).PeersRemoved).toEqual([id]);
    expect(changed(await socket.next())).toEqual(["dave"]);
    const place = { MapSessionHandle: full.MapSessionHandle, MapSessionSeq: full.Seq };
    const missed = await (await alice.listen(place)).next();
    expect([missed.PeersRemoved, changed(missed)]).toEqual([[id], ["dave"]]);
    expect((await (await alice.listen()).next()).PeersRemoved).toBeNull();
  });

  test("is closed where its own node went, and where it has another key", async () => {
    const { tailnet, alice, bob } = await unlockedScene();
    const [first, second] = [await opened(alice), await opened(bob)];
    await sql(
      tailnet,
      "UPDATE tailnet SET seq = seq + 1",
      `INSERT INTO removed_nodes (id, stable_id, machine_key, seq) SELECT id, stable_id, machine_key,
        (SELECT seq FROM tailnet) FROM nodes WHERE node_key = '${alice.nodeKey}'`,
      `DELETE FROM nodes WHERE node_key = '${alice.nodeKey}'`,
    );
    const OldNodeKey = bob.nodeKey;
    bob.nodeKey = new TestNode("x").nodeKey;
    expect((await bob.register("", { OldNodeKey })).status).toBe(200);
    expect((await first.socket.closed).code).toBe(MAP_CLOSE.removed);
    expect((await second.socket.closed).code).toBe(MAP_CLOSE.rekeyed);
  });

  test("is told of the lock, and of its head each time that it moves", async () => {
    const scene = await lockedScene();
    const { socket, full } = await opened(scene.carol);
    expect([full.TKAInfo?.Disabled, full.TKAInfo?.Head]).toEqual([false, expect.any(String)]);
    await scene.alice.tka("disable", { DisablementSecret: scene.secrets[0] });
    expect((await socket.next()).TKAInfo?.Disabled).toBe(true);
  });

  test("closed by its node is forgotten, and another one opened", async () => {
    const scene = await unlockedScene();
    const sockets = [];
    for (let i = 0; i < 5; i++) sockets.push((await opened(scene.alice)).socket);
    expect((await sockets[0]?.closed)?.code).toBe(MAP_CLOSE.replaced);
    expect(sockets.map(({ isClosed }) => isClosed)).toEqual([true, false, false, false, false]);
  });
});

describe("news", () => {
  test("reach 200 sockets, each of them once", async () => {
    const scene = await unlockedScene();
    const key = await makeAuthKey(scene.tailnet, { reusable: true });
    const nodes = Array.from({ length: 50 }, (_, i) => new TestNode(`n${i}`));
    for (const node of nodes) expect((await node.register(key)).status).toBe(200);
    const sockets = await Promise.all(nodes.flatMap((node) => [1, 2, 3, 4].map(() => opened(node))));
    await hibernate(scene);
    await rename(scene.bob, "bert");
    const deltas = await Promise.all(sockets.map(({ socket }) => socket.next()));
    expect(new Set(deltas.map((delta) => changed(delta).join()))).toEqual(new Set(["bert"]));
    await rename(scene.bob, "bernd");
    await Promise.all(sockets.map(({ socket }) => socket.next()));
    expect(sockets.map(({ socket }) => socket.unread)).toEqual(sockets.map(() => 0));
  }, 30_000);

  test("are passed on after waking without a whole map being asked for [X5]", async () => {
    const scene = await unlockedScene();
    const { socket, full } = await opened(scene.alice);
    await hibernate(scene);
    const asked: number[] = [];
    const { TailnetAuthority } = await import("../../../src/durable/index.ts");
    const changes = vi.spyOn(TailnetAuthority.prototype, "changes");
    await rename(scene.bob, "bert");
    expect(changed(await socket.next())).toEqual(["bert"]);
    asked.push(...changes.mock.calls.map(([{ since }]) => since));
    expect(asked).toEqual([full.Seq]);
  });

  test("never reach another tailnet in the same object", async () => {
    const ours = await unlockedScene();
    const other = await neighbourOf(ours.tailnet);
    const [anna, bert] = [new TestNode("anna"), new TestNode("bert")];
    await join(other, anna, bert);
    const { socket } = await opened(ours.alice);
    const theirs = await opened(anna);
    await rename(bert, "loud");
    expect(changed(await theirs.socket.next())).toEqual(["loud"]);
    await rename(ours.bob, "quiet");
    expect(changed(await socket.next())).toEqual(["quiet"]);
    expect(socket.texts.join("")).not.toContain("loud");
  }, 30_000);

  test("that nobody was told of are found by the alarm [X1]", async () => {
    const scene = await unlockedScene();
    const { socket } = await opened(scene.alice);
    await settled(scene.tailnet);
    cutAdvance();
    await rename(scene.bob, "bert");
    await hibernate(scene);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(socket.unread).toBe(0);
    await itsTurn(scene.tailnet);
    expect(await runDurableObjectAlarm(sessions(scene.tailnet, "socket"))).toBe(true);
    expect(changed(await socket.next())).toEqual(["bert"]);
  });

  test("of another history end the session: its node begins anew", async () => {
    const { tailnet, alice, bob } = await unlockedScene();
    const { socket, full } = await opened(alice);
    await sql(tailnet, "UPDATE tailnet SET epoch = 'eBBBBBBBBBB'");
    await rename(bob, "bert");
    expect((await socket.closed).code).toBe(MAP_CLOSE.moved);
    const place = { MapSessionHandle: full.MapSessionHandle, MapSessionSeq: full.Seq };
    const anew = await (await alice.listen(place)).next();
    expect([anew.MapSessionHandle, anew.Peers?.length]).toEqual(["eBBBBBBBBBB", 2]);
  });

  test("of a new layout end the session where it is not held any more; it goes on in its new place [X3]", async () => {
    const { tailnet, alice, bob } = await unlockedScene();
    const { socket } = await opened(alice);
    await crowd(tailnet, 300, 10);
    await join(tailnet, new TestNode("dave"));
    expect((await socket.closed).code).toBe(MAP_CLOSE.moved);
    const full = await alice.map();
    const next = await alice.listen({ MapSessionHandle: full.MapSessionHandle, MapSessionSeq: full.Seq });
    expect(changed(await next.next())).toEqual([]);
    const held = await runInDurableObject(
      sessions(tailnet, "socket", alice, 1),
      (_, ctx) => ctx.getWebSockets().length,
    );
    expect(held).toBe(1);
    await rename(bob, "bernd");
    expect(changed(await next.next())).toEqual(["bernd"]);
  });
});

describe("what a node says", () => {
  test("of its head and its host is taken, and told to the others", async () => {
    const { alice, bob, tailnet } = await unlockedScene();
    const [first, second] = [await opened(alice), await opened(bob)];
    first.socket.say({ Hostinfo: { Hostname: "anna" } });
    expect(changed(await second.socket.next())).toEqual(["anna"]);
    expect((await first.socket.next()).Node?.Hostinfo?.Hostname).toBe("anna");
    expect(first.socket.unread).toBe(0);
    expect(tailnet).not.toBe("");
  });

  test.each<[string, (socket: MapSocket) => void, number]>([
    ["no JSON", (socket) => socket.send("{"), MAP_CLOSE.malformed],
    ["no request", (socket) => socket.send("[]"), MAP_CLOSE.malformed],
    ["another node's key", (socket) => socket.say({ NodeKey: `nodekey:${"1".repeat(64)}` }), MAP_CLOSE.malformed],
    ["bytes", (socket) => socket.send(new ArrayBuffer(4)), MAP_CLOSE.malformed],
    ["too much", (socket) => socket.send(" ".repeat(MAX_MAP_REQUEST_CHARS + 1)), MAP_CLOSE.tooLarge],
    [
      "something too often",
      (socket) => {
        for (let i = 0; i < 80; i++) socket.say();
      },
      MAP_CLOSE.tooMany,
    ],
  ])("that is %s ends the session", async (_, speak, code) => {
    const { alice } = await unlockedScene();
    const { socket } = await opened(alice);
    speak(socket);
    expect((await socket.closed).code).toBe(code);
  });

  test("about what it has taken is believed up to what was sent", async () => {
    const { alice, bob } = await unlockedScene();
    const { socket } = await opened(alice);
    socket.say({ Received: Number.MAX_SAFE_INTEGER });
    await rename(bob, "bert");
    expect(changed(await socket.next())).toEqual(["bert"]);
  });
});

describe("a large map", () => {
  test("comes in pieces, each once the one before it was taken; the last one carries the seq [X6]", async () => {
    const scene = await unlockedScene();
    await crowd(scene.tailnet, 280, 6600);
    const socket = await scene.alice.listen();
    const keys = new Set<string>();
    const first = await socket.next();
    expect([first.Seq, first.Node?.Key]).toEqual([0, scene.alice.nodeKey]);
    let piece = first;
    for (let pieces = 1; ; pieces++) {
      for (const { Key } of [...(piece.Peers ?? []), ...(piece.PeersChanged ?? [])]) keys.add(Key);
      if (piece.Seq > 0) break;
      expect(pieces).toBeLessThan(10);
      expect(socket.unread).toBe(0);
      await hibernate(scene);
      if (pieces === 1) await rename(scene.bob, "bert");
      socket.acknowledge();
      piece = await socket.next();
    }
    expect(keys.size).toBe(282);
    expect(changed(await socket.next())).toEqual(["bert"]);
  });

  test("is sent no further to who does not take it, and its reader is cut off once too much is under way [X8]", async () => {
    const scene = await unlockedScene();
    await crowd(scene.tailnet, 280, 6600);
    const socket = await scene.alice.listen();
    await socket.next();
    await rename(scene.bob, "bert");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(socket.unread).toBe(0);
    const small = await opened(scene.carol);
    socket.close();
    for (;;) {
      if (small.full.Seq > 0) break;
      small.socket.acknowledge();
      small.full = await small.socket.next();
    }
    let touched = 0;
    for (; touched < 12 && !small.socket.isClosed; touched++) {
      await sql(
        scene.tailnet,
        "UPDATE tailnet SET seq = seq + 1",
        "UPDATE nodes SET changed = (SELECT seq FROM tailnet) WHERE id < 110",
      );
      await rename(scene.bob, `b${touched}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect((await small.socket.closed).code).toBe(MAP_CLOSE.slow);
  });
});

describe("first maps of many nodes at once", () => {
  test("wait for one another; who takes nothing is cut off, and the next have their turn [X8]", async () => {
    const scene = await unlockedScene();
    await crowd(scene.tailnet, 100, 600);
    const pace = { mostOfFirstMaps: 200_000, stalledMs: 2000, watchMs: 100 };
    await inItForThisTest(sessions(scene.tailnet, "socket"), ({ audience }) => audience, pace);
    const nodes = [scene.alice, scene.bob, scene.carol];
    const sockets = await Promise.all([...nodes, ...nodes].map((node) => node.listen()));
    const answered = (): MapSocket[] => sockets.filter(({ texts }) => texts.length > 0);
    await eventually(() => expect(answered().length).toBeGreaterThan(1));
    expect(answered().length).toBeLessThan(6);
    const [first] = answered();
    await first?.next();
    first?.acknowledge();
    await eventually(() => expect(answered()).toHaveLength(6));
    expect(first?.isClosed).toBe(false);
    expect(sockets.filter(({ isClosed }) => isClosed).length).toBeGreaterThan(1);
  }, 30_000);
});

describe("an upgrade", () => {
  test("brings no identity from outside: a ticket in its headers is nothing", async () => {
    const { alice, bob } = await unlockedScene();
    const ticket = encodeURIComponent(JSON.stringify({ admitted: { nodeKey: bob.nodeKey, nodeId: 2 }, wish: null }));
    const socket = await alice.socket({ "x-tailward-ticket": ticket });
    socket.say();
    expect((await socket.next()).Node?.Key).toBe(alice.nodeKey);
  });

  test.each<[string, Readonly<Record<string, string>>, number]>([
    ["without the subprotocol", { "sec-websocket-protocol": "chat" }, 400],
    ["to something else", { upgrade: "h2c" }, 400],
    ["with another's signature", { signature: "tailward=:AAAA:" }, 401],
  ])("%s is refused", async (_, headers, status) => {
    const { alice } = await unlockedScene();
    const response = await alice.upgrade(headers);
    expect([response.status, response.webSocket]).toEqual([status, null]);
  });

  test("of another machine's node key is refused", async () => {
    const { alice, bob } = await unlockedScene();
    const eve = new TestNode("eve");
    eve.nodeKey = bob.nodeKey;
    const { status } = await eve.upgrade();
    expect([status, (await alice.upgrade({}, { sentPath: "/machine/map/nodekey:xyz" })).status]).toEqual([404, 401]);
  });

  test("is good once", async () => {
    const { alice } = await unlockedScene();
    const created = Math.floor(Date.now() / 1000);
    const parameters = { nonce: "0123456789abcdef", created, expires: created + SIGNATURE_LIFETIME_S };
    expect((await alice.upgrade({}, { parameters })).status).toBe(101);
    expect((await alice.upgrade({}, { parameters })).status).toBe(401);
  });
});
