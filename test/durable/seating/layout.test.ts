/** Which sessions object holds which node [X3] [X4], and whom the authority tells. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { MachineKey } from "../../../src/protocol/index.ts";
import { layoutFor, shardOf } from "../../../src/durable/seating/layout.ts";
import { authorityOf, join, sessions, sql } from "../../support/workerd/control.ts";
import { crowd } from "../../support/workerd/crowd.ts";
import { later } from "../../support/workerd/clock.ts";
import { unlockedScene } from "../../support/workerd/locked.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { eventually } from "../../support/eventually.ts";

const mkey = (i: number): MachineKey => `mkey:${i.toString(16).padStart(64, "0")}` as MachineKey;

describe("the layout", () => {
  test.each([
    [0, 0, 0],
    [300, 0, 0],
    [301, 0, 1],
    [1000, 0, 1],
    [1001, 1, 2],
    [2001, 2, 4],
    [10_000, 4, 16],
    // It shrinks late.
    [301, 1, 1],
    [76, 1, 1],
    [75, 1, 0],
    [600, 2, 2],
    [250, 2, 0],
    [4001, 16, 16],
    [2000, 16, 2],
  ])("of %i nodes after %i shards is %i", (nodes, current, next) => {
    expect(layoutFor(nodes, current)).toBe(next);
  });

  test("spreads nodes evenly, and keeps streams apart from sockets", () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      const seat = { tailnet: "T0123456789", machineKey: mkey(i), shards: 4 };
      const name = shardOf(seat, "socket");
      counts.set(name, (counts.get(name) ?? 0) + 1);
      expect(shardOf(seat, "stream")).toBe(`streams-${name}`);
    }
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3].map((i) => `T0123456789-4-${i}`));
    expect(Math.min(...counts.values())).toBeGreaterThan(900);
  });

  test("has all nodes of a small tailnet in one object, and small tailnets in few", () => {
    const name = (tailnet: string, i: number) => shardOf({ tailnet, machineKey: mkey(i), shards: 0 }, "socket");
    expect(name("T0123456789", 1)).toBe(name("T0123456789", 2));
    const names = new Set(Array.from({ length: 1000 }, (_, i) => name(`T${i}`, 0)));
    expect(names.size).toBe(16);
  });
});

describe("the authority", () => {
  const shards = (tailnet: string): Promise<unknown[]> =>
    runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
      storage.sql
        .exec("SELECT name FROM session_shards ORDER BY name")
        .toArray()
        .map((row) => row["name"]),
    );

  test("knows the objects that sessions were sent to, and forgets those that hold nobody", async () => {
    const { tailnet, alice, bob } = await unlockedScene();
    expect(await shards(tailnet)).toEqual([]);
    const socket = await alice.listen();
    await socket.next();
    await bob.map();
    const [ofSockets, ofStreams] = [
      shardOf({ tailnet, machineKey: mkey(0), shards: 0 }, "socket"),
      `streams-${shardOf({ tailnet, machineKey: mkey(0), shards: 0 }, "socket")}`,
    ];
    expect(await shards(tailnet)).toEqual([ofSockets, ofStreams]);
    await join(tailnet, new TestNode("dave"));
    await socket.next();
    expect(await shards(tailnet)).toEqual([ofSockets, ofStreams]);
    await later(11 * 60_000, async () => {
      await join(tailnet, new TestNode("emil"));
      await socket.next();
      await eventually(async () => expect(await shards(tailnet)).toEqual([ofSockets]));
    });
    const told = await authorityOf(tailnet).sessionShards();
    expect(told).toMatchObject({ ok: true, value: { shards: [ofSockets] } });
  });

  test("gives a tailnet that grows shards of its own, by machine, and tells all of them", async () => {
    const { tailnet, alice, bob, carol } = await unlockedScene();
    await crowd(tailnet, 1000, 0);
    await sql(tailnet, "UPDATE tailnet SET seq = seq + 1");
    await join(tailnet, new TestNode("dave"));
    const nodes = [alice, bob, carol];
    const sockets = await Promise.all(nodes.map((node) => node.listen()));
    for (const socket of sockets) expect((await socket.next()).Peers).toHaveLength(1003);
    for (const node of nodes) {
      const held = await runInDurableObject(
        sessions(tailnet, "socket", node, 2),
        (_, ctx) => ctx.getWebSockets().length,
      );
      expect(held).toBeGreaterThan(0);
    }
    await join(tailnet, new TestNode("emil"));
    for (const socket of sockets) expect((await socket.next()).PeersChanged).toHaveLength(1);
  });
});
