/** The log in a tailnet's object: its head, what a restore says of it, and what is let go of [W19][W21]. */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { Events } from "../../../src/durable/audit/events.ts";
import { Store } from "../../../src/durable/store.ts";
import {
  AuditVerifier,
  auditRecord,
  headInDetail,
  type AuditHead,
  type AuditRecord,
} from "../../../src/protocol/index.ts";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, join, makeTailnet, sql } from "../../support/workerd/control.ts";
import { lockedScene } from "../../support/workerd/locked.ts";
import { settled } from "../../support/workerd/record.ts";
import { BY_TEST, valueOf } from "../../support/workerd/sharing.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** The log as it is exported: through JSON and back. */
function logOf(tailnet: string): Promise<AuditRecord[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    const events = new Events(new Store(storage)).after(0, 10_000);
    return JSON.parse(JSON.stringify(events.map(auditRecord))) as AuditRecord[];
  });
}

async function headOf(tailnet: string): Promise<AuditHead> {
  const { head } = valueOf(await authorityOf(tailnet).logHead());
  const parsed = headInDetail(head);
  if (parsed === null) throw new Error("no head");
  return parsed;
}

function verdict(records: readonly AuditRecord[], ...heads: readonly AuditHead[]) {
  const verifier = new AuditVerifier();
  for (const record of records) verifier.take(record, String(record.sequence));
  const { problems, notes } = verifier.finish(heads);
  return { problems, notes };
}

/** Rings the alarm, once everything has arrived that was sent. */
async function ring(tailnet: string): Promise<void> {
  await sql(tailnet, "DELETE FROM outbox", "UPDATE delivery SET sessions = (SELECT seq FROM tailnet)");
  await runDurableObjectAlarm(authorityOf(tailnet));
}

test("the log of a tailnet is the one that was written, up to its head [W20]", async () => {
  const { tailnet } = await lockedScene();
  expect(verdict(await logOf(tailnet), await headOf(tailnet))).toEqual({ problems: [], notes: [] });
});

test("a restore names the last event that is known, and what it undid is shown as such [W21]", async () => {
  const tailnet = await makeTailnet();
  for (const name of ["alice", "bob"]) await join(tailnet, new TestNode(name));
  const [lost, head] = [await logOf(tailnet), await headOf(tailnet)];
  const keep = lost.length - 2;
  // As a restore leaves it.
  await settled(tailnet);
  await sql(tailnet, `DELETE FROM events WHERE seq > ${keep}`, `UPDATE tailnet SET seq = ${keep}`);
  valueOf(await authorityOf(tailnet).beginEpoch(BY_TEST));
  await join(tailnet, new TestNode("carol"));
  const log = await logOf(tailnet);
  const { problems, notes } = verdict(log, head, await headOf(tailnet));
  expect(problems).toEqual([]);
  expect(notes).toEqual([expect.stringContaining("a restore undid the events up to the head")]);
  const both = [...lost, ...log.filter(({ epoch }) => epoch !== head.epoch)];
  expect(verdict(both, head).problems).toEqual([]);
});

describe("a log that is kept for days", () => {
  async function kept(days: number): Promise<string> {
    const tailnet = await makeTailnet();
    const { status } = await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { auditLogRetentionDays: days });
    expect(status).toBe(200);
    return tailnet;
  }

  test("is let go of from its oldest event on, by the day, and goes on from there [W19]", async () => {
    const tailnet = await kept(30);
    await join(tailnet, new TestNode("alice"));
    const [old, before] = [await logOf(tailnet), await headOf(tailnet)];
    // On the first day of those that are kept still.
    await later(2 * DAY_MS, async () => join(tailnet, new TestNode("bob")));
    await later(32 * DAY_MS, async () => {
      await ring(tailnet);
      const log = await logOf(tailnet);
      expect(log.map(({ kind }) => kind)).toEqual(["authkey.created", "node.joined", "log.trimmed"]);
      expect(log.at(-1)).toMatchObject({
        actor: { type: "AUTOMATED_WORKER" },
        target: { type: "TAILNET", property: "AUDIT_LOG" },
        old: { events: old.length },
        new: { epoch: before.epoch, sequence: before.sequence },
      });
      expect(verdict(log, before, await headOf(tailnet))).toEqual({ problems: [], notes: [] });
      expect(verdict(log, await headOf(tailnet))).toEqual({ problems: [], notes: [] });
      expect(valueOf(await authorityOf(tailnet).logHead()).before).toEqual(log.at(-1)?.new);
      // Again on the same day, nothing goes.
      await ring(tailnet);
      expect(await logOf(tailnet)).toEqual(log);
    });
    await later(80 * DAY_MS, async () => {
      await ring(tailnet);
      expect((await logOf(tailnet)).map(({ kind }) => kind)).toEqual(["log.trimmed"]);
      const last = await headOf(tailnet);
      await ring(tailnet);
      expect(await headOf(tailnet)).toEqual(last);
    });
  });

  test("keeps an event that D1 is not known to have [W19]", async () => {
    const tailnet = await kept(1);
    await settled(tailnet);
    await later(3 * DAY_MS, async () => {
      await sql(tailnet, "INSERT INTO outbox (seq) VALUES (2)");
      await runDurableObjectAlarm(authorityOf(tailnet));
      expect((await logOf(tailnet))[0]).toMatchObject({ sequence: 2 });
    });
  });

  test("is kept for good where nothing is set, and for ten years at most", async () => {
    const tailnet = await makeTailnet();
    const log = await logOf(tailnet);
    await later(10_000 * DAY_MS, async () => {
      await ring(tailnet);
      expect(await logOf(tailnet)).toEqual(log);
    });
    for (const auditLogRetentionDays of [-1, 3651]) {
      const answer = await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { auditLogRetentionDays });
      expect(answer.status).toBe(400);
    }
  });
});
