/** Connections of Tailscale clients [X9] to [X15]: on real objects, which are evicted in the middle of them. */

import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { noiseCrypto } from "../../../src/durable/index.ts";
import { MAX_BODY_BYTES } from "../../../src/protocol/index.ts";
import { encodeHex } from "../../../src/tka/index.ts";
import { TYPE } from "../../support/http2-frames.ts";
import { ControlClient } from "../../support/workerd/control-client.ts";
import { again, controlScene, hibernate, inObject, news, opened } from "../../support/workerd/control-scene.ts";
import { makeAuthKey, sessions } from "../../support/workerd/control.ts";
import { inItForThisTest } from "../../support/workerd/for-this-test.ts";
import { changed, rename } from "../../support/workerd/news.ts";
import { eventually } from "../../support/eventually.ts";

const RESET_REFUSED = 7;

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a client", () => {
  test("registers, is told to come back where its tailnet is held, and has its map there [X15]", async () => {
    const { tailnet } = await controlScene();
    const machine = noiseCrypto.newKeyPair();
    const early = await ControlClient.connect("new", machine);
    const newcomer = await ControlClient.connect("new", machine);
    expect((await newcomer.register("no auth key")).status).toBe(200);
    expect(newcomer.isSentAway).toBe(false);
    expect((await newcomer.register(await makeAuthKey(tailnet))).status).toBe(200);
    expect([(await newcomer.closed).code, newcomer.isSentAway]).toEqual([1000, true]);
    // Before the answer: who has read that does not ask for a map here any more.
    const { frameTypes } = newcomer;
    expect(frameTypes.lastIndexOf(TYPE.headers)).toBeGreaterThan(frameTypes.indexOf(TYPE.goAway));
    const sameNode = early.map({ NodeKey: newcomer.nodeKey });
    expect([(await sameNode.whole()).reset, early.isSentAway, (await early.closed).code]).toEqual([
      RESET_REFUSED,
      true,
      1000,
    ]);
    const client = await ControlClient.connect("new", machine, newcomer.nodeKey);
    const stream = client.map();
    const full = await stream.next();
    expect([stream.status, full.Node?.Key, full.Peers?.length]).toEqual([200, client.nodeKey, 2]);
  });

  test("hears of what changes, nothing twice and nothing lost, its object evicted before every message [X10]", async () => {
    const all = await controlScene();
    const stream = await opened(all.client);
    const seqs: number[] = [];
    for (let i = 0; i < 6; i++) {
      await hibernate(all);
      await rename(all.bob, `name${i}`);
      const delta = await news(stream);
      expect([changed(delta), delta.Peers]).toEqual([[`name${i}`], null]);
      seqs.push(delta.Seq);
      if (i % 2 === 0) continue;
      await hibernate(all);
      const update = await all.client.map({ Stream: false, OmitPeers: true }).whole();
      expect([update.status, update.body.length]).toEqual([200, 0]);
    }
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(stream.unread).toBe(0);
  });

  test("gets one map without a stream, plain and compressed, and an update does not disturb its stream", async () => {
    const { client } = await controlScene();
    const stream = await opened(client);
    for (const Compress of ["", "zstd"]) {
      const one = client.map({ Stream: false, Compress });
      expect((await one.next()).Peers).toHaveLength(1);
      expect((await one.whole()).reset).toBeNull();
    }
    expect((await client.map({ Stream: false, OmitPeers: true, ReadOnly: true }).whole()).status).toBe(200);
    expect([stream.unread, stream.isEnded]).toEqual([0, false]);
  });

  test("asks by GET with a body, under any authority and length, and is answered as by POST [X12]", async () => {
    const { client } = await controlScene();
    const get = await client.post("/machine/tka/sync/offer", { Head: "", Ancestors: [] }, "GET").whole();
    const post = await client.post("/machine/tka/sync/offer", { Head: "", Ancestors: [] }).whole();
    expect([get.status, get.text]).toEqual([post.status, post.text]);
    const body = new TextEncoder().encode(JSON.stringify({ NodeKey: client.nodeKey, Stream: false, OmitPeers: true }));
    const asked = client.request("POST", "/machine/map", body, [":authority", "//other"]);
    expect((await asked.whole()).reset ?? asked.status).toBeGreaterThan(0);
    const plain = await client.request("GET", "/nothing", null).whole();
    expect(plain.status).toBe(404);
  });

  test("is nobody that a header or a path says [X12]", async () => {
    const { client, bob } = await controlScene();
    const other = client.request(
      "POST",
      "/machine/map",
      new TextEncoder().encode(JSON.stringify({ NodeKey: bob.nodeKey, OmitPeers: true })),
      ["x-tailward-map", "1"],
      ["x-tailward-ticket", "{}"],
    );
    expect((await other.whole()).status).toBe(404);
    const foreign = await client.request("GET", "//evil.example/machine/map", null).whole();
    expect(foreign.status).toBe(404);
    expect((await client.request("TRACE", "/machine/map", null).whole()).status).toBe(400);
  });
});

