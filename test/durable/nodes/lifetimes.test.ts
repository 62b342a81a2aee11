/** What ends by itself is on the record, and peers are told [G18]. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, join, makeAuthKey, makeTailnet, sql } from "../../support/workerd/control.ts";
import { TestNode, type Fields } from "../../support/workerd/test-node.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

async function weekly(): Promise<string> {
  const tailnet = await makeTailnet();
  await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { devicesKeyDurationDays: 7 });
  return tailnet;
}

/** Kind, actor and target of the events of keys that are over. */
function ends(tailnet: string): Promise<Fields[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
    storage.sql
      .exec("SELECT actor ->> 'id' AS by, target ->> 'name' AS of FROM events WHERE kind = 'node.expired' ORDER BY seq")
      .toArray(),
  );
}

function alarmOf(tailnet: string): Promise<number | null> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => storage.getAlarm());
}

/** Rings the alarm, once everything has arrived that was sent. */
async function ring(tailnet: string): Promise<void> {
  await sql(tailnet, "DELETE FROM outbox", "UPDATE delivery SET sessions = (SELECT seq FROM tailnet)");
  await runDurableObjectAlarm(authorityOf(tailnet));
}

/** Names of the nodes of whose keys it was told a day before. */
function warned(tailnet: string): Promise<string[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
    storage.sql
      .exec<{ of: string }>("SELECT target ->> 'name' AS of FROM events WHERE kind = 'node.expiring' ORDER BY seq")
      .toArray()
      .map(({ of }) => of),
  );
}

describe("a key that will run out", () => {
  test("is told of a day before, once, and anew where it was made to last longer [G20]", async () => {
    const tailnet = await weekly();
    await join(tailnet, new TestNode("alice"));
    await later(5 * DAY_MS, () => ring(tailnet));
    expect(await warned(tailnet)).toEqual([]);
    await later(6 * DAY_MS + 1000, async () => {
      await ring(tailnet);
      await ring(tailnet);
    });
    expect(await warned(tailnet)).toEqual(["alice"]);
    await sql(tailnet, `UPDATE nodes SET key_expiry = key_expiry + ${3 * DAY_MS}`);
    await later(8 * DAY_MS, () => ring(tailnet));
    expect(await warned(tailnet)).toEqual(["alice"]);
    await later(9 * DAY_MS + 1000, () => ring(tailnet));
    expect(await warned(tailnet)).toEqual(["alice", "alice"]);
  });

  test("and is over already is told of once, as over", async () => {
    const [tailnet, alice] = [await weekly(), new TestNode("alice")];
    await join(tailnet, alice);
    await later(8 * DAY_MS, async () => {
      await ring(tailnet);
      expect([(await ends(tailnet)).length, await warned(tailnet)]).toEqual([1, []]);
    });
  });
});

describe("a key that runs out", () => {
  test("is told of when it does, once, to peers too, and the next one in its time", async () => {
    const tailnet = await weekly();
    const [alice, bob, ci] = [new TestNode("alice"), new TestNode("bob"), new TestNode("ci")];
    await join(tailnet, alice);
    await ci.register(await makeAuthKey(tailnet, { tags: ["tag:ci"] }));
    await later(DAY_MS, () => join(tailnet, bob));
    const map = await ci.map();
    await later(7 * DAY_MS + 1000, async () => {
      await ring(tailnet);
      await ring(tailnet);
      expect(await ends(tailnet)).toEqual([{ by: "tailward", of: "alice" }]);
      const { PeersChanged } = await ci.mapAfter(map);
      expect(PeersChanged?.map(({ Key }) => Key)).toEqual([alice.nodeKey]);
    });
    await later(8 * DAY_MS + 1000, async () => {
      await ring(tailnet);
      expect((await ends(tailnet)).map(({ of }) => of)).toEqual(["alice", "bob"]);
    });
  });

  test("while the object is away is told of by the alarm that was set before", async () => {
    const [tailnet, alice] = [await weekly(), new TestNode("alice")];
    await join(tailnet, alice);
    await later(60_000, () => ring(tailnet));
    await later(6 * DAY_MS + 60_000, () => ring(tailnet));
    await later(6 * DAY_MS + 120_000, () => ring(tailnet));
    const set = (await alarmOf(tailnet)) ?? 0;
    expect(Math.abs(set - Date.now() - 7 * DAY_MS)).toBeLessThan(60_000);
    await evictDurableObject(authorityOf(tailnet));
    await later(7 * DAY_MS + 1000, async () => {
      await runDurableObjectAlarm(authorityOf(tailnet));
      expect(await ends(tailnet)).toHaveLength(1);
    });
  });

  test("does not keep what is pending from being sent again in its time [W11]", async () => {
    const [tailnet, alice] = [await weekly(), new TestNode("alice")];
    await join(tailnet, alice);
    await later(60_000, () => ring(tailnet));
    await evictDurableObject(authorityOf(tailnet));
    await join(tailnet, new TestNode("bob"));
    expect(await alarmOf(tailnet)).toBeLessThan(Date.now() + 60_000);
  });

  test("that somebody has ended, or that was let in anew, is not told of twice", async () => {
    const [tailnet, alice, bob] = [await weekly(), new TestNode("alice"), new TestNode("bob")];
    await join(tailnet, alice, bob);
    await alice.register("", { Auth: null, Expiry: "1970-01-01T00:02:03Z" });
    const OldNodeKey = bob.nodeKey;
    bob.nodeKey = new TestNode("").nodeKey;
    await later(6 * DAY_MS, async () => bob.register(await makeAuthKey(tailnet), { OldNodeKey }));
    await later(7 * DAY_MS + 1000, async () => {
      await ring(tailnet);
      expect((await ends(tailnet)).map(({ of }) => of)).toEqual(["alice"]);
    });
  });
});

