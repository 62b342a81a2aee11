/** What ends by itself is on the record, and peers are told [G18]. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { later } from "../support/workerd/clock.ts";
import { admin, authorityOf, join, makeAuthKey, makeTailnet, sql } from "../support/workerd/control.ts";
import { TestNode, type Fields } from "../support/workerd/test-node.ts";

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
