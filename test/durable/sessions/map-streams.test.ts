/** Streams of maps, for nodes without WebSockets [X1] [X4] [M1] [M2], and one map at a time. */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { zstdCompressSync } from "node:zlib";
import type { StreamSessions } from "../../../src/durable/sessions/stream-sessions.ts";
import { zstdFrames } from "../../../src/durable/maps/zstd-frames.ts";
import { MapText } from "../../../src/durable/maps/text.ts";
import { PeerChunks } from "../../../src/durable/maps/peer-chunks.ts";
import type { Entry } from "../../../src/durable/maps/shown-entry.ts";
import { FRAME_HEADER_BYTES, KEEP_ALIVE_MS } from "../../../src/protocol/index.ts";
import { evicted } from "../../support/workerd/evicted.ts";
import { authorityOf, join, sessions, sql } from "../../support/workerd/control.ts";
import { crowd } from "../../support/workerd/crowd.ts";
import { inItForThisTest } from "../../support/workerd/for-this-test.ts";
import { lockedScene, unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import { changed, cutAdvance, rename } from "../../support/workerd/news.ts";
import { settled } from "../../support/workerd/record.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { unpackZstd } from "../../support/workerd/unpack-zstd.ts";
import { eventually } from "../../support/eventually.ts";

/** Longer than any test. */
const NEVER = 1_000_000;

/** Sets the pace of the tailnet's streams: how often they are compared, how often kept alive, how long a frame may wait for its reader. */
async function pace(
  { tailnet }: Scene,
  compareMs = NEVER,
  keepAliveMs = KEEP_ALIVE_MS,
  stalledMs = NEVER,
): Promise<void> {
  const shard = sessions(tailnet, "stream");
  await inItForThisTest(shard, (object) => object, { compareStreamsMs: compareMs });
  await inItForThisTest(shard, ({ streams }) => streams, { keepAliveMs, stalledMs });
}

function streamsOf({ tailnet }: Scene): Promise<number> {
  return runInDurableObject(sessions(tailnet, "stream"), ({ streams }: { streams: StreamSessions }) =>
    streams.of(tailnet),
  );
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a stream", () => {
  test.each(["", "zstd"])(
    "begins with the full map, and goes on with what changes (Compress: %j)",
    async (Compress) => {
      const scene = await unlockedScene();
      const stream = await scene.alice.stream({ Compress });
      const full = await stream.next();
      expect([full.Node?.Key, full.Peers?.length, full.TKAInfo?.Disabled]).toEqual([scene.alice.nodeKey, 2, true]);
      await join(scene.tailnet, new TestNode("dave"));
      expect(changed(await stream.next())).toEqual(["dave"]);
      await rename(scene.bob, "bert");
      expect(changed(await stream.next())).toEqual(["bert"]);
      await stream.close();
    },
  );

  test("leaves out what is zero, as Go does", async () => {
    const scene = await unlockedScene();
    const stream = await scene.alice.stream();
    const full = JSON.parse((await stream.json()) ?? "") as Record<string, unknown>;
    const once = ["Domain", "DNSConfig", "Debug", "MapSessionHandle", "PacketFilter", "SSHPolicy"];
    expect(Object.keys(full).sort()).toEqual([...once, "Node", "Peers", "Seq", "TKAInfo", "UserProfiles"].sort());
    expect(Object.keys((full["Peers"] as object[])[0] ?? {})).not.toContain("KeySignature");
    await rename(scene.bob, "bert");
    const delta = JSON.parse((await stream.json()) ?? "") as object;
    expect(Object.keys(delta).sort()).toEqual(["PeersChanged", "Seq"]);
    await stream.close();
  });

  test("is kept alive where that is asked for", async () => {
    const scene = await unlockedScene();
    await pace(scene, NEVER, 50);
    const stream = await scene.alice.stream();
    await stream.next();
    expect([(await stream.json()) ?? "", (await stream.json()) ?? ""]).toEqual([
      '{"KeepAlive":true}',
      '{"KeepAlive":true}',
    ]);
    await stream.close();
  });

  test("goes on where it was by handle and seq, also in another instance of its object", async () => {
    const scene = await unlockedScene();
    // An object that it shares with nobody: another test's stream would keep it from being evicted.
    await sql(scene.tailnet, "UPDATE tailnet SET shards = 1");
    await evictDurableObject(authorityOf(scene.tailnet));
    const full = await scene.alice.map();
    await evicted(sessions(scene.tailnet, "stream", scene.alice, 1));
    await rename(scene.bob, "bert");
    const stream = await scene.alice.streamAfter(full);
    const delta = await stream.next();
    expect([delta.Peers, changed(delta)]).toEqual([null, ["bert"]]);
    await stream.close();
  });

  test("hears of a change though nobody was told of it: the shard compares [X1]", async () => {
    const scene = await unlockedScene();
    await pace(scene, 50);
    const stream = await scene.alice.stream();
    await stream.next();
    await settled(scene.tailnet);
    cutAdvance();
    await rename(scene.bob, "bert");
    expect(changed(await stream.next())).toEqual(["bert"]);
    await stream.close();
  });

  test("hears of nothing where both ways are cut: the test above is about something", async () => {
    const scene = await unlockedScene();
    await pace(scene, NEVER, 300);
    const stream = await scene.alice.stream();
    await stream.next();
    await settled(scene.tailnet);
    cutAdvance();
    await rename(scene.bob, "bert");
    expect((await stream.next()).KeepAlive).toBe(true);
    await stream.close();
  });

  test("ends where its tailnet's layout is another [X3]", async () => {
    const scene = await unlockedScene();
    const stream = await scene.alice.stream();
    await stream.next();
    await crowd(scene.tailnet, 300, 10);
    await join(scene.tailnet, new TestNode("dave"));
    const toTheEnd = async (): Promise<never> => {
      for (;;) await stream.next();
    };
    await expect(toTheEnd()).rejects.toThrow("ended");
    const again = await scene.alice.stream();
    expect((await again.next()).Peers).toHaveLength(303);
    await again.close();
  });

  test("that its node has left is forgotten", async () => {
    const scene = await unlockedScene();
    await pace(scene, NEVER, 50);
    const stream = await scene.alice.stream();
    await stream.next();
    expect(await streamsOf(scene)).toBe(1);
    await stream.close();
    await eventually(async () => expect(await streamsOf(scene)).toBe(0));
  });

  test("is not written to without end where nobody reads, and ends after a while", async () => {
    const scene = await unlockedScene();
    await crowd(scene.tailnet, 280, 6600);
    await pace(scene, NEVER, KEEP_ALIVE_MS, 200);
    const stream = await scene.alice.stream();
    expect((await stream.next()).Seq).toBe(0);
    await eventually(async () => expect(await streamsOf(scene)).toBe(0));
  });

  test("of a large map comes in pieces, the last of which carries the seq", async () => {
    const scene = await unlockedScene();
    await crowd(scene.tailnet, 280, 6600);
    const stream = await scene.alice.stream();
    const seqs: number[] = [];
    let peers = 0;
    while (peers < 282) {
      const piece = await stream.next();
      seqs.push(piece.Seq);
      peers += piece.Peers?.length ?? piece.PeersChanged?.length ?? 0;
    }
    expect(seqs.map((seq) => seq > 0)).toEqual([false, false, true]);
    await stream.close();
  });
});