describe("an ephemeral node", () => {
  const MINUTE_MS = 60_000;

  async function names(tailnet: string): Promise<unknown> {
    const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/devices`);
    return (json["devices"] as Fields[]).map((device) => device["hostname"]);
  }

  /** Has it so that the node is connected, or was so many minutes ago. */
  function seen(tailnet: string, name: string, minutesAgo: number | null): Promise<void> {
    const [online, lastSeen] = minutesAgo === null ? [1, "NULL"] : [0, Date.now() - minutesAgo * MINUTE_MS];
    return sql(
      tailnet,
      `INSERT OR REPLACE INTO presence (node_id, online, last_seen) SELECT id, ${online}, ${lastSeen} FROM nodes WHERE name = '${name}'`,
    );
  }

  test("that is out of touch is removed, and no other; peers are told [G19]", async () => {
    const tailnet = await makeTailnet();
    const key = await makeAuthKey(tailnet, { ephemeral: true, reusable: true });
    const peer = new TestNode("peer");
    await join(tailnet, peer);
    for (const name of ["away", "gone", "here", "never"]) await new TestNode(name).register(key);
    await seen(tailnet, "away", 20);
    await seen(tailnet, "gone", 31);
    await seen(tailnet, "here", null);
    await seen(tailnet, "peer", 1000);
    const map = await peer.map();
    const goneId = map.Peers?.find(({ Name }) => Name.startsWith("gone."))?.ID;
    await ring(tailnet);
    expect(await names(tailnet)).toEqual(["peer", "away", "here", "never"]);
    expect((await peer.mapAfter(map)).PeersRemoved).toEqual([goneId]);
    await later(31 * MINUTE_MS, async () => {
      await ring(tailnet);
      expect(await names(tailnet)).toEqual(["peer", "here"]);
    });
  });

  test("that asks for single maps is never told of as connected, and has a day", async () => {
    const [tailnet, poller] = [await makeTailnet(), new TestNode("poller")];
    await poller.register(await makeAuthKey(tailnet, { ephemeral: true }));
    await poller.poll({ OmitPeers: true });
    await later(23 * 60 * MINUTE_MS, async () => {
      await ring(tailnet);
      expect(await names(tailnet)).toEqual(["poller"]);
    });
    await later(25 * 60 * MINUTE_MS, async () => {
      await ring(tailnet);
      expect(await names(tailnet)).toEqual([]);
    });
  });

  test("is looked after by the alarm for as long as there is one, also of an object that was away", async () => {
    const tailnet = await makeTailnet();
    await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { devicesKeyDurationDays: 180 });
    const key = await makeAuthKey(tailnet, { ephemeral: true });
    await new TestNode("runner").register(key);
    await seen(tailnet, "runner", null);
    await later(MINUTE_MS, () => ring(tailnet));
    expect((await alarmOf(tailnet)) ?? 0).toBeLessThan(Date.now() + 32 * MINUTE_MS);
    await evictDurableObject(authorityOf(tailnet));
    await seen(tailnet, "runner", 45);
    await later(31 * MINUTE_MS, async () => {
      await runDurableObjectAlarm(authorityOf(tailnet));
      expect(await names(tailnet)).toEqual([]);
    });
    await later(33 * MINUTE_MS, () => ring(tailnet));
    expect(await alarmOf(tailnet)).toBeNull();
  });
});
