/** Attempts to tell endpoints that are lost on the way: between the object and the queue, in the queue, with the Worker. */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, makeTailnet } from "../../support/workerd/control.ts";
import { history, hookJson, makeHook, on, ring, ringAnew, waitingFor } from "../../support/workerd/webhooks.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

describe("what is lost on the way", () => {
  test("is sent again by the alarm, also by another instance; and twice is once [W33]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    const authority = authorityOf(tailnet);
    // An attempt that was begun, and whose pointer never came.
    await runInDurableObject(authority, (_, { storage }) => {
      const { seq } = storage.sql.exec<{ seq: number }>("SELECT seq FROM tailnet").one();
      storage.sql.exec(
        `INSERT INTO webhook_deliveries (id, webhook, seq, type, created, tries, due, taken)
         VALUES ('dlost', ?1, ?2, 'test', ?3, 1, ?3 + 60000, ?3 + 60000)`,
        hook.id,
        seq,
        Date.now(),
      );
    });
    await evictDurableObject(authority);
    await authorityOf(tailnet).summary();
    await later(61_000, () => ring(tailnet));
    const [received] = await hook.receiver.count(1);
    expect(received?.headers["tailward-delivery"]).toBe("dlost");
    const again = await authorityOf(tailnet).takeWebhookAttempt("dlost", 2);
    expect(again).toEqual({ ok: true, value: null });
  });

  test("with the Worker is a failed attempt: ever more rare, charged once, and given up after a day [W33]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    const died = (now: number): Promise<unknown> =>
      runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
        const { seq } = storage.sql.exec<{ seq: number }>("SELECT seq FROM tailnet").one();
        for (const id of ["dpoison", "dbeside"])
          storage.sql.exec(
            `INSERT INTO webhook_deliveries (id, webhook, seq, type, created, tries, due, taken, started)
             VALUES (?1, ?2, ?3, 'test', ?4, 9, ?4, ?4, 1)
             ON CONFLICT DO UPDATE SET started = 1, due = ?5, taken = ?5`,
            id,
            hook.id,
            seq,
            Date.now() - 1000,
            now - 1000,
          );
      });
    await died(Date.now());
    await ringAnew(tailnet);
    const waiting = await waitingFor(tailnet);
    expect(waiting.map(({ tries }) => tries)).toEqual([9, 9]);
    for (const { due } of waiting) expect(due).toBeGreaterThan(Date.now());
    expect(await hookJson(hook)).toMatchObject({
      status: "retrying",
      lastError: expect.stringContaining("did not come to the end") as string,
    });
    const failures = (): Promise<unknown> =>
      runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
        storage.sql.exec("SELECT failures FROM webhooks").toArray(),
      );
    expect(await failures()).toEqual([{ failures: 1 }]);
    await later(DAY_MS + HOUR_MS, async () => {
      await died(Date.now());
      await ringAnew(tailnet);
      expect(await waitingFor(tailnet)).toEqual([]);
      expect((await hookJson(hook))["status"]).toBe("failing");
    });
    expect(await hook.receiver.received()).toEqual([]);
  });

  test("for a day, pointer by pointer, is given up: nothing is tried for ever [W33]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
      const { seq } = storage.sql.exec<{ seq: number }>("SELECT seq FROM tailnet").one();
      storage.sql.exec(
        `INSERT INTO webhook_deliveries (id, webhook, seq, type, created, tries, due, taken)
         VALUES ('dnever', ?1, ?2, 'test', ?3, 1, ?4, ?4)`,
        hook.id,
        seq,
        Date.now() - DAY_MS - HOUR_MS,
        Date.now() - 1000,
      );
    });
    await ringAnew(tailnet);
    expect(await waitingFor(tailnet)).toEqual([]);
    expect((await hookJson(hook))["status"]).toBe("failing");
    expect(await hook.receiver.received()).toEqual([]);
  });

  test("a pointer that comes twice is taken once", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await hook.receiver.behave({ status: 0 });
    await admin("POST", on(hook, "/test"));
    await hook.receiver.count(1);
    const id = await runInDurableObject(
      authorityOf(tailnet),
      (_, { storage }) => storage.sql.exec<{ id: string }>("SELECT id FROM webhook_deliveries").one().id,
    );
    expect(await authorityOf(tailnet).takeWebhookAttempt(id, 1)).toEqual({ ok: true, value: null });
    await env.WEBHOOK_QUEUE.send({ tailnet, delivery: id, attempt: 1, request: "" });
    await env.WEBHOOK_QUEUE.send({ tailnet, delivery: "dnothing", attempt: 1, request: "" });
    await hook.receiver.behave({ status: 200 });
    await history(hook);
    expect((await hook.receiver.received()).length).toBe(1);
  });
});