describe("what is saved of a connection", () => {
  test("is small, also with all the map streams that it may have [X10]", async () => {
    const all = await controlScene();
    const streams = [await opened(all.client), await opened(all.client)];
    const size = await inObject(all, (_, ctx) =>
      Math.max(
        ...ctx
          .getWebSockets(`control ${all.client.initiator.machineKey}`)
          .map((socket) => (socket.deserializeAttachment() as Uint8Array).length),
      ),
    );
    expect(streams.map(({ isEnded }) => isEnded)).toEqual([false, false]);
    expect(size).toBeGreaterThan(100);
    expect(size).toBeLessThan(4096);
  });

  test.each([
    ["of another version", (saved: Uint8Array) => saved.with(0, 9)],
    ["cut off", (saved: Uint8Array) => saved.slice(0, 20)],
    ["of no meaning", () => new Uint8Array([1, 1, 0, 0, 0, 0, 123])],
    ["nothing", () => null],
  ])("and is %s has the client come back [X10]", async (_, spoil) => {
    const all = await controlScene();
    // What it acknowledged late would have the connection saved anew, and so would a word to it.
    all.client.isDeaf = true;
    await opened(all.client);
    await inObject(all, ({ connections: { sockets } }, ctx) => {
      for (const socket of ctx.getWebSockets(`control ${all.client.initiator.machineKey}`)) {
        sockets.get(socket)?.over();
        socket.serializeAttachment(spoil(socket.deserializeAttachment() as Uint8Array));
      }
    });
    await hibernate(all);
    all.client.post("/machine/map", { OmitPeers: true });
    expect((await all.client.closed).code).toBe(1012);
    expect((await opened(await again(all))).status).toBe(200);
  });

  test("is nothing while a part of a request has come: who leaves it at that loses the connection [X11]", async () => {
    const all = await controlScene();
    await opened(all.client);
    const { stream, frames } = all.client.frames("POST", "/nothing", new Uint8Array(100));
    all.client.send(frames[0] ?? new Uint8Array(0));
    const saved = (): Promise<number[]> =>
      inObject(all, (_, ctx) =>
        ctx
          .getWebSockets(`control ${all.client.initiator.machineKey}`)
          .map((socket) => (socket.deserializeAttachment() as Uint8Array).length),
      );
    await eventually(async () => expect(await saved()).toEqual([2]));
    all.client.send(frames[1] ?? new Uint8Array(0));
    expect((await stream.whole()).status).toBe(404);
    expect((await saved())[0]).toBeGreaterThan(100);
    await inItForThisTest(sessions(all.tailnet, "socket"), ({ connections }) => connections.sockets, {
      standingMs: 0,
      watchMs: 10,
    });
    all.client.sendRaw(all.client.seal(new Uint8Array(9)).subarray(0, 5));
    expect((await all.client.closed).code).toBe(1008);
  });
});

