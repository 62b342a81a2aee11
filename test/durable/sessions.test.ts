/** The object that holds the polls [X1][X2], and what it shows of a tailnet [M1][M2]. */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { NodeSessions } from "../../src/durable/index.ts";
import { POLL_MS, mapResponse, type MapResponse } from "../../src/protocol/index.ts";
import { join, sessions, sql } from "../support/workerd/control.ts";
import { unlockedScene } from "../support/workerd/locked.ts";
import { TestNode, accepted } from "../support/workerd/test-node.ts";

/** Longer than any test. */
const NEVER = 1_000_000;

/** Sets the pace of the sessions object: how often it compares, and how long a poll waits. */
function pace(compareMs: number, pollMs: number = POLL_MS): Promise<void> {
  return runInDurableObject(sessions(), (instance) => {
    Object.assign(instance, { compareMs, pollMs });
  });
}

/** Loses every call by which an authority hurries the sessions object. */
function cutAdvance(): void {
  vi.spyOn(NodeSessions.prototype, "advance").mockResolvedValue();
}

function changed({ PeersChanged }: MapResponse): string[] {
  return (PeersChanged ?? []).map(({ Hostinfo }) => Hostinfo?.Hostname ?? "");
}

async function rename(node: TestNode, hostname: string): Promise<void> {
  expect((await node.register("", { Hostinfo: { Hostname: hostname } })).status).toBe(200);
}

afterEach(async () => {
  vi.restoreAllMocks();
  await evictDurableObject(sessions());
});

describe("a waiting poll", () => {
  test("is woken by a change, and so are many", async () => {
    await pace(NEVER);
    const { tailnet, alice, bob, carol } = await unlockedScene();
    const nodes = [alice, bob, carol, new TestNode("dora"), new TestNode("emil")];
    await join(tailnet, ...nodes.slice(3));
    const map = await alice.map();
    const waiting = nodes.flatMap((node) => Array.from({ length: 8 }, () => node.mapAfter(map)));
    await join(tailnet, new TestNode("dave"));
    for (const delta of await Promise.all(waiting)) expect(changed(delta)).toEqual(["dave"]);
  });

  test("hears of a change though nobody was told of it: the shard compares [X1]", async () => {
    await pace(50);
    const { tailnet, alice } = await unlockedScene();
    const map = await alice.map();
    cutAdvance();
    const waiting = alice.mapAfter(map);
    await join(tailnet, new TestNode("dave"));
    expect(changed(await waiting)).toEqual(["dave"]);
  });

  test("hears of nothing where both ways are cut: the two tests above are about something", async () => {
    await pace(NEVER, 300);
    const { tailnet, alice } = await unlockedScene();
    const map = await alice.map();
    cutAdvance();
    const waiting = alice.mapAfter(map);
    await scheduled();
    await join(tailnet, new TestNode("dave"));
    expect((await waiting).KeepAlive).toBe(true);
    expect(changed(await alice.mapAfter(map))).toEqual(["dave"]);
  });

  test("is answered after a while without news", async () => {
    await pace(NEVER, 100);
    const { alice } = await unlockedScene();
    const answer = await alice.mapAfter(await alice.map());
    expect([answer.KeepAlive, answer.MapSessionHandle, answer.Peers]).toEqual([true, "", null]);
  });

  test("goes on where it was when the object is gone meanwhile [X2]", async () => {
    await pace(NEVER);
    const { tailnet, alice } = await unlockedScene();
    const map = await alice.map();
    await evictDurableObject(sessions());
    await join(tailnet, new TestNode("dave"));
    expect(changed(await alice.mapAfter(map))).toEqual(["dave"]);
  });

  test("is told of its own change, and of those it has missed, at once", async () => {
    await pace(NEVER);
    const { alice, bob, carol } = await unlockedScene();
    const map = await alice.map();
    await rename(alice, "anna");
    await rename(bob, "bert");
    await rename(carol, "cora");
    const delta = await alice.mapAfter(map);
    expect([delta.Node?.Hostinfo?.Hostname, changed(delta)]).toEqual(["anna", ["bert", "cora"]]);
    expect(delta.TKAInfo).toBeNull();
  });

  test("does not lose a change that comes between two polls", async () => {
    await pace(NEVER);
    const { alice, bob } = await unlockedScene();
    let last = await alice.map();
    const seen: string[] = [];
    const renames = (async () => {
      for (let i = 0; i < 10; i++) await rename(bob, `bob${i}`);
    })();
    while (seen.at(-1) !== "bob9") {
      last = await alice.mapAfter(last);
      seen.push(...changed(last));
    }
    await renames;
    expect(seen.at(-1)).toBe("bob9");
  });
});

describe("a session", () => {
  test.each([
    ["of another epoch", { MapSessionHandle: "eAAAAAAAAAA" }],
    ["without a handle", { MapSessionHandle: "" }],
    ["from the future", { MapSessionSeq: 1_000 }],
  ])("%s begins anew", async (_, fields) => {
    const { alice } = await unlockedScene();
    const { MapSessionHandle, Seq: MapSessionSeq } = await alice.map();
    const answer = await alice.poll({ MapSessionHandle, MapSessionSeq, ...fields });
    const full = accepted(answer, mapResponse);
    expect([full.Node?.Key, full.Peers?.length, full.TKAInfo?.Disabled]).toEqual([alice.nodeKey, 2, true]);
  });

  test("begins anew where the authority's history is another one", async () => {
    await pace(NEVER);
    const { tailnet, alice } = await unlockedScene();
    const map = await alice.map();
    await sql(tailnet, "UPDATE tailnet SET epoch = 'eBBBBBBBBBB', seq = 1", "UPDATE nodes SET changed = 1");
    const full = await alice.mapAfter(map);
    expect([full.MapSessionHandle, full.Seq, full.Peers?.length]).toEqual(["eBBBBBBBBBB", 1, 2]);
  });

  test("begins anew where that happens while it waits", async () => {
    await pace(50);
    const { tailnet, alice } = await unlockedScene();
    const waiting = alice.mapAfter(await alice.map());
    await scheduled();
    await sql(tailnet, "UPDATE tailnet SET epoch = 'eBBBBBBBBBB', seq = 1", "UPDATE nodes SET changed = 1");
    const full = await waiting;
    expect([full.MapSessionHandle, full.Seq, full.Peers?.length]).toEqual(["eBBBBBBBBBB", 1, 2]);
  });
});

/** Time for a request that was made to reach its object. */
function scheduled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

describe("two tailnets in one object", () => {
  test("never see one another", async () => {
    await pace(NEVER, 300);
    const [ours, theirs] = [await unlockedScene(), await unlockedScene()];
    const waiting = ours.alice.mapAfter(await ours.alice.map());
    await rename(theirs.bob, "loud");
    await join(theirs.tailnet, new TestNode("dave"));
    const theirKeys = new Set([theirs.alice, theirs.bob, theirs.carol].map(({ nodeKey }) => nodeKey));
    expect((await waiting).KeepAlive).toBe(true);
    const map = await ours.alice.map();
    expect(map.Peers?.some(({ Key }) => theirKeys.has(Key))).toBe(false);
    expect(map.Domain).not.toBe((await theirs.alice.map()).Domain);
  });

  test("do not share sessions: a handle of the other begins anew", async () => {
    await pace(NEVER, 300);
    const [ours, theirs] = [await unlockedScene(), await unlockedScene()];
    const full = await ours.alice.mapAfter(await theirs.alice.map());
    expect([full.Node?.Key, full.Peers?.length]).toEqual([ours.alice.nodeKey, 2]);
  });
});
