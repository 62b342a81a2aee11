/** The record: what has happened in a tailnet's object stands in D1, once, whatever happens on the way [W10][W12][W13]. */

import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { admin, authorityOf, sql } from "../../support/workerd/control.ts";
import { later } from "../../support/workerd/clock.ts";
import { lockedScene } from "../../support/workerd/locked.ts";
import { EQUAL, d1, rebuild, settled } from "../../support/workerd/record.ts";
import { BY_TEST, settled as exchanged, share } from "../../support/workerd/sharing.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

const FINDS_NOTHING = expect.objectContaining(EQUAL) as unknown;

async function seqs(tailnet: string): Promise<unknown[]> {
  const rows = await d1("SELECT seq FROM events WHERE tailnet_id = ? ORDER BY seq", tailnet);
  return rows.map(({ seq }) => seq);
}

/** 1 up to the count of events. */
function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

describe("what has happened", () => {
  test("stands in D1 once, and nothing of it differs", async () => {
    const { tailnet, carol } = await lockedScene();
    await settled(tailnet);
    const events = await seqs(tailnet);
    expect(events).toEqual(upTo(events.length));
    const rows = await d1("SELECT * FROM nodes WHERE tailnet_id = ? ORDER BY node_id", tailnet);
    expect(rows.map(({ name, removed, signed }) => [name, removed, signed])).toEqual([
      ["alice", 0, 1],
      ["bob", 0, 1],
      ["carol", 0, 1],
    ]);
    expect(rows[2]).toMatchObject({
      node_key: carol.nodeKey,
      machine_key: carol.machineKey,
      hostname: "carol",
      os: "linux",
    });
    expect(await d1("SELECT name, deleted, seq FROM tailnets WHERE tailnet_id = ?", tailnet)).toEqual([
      { name: expect.any(String) as unknown, deleted: null, seq: events.length },
    ]);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });

  test("a node's keys, from when on", async () => {
    const { tailnet, carol } = await lockedScene();
    const [OldNodeKey, nodeKey] = [carol.nodeKey, new TestNode("").nodeKey];
    carol.nodeKey = nodeKey;
    // The first time it is handed its signature, to rotate it [G10].
    for (let i = 0; i < 2; i++) expect((await carol.register("", { OldNodeKey })).status).toBe(200);
    await settled(tailnet);
    const rows = await d1(
      `SELECT node_key, at FROM node_keys WHERE tailnet_id = ?1 AND stable_id =
        (SELECT stable_id FROM nodes WHERE tailnet_id = ?1 AND node_key = ?2) ORDER BY seq`,
      tailnet,
      nodeKey,
    );
    expect(rows.map(({ node_key }) => node_key)).toEqual([OldNodeKey, nodeKey]);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });

  test("a node that another tailnet shares, until it does no more", async () => {
    const [home, other] = [await lockedScene(), await lockedScene()];
    const shared = await share(home.tailnet, home.carol, other.tailnet);
    await exchanged(home.tailnet, other.tailnet);
    for (const { tailnet } of [home, other]) await settled(tailnet);
    const foreign = () =>
      d1("SELECT home, removed, signed FROM nodes WHERE tailnet_id = ? AND node_id > 3", other.tailnet);
    expect(await foreign()).toEqual([{ home: home.tailnet, removed: 0, signed: 0 }]);
    for (const { tailnet } of [home, other]) expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
    const ended = await authorityOf(home.tailnet).withdrawShare(BY_TEST, shared.id);
    expect(ended.ok).toBe(true);
    await exchanged(home.tailnet, other.tailnet);
    for (const { tailnet } of [home, other]) await settled(tailnet);
    expect(await foreign()).toEqual([{ home: "", removed: 1, signed: 0 }]);
    for (const { tailnet } of [home, other]) expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });

  test("texts that are made to break it arrive whole", async () => {
    const { tailnet, carol } = await lockedScene();
    const Hostname = "a\0b'\"\\\ud800\u2028$.x<é🔒";
    expect((await carol.register("", { Hostinfo: { Hostname } })).status).toBe(200);
    await settled(tailnet);
    const rows = await d1("SELECT hostname FROM nodes WHERE tailnet_id = ? AND node_key = ?", tailnet, carol.nodeKey);
    expect(rows).toEqual([{ hostname: "a\u{fffd}b'\"\\\u{fffd}\u2028$.x<é🔒" }]);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
  });
});