describe("records [X9]", () => {
  test("come once and in order while requests, news and keep-alives interleave, the object evicted between", async () => {
    const sealed = new Set<string>();
    const seal = noiseCrypto.seal.bind(noiseCrypto);
    vi.spyOn(noiseCrypto, "seal").mockImplementation((key, nonce, ...rest) => {
      const use = `${encodeHex(key)} ${encodeHex(nonce)}`;
      expect(sealed.has(use)).toBe(false);
      sealed.add(use);
      return seal(key, nonce, ...rest);
    });
    const all = await controlScene();
    const stream = await opened(all.client);
    for (let round = 0; round < 3; round++) {
      const asked = Array.from({ length: 8 }, () => all.client.map({ Stream: false, OmitPeers: true }));
      const told = rename(all.bob, `round${round}`);
      const rung = runDurableObjectAlarm(sessions(all.tailnet, "socket"));
      for (const one of asked) expect((await one.whole()).status).toBe(200);
      await Promise.all([told, rung]);
      let name = "";
      while (name !== `round${round}`) name = changed(await stream.next())[0] ?? name;
      await hibernate(all);
    }
    expect(sealed.size).toBeGreaterThan(30);
  });

  test.each(["serializeAttachment", "send"] as const)(
    "are not sent again where %s fails in the middle of the step: the connection is over",
    async (method) => {
      const all = await controlScene();
      const stream = await opened(all.client);
      const before = all.client.records;
      await inObject(all, ({ connections }) => {
        const socket = [...connections.sockets.all().keys()].at(-1);
        const good = WebSocket.prototype[method] as (...given: unknown[]) => void;
        let failures = 1;
        const spoilt = (...given: unknown[]): void => {
          if (failures-- > 0) throw new Error("made to fail");
          good.apply(socket, given);
        };
        Object.defineProperty(socket, method, { value: spoilt });
      });
      await rename(all.bob, "bert");
      expect((await all.client.closed).code).toBe(1011);
      expect([all.client.records, stream.unread]).toEqual([before, 0]);
      expect((await opened(await again(all))).status).toBe(200);
    },
  );

  test("that do not open end the connection; a text does too", async () => {
    const all = await controlScene();
    const record = all.client.seal(new Uint8Array(4));
    all.client.sendRaw(record);
    all.client.sendRaw(record);
    expect((await all.client.closed).code).toBe(1002);
    const other = await again(all);
    other.sendRaw("text");
    expect((await other.closed).code).toBe(1002);
  });
});

describe("limits", () => {
  test("a body that is too large is refused, and the connection goes on [X13]", async () => {
    const { client } = await controlScene();
    const large = await client.request("POST", "/machine/map", new Uint8Array(MAX_BODY_BYTES + 1)).whole();
    expect(large.status).toBe(413);
    expect((await client.map({ Stream: false, OmitPeers: true }).whole()).status).toBe(200);
  });

  test("a machine may have some connections; those beyond, the oldest first, are told to come back, and not for who only repeats a handshake [X14]", async () => {
    const all = await controlScene();
    const first = all.client;
    await opened(first);
    const replayed = await Promise.all(Array.from({ length: 6 }, () => ControlClient.open(first.initiator)));
    for (const socket of replayed) socket.accept();
    expect((await first.map({ Stream: false, OmitPeers: true }).whole()).status).toBe(200);
    const later: ControlClient[] = [];
    for (let i = 0; i < 4; i++) {
      const client = await again(all);
      later.push(client);
      expect((await client.map({ Stream: false, OmitPeers: true }).whole()).status).toBe(200);
    }
    expect((await first.closed).code).toBe(1000);
    expect([first.isSentAway, later.map(({ isClosed }) => isClosed)]).toEqual([true, [false, false, false, false]]);
  });
});

describe("where there are too many connections", () => {
  test("no more are taken; those that have proven nothing go after a while [X14]", async () => {
    const all = await controlScene();
    const silent = await ControlClient.open(await ControlClient.handshake(all.machine));
    silent.accept();
    const most = await inObject(all, ({ connections }) => {
      // Those of earlier tests may be held here too, idle for so long that they would make room.
      for (const [socket, { facts }] of Array.from(connections.sockets.all()))
        if (facts.machineKey !== all.client.initiator.machineKey) connections.sockets.close(socket, "left");
      return connections.count;
    });
    await inItForThisTest(sessions(all.tailnet, "socket"), ({ connections }) => connections, { mostConnections: most });
    await expect(again(all)).rejects.toThrow("refused: 503");
    await inObject(all, ({ connections }) => {
      vi.spyOn(Date, "now").mockReturnValue(Date.now() + 6000);
      return connections.count;
    });
    expect((await opened(await again(all))).status).toBe(200);
    vi.restoreAllMocks();
    expect(most).toBeGreaterThan(1);
  });
});

describe("the alarm", () => {
  test("keeps streams alive, and lets them hear of what was lost on both ways [X1]", async () => {
    const all = await controlScene();
    const stream = await opened(all.client);
    await runDurableObjectAlarm(sessions(all.tailnet, "socket"));
    expect((await stream.next()).KeepAlive).toBe(true);
    await hibernate(all);
    await runDurableObjectAlarm(sessions(all.tailnet, "socket"));
    expect((await stream.next()).KeepAlive).toBe(true);
  });

  test("is due again within the time of a keep-alive", async () => {
    const all = await controlScene();
    await opened(all.client);
    await eventually(async () =>
      expect((await inObject(all, (_, ctx) => ctx.storage.getAlarm())) ?? Infinity).toBeLessThanOrEqual(
        Date.now() + 50_000,
      ),
    );
  });
});
