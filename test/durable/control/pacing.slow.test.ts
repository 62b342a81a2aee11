/** Connections of clients that are slow, many, large, or in the wrong place [X8] [X13] [X15]. */

import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { noiseCrypto, shardOf, type NodeSessions } from "../../../src/durable/index.ts";
import { setting, TYPE, frame } from "../../support/http2-frames.ts";
import { ControlClient, type ClientStream } from "../../support/workerd/control-client.ts";
import {
  again,
  aloneScene,
  controlScene,
  hibernate,
  inObject,
  joined,
  news,
  opened,
} from "../../support/workerd/control-scene.ts";
import { authorityOf, join, makeAuthKey, makeTailnet, sessions } from "../../support/workerd/control.ts";
import { crowd } from "../../support/workerd/crowd.ts";
import { inItForThisTest } from "../../support/workerd/for-this-test.ts";
import { changed, rename } from "../../support/workerd/news.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { eventually } from "../../support/eventually.ts";

const PLAIN = { Compress: "" };

/** Reads a full map to its end, acknowledging all; gives the peers. */
async function wholeMap(stream: ClientStream): Promise<number> {
  let peers = 0;
  for (;;) {
    const piece = await news(stream);
    peers += (piece.Peers ?? piece.PeersChanged ?? []).length;
    if (piece.Seq > 0) return peers;
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a client that takes nothing [X8]", () => {
  test("gets a large map piece by piece as it takes it, and then what has changed meanwhile, its object evicted between", async () => {
    const all = await aloneScene();
    await crowd(all.tailnet, 280, 6600);
    const { client } = all;
    client.isDeaf = true;
    const stream = client.map(PLAIN);
    let peers = (await stream.next()).Peers?.length ?? 0;
    for (const name of ["bert", "bill", "bart"]) await rename(all.bob, name);
    expect(stream.unread).toBe(0);
    await hibernate(all);
    // A piece may come before the PING that asks whether it was taken.
    const acknowledging = setInterval(() => {
      if (client.unanswered.length > 0) client.acknowledge();
    }, 5);
    for (let isDone = false; !isDone;) {
      const piece = await stream.next();
      isDone = piece.Seq > 0;
      peers += piece.PeersChanged?.length ?? 0;
    }
    expect(peers).toBe(281);
    clearInterval(acknowledging);
    client.isDeaf = false;
    client.acknowledge();
    const last = await news(stream);
    expect([changed(last), client.isClosed]).toEqual([["bart"], false]);
  });

  test("is cut off where it takes nothing of what is under way for too long", async () => {
    const all = await aloneScene();
    await crowd(all.tailnet, 280, 6600);
    all.client.isDeaf = true;
    const stream = all.client.map(PLAIN);
    await stream.next();
    await inObject(all, ({ connections }) => {
      connections.sweep(Date.now() + 60_000);
    });
    expect(all.client.isClosed).toBe(false);
    await inObject(all, ({ connections }) => {
      connections.sweep(Date.now() + 10 * 60_000);
    });
    expect((await all.client.closed).code).toBe(1008);
  });

  test("with small windows too: what cannot go out waits, and goes as they widen [X13]", async () => {
    const all = await aloneScene();
    await crowd(all.tailnet, 280, 6600);
    const { client } = all;
    client.send(frame(TYPE.settings, 0, 0, setting(4, 20_000)));
    const one = client.map({ Stream: false, ...PLAIN });
    expect((await one.next()).Peers).toHaveLength(281);
    expect((await one.whole()).reset).toBeNull();
    expect(await wholeMap(client.map(PLAIN))).toBe(281);
  });
});

describe("first maps of many clients at once", () => {
  test("wait for one another; who takes nothing is cut off, and the next have their turn [X8]", async () => {
    const all = await aloneScene();
    await crowd(all.tailnet, 100, 600);
    const others = await Promise.all(Array.from({ length: 5 }, (_, i) => joined(all.tailnet, `c${i}`)));
    const clients = [all.client, ...others.map(({ client }) => client)];
    for (const client of clients) client.isDeaf = true;
    const pace = (fields: Partial<NodeSessions["audience"]>): Promise<void> =>
      inItForThisTest(sessions(all.tailnet, "socket"), ({ audience }) => audience, fields);
    await pace({ mostOfFirstMaps: 150_000, watchMs: 100 });
    const streams = clients.map((client) => client.map(PLAIN));
    const answered = (): number => streams.filter(({ body }) => body.length > 0).length;
    await eventually(() => expect(answered()).toBeGreaterThan(0));
    for (const [i, client] of clients.entries()) await client.until(() => streams[i]?.status === 200);
    expect(answered()).toBeLessThan(6);
    for (const [i, client] of clients.entries()) if ((streams[i]?.body.length ?? 0) > 0) client.acknowledge();
    await eventually(() => expect(answered()).toBeGreaterThan(2));
    await pace({ stalledMs: 300 });
    await eventually(() => expect(answered()).toBe(6));
  });
});