describe("what the object has let go of", () => {
  test("goes from D1 too, and no more than that [W19]", async () => {
    const { tailnet } = await lockedScene();
    await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { auditLogRetentionDays: 2 });
    await settled(tailnet);
    const before = (await seqs(tailnet)).length;
    await later(4 * 24 * 60 * 60_000, async () => {
      await runDurableObjectAlarm(authorityOf(tailnet));
      await settled(tailnet);
      expect(await seqs(tailnet)).toEqual([before + 1]);
      expect(await d1("SELECT log_floor FROM tailnets WHERE tailnet_id = ?", tailnet)).toEqual([{ log_floor: before }]);
      expect(await d1("SELECT seq FROM node_keys WHERE tailnet_id = ?", tailnet)).toEqual([]);
      expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
    });
  });
});

describe("a rebuild", () => {
  test("finds and mends what was edited, deleted and put in by hand", async () => {
    const { tailnet } = await lockedScene();
    await settled(tailnet);
    const count = (await seqs(tailnet)).length;
    const statements = [
      "UPDATE tailnets SET name = 'another.test' WHERE tailnet_id = ?1",
      "DELETE FROM nodes WHERE tailnet_id = ?1 AND name = 'alice'",
      "UPDATE nodes SET signed = 0, seq = seq + 1000 WHERE tailnet_id = ?1 AND name = 'bob'",
      `INSERT INTO nodes SELECT tailnet_id, 77, era, seq, removed, 'n77', machine_key, home, node_key, lock_key, 'mallory', hostname, os, client_version,
        cap_version, tags, ephemeral, authorized, signed, signed_by, ignores_lock, awakening, created, key_expiry
        FROM nodes WHERE tailnet_id = ?1 AND name = 'carol'`,
      "DELETE FROM events WHERE tailnet_id = ?1 AND seq = 2",
      "UPDATE events SET actor_id = 'someone' WHERE tailnet_id = ?1 AND seq IN (3, 4)",
      `INSERT INTO events SELECT tailnet_id, seq + 500, epoch, at, kind, origin, actor_id, actor, target_id, target, old, new, hash,
        actor_login, target_name, event, event_group
        FROM events WHERE tailnet_id = ?1 AND seq = 1`,
      `INSERT INTO events SELECT tailnet_id, seq, 'e0000000000', at, kind, origin, actor_id, actor, target_id, target, old, new, hash,
        actor_login, target_name, event, event_group
        FROM events WHERE tailnet_id = ?1 AND seq = 1`,
      "DELETE FROM node_keys WHERE tailnet_id = ?1",
    ];
    await env.RECORD.batch(statements.map((statement) => env.RECORD.prepare(statement).bind(tailnet)));
    const other = await lockedScene();
    await settled(other.tailnet);
    const { found, left, rows } = await rebuild(tailnet);
    expect([found, left, rows]).toEqual([{ missing: 2 + 3, differing: 4, surplus: 3 }, EQUAL.left, 1 + 3 + count]);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
    expect(await rebuild(other.tailnet)).toEqual(FINDS_NOTHING);
  });

  test("builds all of it from nothing, over many pages", async () => {
    const { tailnet } = await lockedScene();
    await settled(tailnet);
    const rows = Array.from({ length: 450 }, (_, i) => `(${i + 1000}, 'n${i}', 'mkey:${i}', ${i})`);
    await sql(tailnet, `INSERT INTO removed_nodes (id, stable_id, machine_key, seq) VALUES ${rows.join()}`);
    for (const table of ["tailnets", "nodes", "events", "node_keys"])
      await d1(`DELETE FROM ${table} WHERE tailnet_id = ?`, tailnet);
    const { found, left, calls } = await rebuild(tailnet);
    expect([found.differing, found.surplus, left, calls]).toEqual([0, 0, EQUAL.left, 1 + 3 + 1]);
    expect(found.missing).toBeGreaterThan(450);
    expect(await rebuild(tailnet)).toEqual(FINDS_NOTHING);
    expect(await d1("SELECT count(*) AS n FROM nodes WHERE tailnet_id = ? AND removed = 1", tailnet)).toEqual([
      { n: 450 },
    ]);
  });
});