describe("zstd", () => {
  const random = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    return bytes;
  };

  // The platform's own call throws from some 40 KB of output on. That it does so still is seen in the last line.
  test("packs what the platform's own call does not", () => {
    for (const length of [0, 1, 40_000, 41_000, 96 * 1024, 96 * 1024 + 1, 500_000]) {
      const bytes = random(length);
      expect(unpackZstd(zstdFrames(bytes)), `${length} bytes`).toEqual(bytes);
    }
    expect(() => zstdCompressSync(random(500_000)), "mended: src/durable/maps/zstd-frames.ts can go").toThrow(
      "end of file",
    );
  });
});

describe("peers in chunks", () => {
  const node = (id: number, chars: number): Entry =>
    ({ id, json: JSON.stringify({ id, pad: "x".repeat(chars) }) }) as Entry;

  test("are all nodes but the one that is told, in order, as text and as zstd", () => {
    for (const count of [1, 2, 3, 50, 200]) {
      const all = Array.from({ length: count }, (_, i) => node(2 * i + 1, (i * 37) % 700));
      const chunks = new PeerChunks(all);
      for (const viewer of [1, 2, 3, count, 2 * count - 1]) {
        const message = new MapText("[", ...chunks.partsFor(viewer), "]");
        const ids = (JSON.parse(message.text) as { id: number }[]).map(({ id }) => id);
        expect(ids).toEqual(all.map(({ id }) => id).filter((id) => id !== viewer));
        const packed = message.frame(true).subarray(FRAME_HEADER_BYTES);
        expect(new TextDecoder().decode(unpackZstd(packed))).toBe(message.text);
      }
    }
  });
});