describe("clients that have taken everything [X13]", () => {
  test("do not keep one another from being answered, however many maps went out", async () => {
    const all = await aloneScene();
    await crowd(all.tailnet, 100, 0);
    await inItForThisTest(sessions(all.tailnet, "socket"), ({ connections }) => connections, { mostToAll: 100_000 });
    // Each is below what a client is asked about, and together they are above what may be under way.
    for (let i = 0; i < 8; i++) {
      const map = await all.client.map({ ...PLAIN, Stream: false }).whole();
      expect(map.status).toBe(200);
    }
  });
});

describe("where a connection sits [X15]", () => {
  test("may be anywhere: one machine is in two tailnets over one connection, and hears of both", async () => {
    const all = await aloneScene();
    const stream = await opened(all.client);
    const other = await makeTailnet();
    const carol = new TestNode("carol");
    await join(other, carol);
    const first = all.client.nodeKey;
    all.client.nodeKey = new TestNode("x").nodeKey;
    expect((await all.client.register(await makeAuthKey(other))).status).toBe(200);
    const second = await opened(all.client);
    await hibernate(all);
    await rename(all.bob, "bert");
    await rename(carol, "cora");
    expect(changed(await news(stream))).toEqual(["bert"]);
    expect(changed(await news(second))).toEqual(["cora"]);
    const told = await authorityOf(other).sessionShards();
    expect(told).toMatchObject({ ok: true, value: { shards: [shardName(all.tailnet)] } });
    all.client.nodeKey = first;
  });

  test("stays as it is once its tailnet has shards of its own, and hears on; who asks anew is told to come back, and does", async () => {
    const all = await aloneScene();
    const stream = await opened(all.client);
    const hear = async (name: string): Promise<void> => {
      while (!changed(await news(stream)).includes(name));
    };
    await crowd(all.tailnet, 1000, 0);
    await join(all.tailnet, new TestNode("dave"));
    await hear("dave");
    await rename(all.bob, "bob-2");
    await hear("bob-2");
    expect([all.client.isSentAway, stream.isEnded]).toEqual([false, false]);
    all.client.map();
    expect((await all.client.closed).code).toBe(1000);
    expect([all.client.isSentAway, stream.isEnded]).toEqual([true, true]);
    const client = await again(all);
    const { machineKey } = client.initiator;
    const later = client.map();
    expect(await wholeMap(later)).toBe(1002);
    const held = await runInDurableObject(
      sessions(all.tailnet, "socket", { machineKey }, 2),
      ({ connections }) => connections.count,
    );
    expect(held).toBe(1);
    await rename(all.bob, "bert");
    expect(changed(await news(later))).toEqual(["bert"]);
  });

  test("and a node's TKAInfo is sent again there", async () => {
    const all = await aloneScene();
    const stream = all.client.map();
    const full = await stream.next();
    await sessions(all.tailnet, "socket").nudge(all.tailnet, full.Node?.ID ?? 0);
    expect((await news(stream)).TKAInfo?.Disabled).toBe(true);
  });
});

describe("limits [X13]", () => {
  test("requests at once of one connection, beyond which they are refused for now", async () => {
    const { client } = await controlScene();
    const asked = Array.from({ length: 20 }, () => client.frames("GET", "/nothing", null));
    client.send(...asked.flatMap(({ frames }) => frames));
    const statuses = await Promise.all(asked.map(async ({ stream }) => (await stream.whole()).status));
    expect(statuses).toEqual([...Array<number>(16).fill(404), ...Array<number>(4).fill(429)]);
    expect((await client.request("GET", "/nothing", null).whole()).status).toBe(404);
  });

  test("map streams of one connection, and of one node: the oldest end", async () => {
    const all = await aloneScene();
    const streams = [await opened(all.client), await opened(all.client), await opened(all.client)];
    await streams[0]?.whole();
    expect(streams.map(({ isEnded }) => isEnded)).toEqual([true, false, false]);
  });

  test("a login that waits keeps no other request of its connection waiting, and can be given up", async () => {
    const machine = noiseCrypto.newKeyPair();
    const client = await ControlClient.connect("waits", machine);
    const { AuthURL } = (await client.register("")).json;
    expect(String(AuthURL).startsWith(`${ORIGIN}/`)).toBe(true);
    const waiting = client.post("/machine/register", { Followup: AuthURL });
    expect((await client.request("GET", "/nothing", null).whole()).status).toBe(404);
    expect(waiting.status).toBe(0);
    client.send(frame(TYPE.reset, 0, waiting.id, [0, 0, 0, 8]));
    expect((await client.request("GET", "/nothing", null).whole()).status).toBe(404);
  });
});

function shardName(tailnet: string): string {
  return shardOf({ tailnet, machineKey: "" as never, shards: 0 }, "socket");
}
