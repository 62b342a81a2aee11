/** What one client may use up of an object that holds others too [X8] [X13] [X14]. */

import { describe, expect, test, vi } from "vitest";
import { noiseCrypto, type NodeSessions } from "../../../src/durable/index.ts";
import { concatBytes } from "../../../src/tka/index.ts";
import { frame } from "../../support/http2-frames.ts";
import { ControlClient } from "../../support/workerd/control-client.ts";
import {
  again,
  aloneScene,
  controlScene,
  inObject,
  joined,
  news,
  opened,
  type ControlScene,
} from "../../support/workerd/control-scene.ts";
import { sessions } from "../../support/workerd/control.ts";
import { crowd } from "../../support/workerd/crowd.ts";
import { inItForThisTest } from "../../support/workerd/for-this-test.ts";
import { changed, rename } from "../../support/workerd/news.ts";

const ONE_MAP = { Stream: false, Compress: "" };
const UPDATE = { Stream: false, OmitPeers: true };
const LARGE = 900 * 1024;

/** Sets what all connections of the object may have together. */
function limit({ tailnet }: ControlScene, limits: Partial<NodeSessions["connections"]>): Promise<void> {
  return inItForThisTest(sessions(tailnet, "socket"), ({ connections }) => connections, limits);
}

describe("a client that acknowledges nothing", () => {
  test("loses its connection where others would be refused for it [X13]", async () => {
    const all = await aloneScene();
    await crowd(all.tailnet, 100, 6600);
    const { client: other } = await joined(all.tailnet, "other");
    all.client.isDeaf = true;
    await all.client.map(ONE_MAP).next();
    await limit(all, { mostToAll: 500_000, fairToOne: 10_000 });
    expect((await other.map(UPDATE).whole()).status).toBe(200);
    expect((await all.client.closed).code).toBe(1008);
  });

  test("loses it after a while, whatever it says meanwhile and without a map stream [X14]", async () => {
    const all = await aloneScene();
    await crowd(all.tailnet, 100, 6600);
    all.client.isDeaf = true;
    await all.client.map(ONE_MAP).next();
    await all.client.map(UPDATE).whole();
    expect(all.client.unanswered.length).toBeGreaterThan(0);
    await inObject(all, ({ connections }) => {
      connections.sweep(Date.now() + 60_000);
    });
    expect((await all.client.map(UPDATE).whole()).status).toBe(200);
    await inObject(all, ({ connections }) => {
      connections.sweep(Date.now() + 121_000);
    });
    expect((await all.client.closed).code).toBe(1008);
  });
});

describe("a machine's requests", () => {
  test("have few bytes in flight while they are held, and those of others are answered [X13]", async () => {
    const all = await aloneScene();
    const stranger = await ControlClient.connect("waits", noiseCrypto.newKeyPair());
    const { AuthURL } = (await stranger.register("")).json;
    const pad = "x".repeat(LARGE);
    const held = [0, 1].map(() => stranger.post("/machine/register", { Followup: AuthURL, Pad: pad }));
    const refused = await stranger.post("/machine/register", { Followup: AuthURL, Pad: pad }).whole();
    expect([refused.status, held.map(({ status }) => status)]).toEqual([503, [0, 0]]);
    expect((await stranger.request("GET", "/nothing", null).whole()).status).toBe(404);
    expect((await all.client.map(UPDATE).whole()).status).toBe(200);
    stranger.close();
  });

  test("are small where they are none of the lock's [X13]", async () => {
    const { client } = await controlScene();
    const body = new Uint8Array(1024 * 1024 + 1).fill(32);
    expect((await client.request("POST", "/machine/map", body).whole()).status).toBe(413);
    expect((await client.request("POST", "/machine/tka/sync/../../register", body).whole()).status).toBe(413);
    expect((await client.request("POST", "/machine/tka/sync/send", body).whole()).status).toBe(400);
  });
});

test("a message that would take an object's memory to open is not opened [X13]", async () => {
  const all = await aloneScene();
  // Frames that nobody knows cost the server nothing but to open them.
  const frames = concatBytes(...Array.from({ length: 60 }, () => frame(0x20, 0, 0, new Uint8Array(16_384))));
  all.client.sendRaw(all.client.seal(frames));
  expect((await all.client.map(UPDATE).whole()).status).toBe(200);
  all.client.sendRaw(all.client.seal(frames, frames));
  expect((await all.client.closed).code).toBe(1002);
});

test("an answer larger than a message comes in several, as bridges take them [X9]", async () => {
  const all = await aloneScene();
  await crowd(all.tailnet, 280, 6600);
  const one = all.client.map(ONE_MAP);
  expect((await one.next()).Peers).toHaveLength(281);
  expect([one.body.length > 1_200_000, all.client.largest]).toEqual([true, 1024 * 1024]);
});

test("where there is no more room for connections, the one that is idle for longest makes some [X14]", async () => {
  const all = await aloneScene();
  const stream = await opened(all.client);
  const { client: idle } = await joined(all.tailnet, "idle");
  expect((await idle.map(UPDATE).whole()).status).toBe(200);
  await limit(all, { mostConnections: await inObject(all, ({ connections }) => connections.count) });
  vi.spyOn(Date, "now").mockReturnValue(Date.now() + 6000);
  const next = await again(all);
  vi.restoreAllMocks();
  expect((await idle.closed).code).toBe(1000);
  expect((await next.map(UPDATE).whole()).status).toBe(200);
  expect(stream.isEnded).toBe(false);
});

test("a tailnet to which very much is under way waits with its news, and gets them in one; another does not wait [X8]", async () => {
  const all = await aloneScene();
  const other = await controlScene();
  await crowd(all.tailnet, 100, 6600);
  const [stream, theirs] = [await opened(all.client), await opened(other.client)];
  all.client.isDeaf = true;
  const pace = { mostOfNews: 100_000, watchMs: 60_000 };
  for (const { tailnet } of [all, other])
    await inItForThisTest(sessions(tailnet, "socket"), ({ audience }) => audience, pace);
  const { client: second } = await joined(all.tailnet, "second");
  second.isDeaf = true;
  await second.map({ Compress: "" }).next();
  while (!stream.isEnded && changed(await news(stream))[0] !== "second");
  for (const name of ["bert", "bill"]) await rename(all.bob, name);
  await rename(other.bob, "cora");
  while (changed(await news(theirs))[0] !== "cora");
  expect(stream.unread).toBe(0);
  second.acknowledge();
  expect(changed(await news(stream))).toEqual(["bill"]);
});