describe("one map", () => {
  test("is a whole one in one frame, however large", async () => {
    const scene = await unlockedScene();
    await crowd(scene.tailnet, 280, 6600);
    const map = await scene.alice.map();
    expect([map.Peers?.length, map.Seq > 0]).toEqual([282, true]);
  });

  test("with OmitPeers is an update of one's own: taken, answered by nothing, and no stream is disturbed", async () => {
    const scene = await unlockedScene();
    const stream = await scene.alice.stream();
    await stream.next();
    const answer = await scene.alice.poll({ OmitPeers: true, Hostinfo: { Hostname: "anna" } });
    expect([answer.status, answer.json]).toEqual([200, {}]);
    expect((await stream.next()).Node?.Hostinfo?.Hostname).toBe("anna");
    expect(await streamsOf(scene)).toBe(1);
    await stream.close();
  });

  test("says nothing of its host where it only reads: a stream of a current client, not one of an old one", async () => {
    const { alice, bob } = await unlockedScene();
    const names = async (Version: number, Hostname: string): Promise<string> => {
      const stream = await alice.stream({ Version, Hostinfo: { Hostname } });
      await stream.close();
      return (await bob.map()).Peers?.find(({ Key }) => Key === alice.nodeKey)?.Hostinfo?.Hostname ?? "";
    };
    expect([await names(67, "old"), await names(68, "new"), await names(148, "newest")]).toEqual(["old", "old", "old"]);
  });

  test("records the head that a stream says, and tells of the lock", async () => {
    const { alice, tailnet } = await lockedScene();
    const { TKAInfo } = await alice.map();
    const stream = await alice.stream({ Version: 148, TKAHead: TKAInfo?.Head ?? "" });
    await stream.next();
    const { authorityOf } = await import("../../support/workerd/control.ts");
    const heads = await runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
      storage.sql.exec(`SELECT tka_head FROM nodes WHERE node_key = '${alice.nodeKey}'`).toArray(),
    );
    expect(heads).toEqual([{ tka_head: TKAInfo?.Head }]);
    await stream.close();
  });

  test("of a tailnet whose history is another one is not made of both", async () => {
    const scene = await unlockedScene();
    const before = await scene.alice.map();
    await sql(
      scene.tailnet,
      "UPDATE tailnet SET epoch = 'eBBBBBBBBBB', seq = 1",
      "UPDATE nodes SET changed = 1, self_changed = 0",
    );
    const full = await scene.alice.mapAfter(before);
    expect([full.MapSessionHandle, full.Seq, full.Peers?.length]).toEqual(["eBBBBBBBBBB", 1, 2]);
  });
});
