/** Endpoints that end, by themselves or with their tailnet. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { WEBHOOK_LIMITS } from "../../../src/durable/webhooks/webhooks.ts";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, dump, makeTailnet } from "../../support/workerd/control.ts";
import { forThisTest } from "../../support/workerd/for-this-test.ts";
import { eventsOf } from "../../support/workerd/signing-in.ts";
import {
  calm,
  history,
  isSignedBy,
  makeHook,
  messagesIn,
  on,
  ring,
  ringAnew,
  typesHeard,
} from "../../support/workerd/webhooks.ts";

const HOUR_MS = 60 * 60_000;

/** The rows that are kept of a tailnet's endpoints, of their secrets and of their messages. */
async function keptOf(tailnet: string): Promise<unknown[]> {
  const tables = await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
  return ["webhooks", "webhook_secrets", "webhook_deliveries"].map((name) => tables[name]);
}

describe("a webhook that ends", () => {
  test("is told so, and is then forgotten with its secrets", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, ["nodeCreated"]);
    expect((await admin("DELETE", on(hook))).status).toBe(200);
    const [received] = await hook.receiver.count(1);
    expect(messagesIn(received === undefined ? [] : [received]).map(({ type }) => type)).toEqual(["webhookDeleted"]);
    expect(received !== undefined && isSignedBy(hook.secret, received)).toBe(true);
    await history(hook);
    expect(await keptOf(tailnet)).toEqual([[], [], []]);
    expect((await admin("GET", on(hook))).json["code"]).toBe("unknown_webhook");
    expect((await admin("DELETE", on(hook))).json["code"]).toBe("unknown_webhook");
    expect((await admin("POST", on(hook, "/test"))).status).toBe(404);
  });

  test("is still told what it was to be told, and of its end, within a day of being away [W26]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await hook.receiver.behave({ status: 503 });
    await admin("POST", on(hook, "/test"));
    await hook.receiver.count(1);
    await calm(tailnet);
    await admin("DELETE", on(hook));
    await hook.receiver.count(2);
    await calm(tailnet);
    await hook.receiver.behave({ status: 200 });
    const before = (await hook.receiver.received()).length;
    // It was given up after an hour once.
    await later(5 * HOUR_MS, () => ring(tailnet));
    await later(7 * HOUR_MS, () => ring(tailnet));
    const heard = await typesHeard(hook);
    expect(heard.slice(before).sort()).toEqual(["test", "webhookDeleted"]);
    expect(await keptOf(tailnet)).toEqual([[], [], []]);
  });

  test("while it is away for a day is forgotten all the same [W26]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await hook.receiver.behave({ status: 503 });
    await admin("DELETE", on(hook));
    await hook.receiver.count(1);
    await calm(tailnet);
    await later(25 * HOUR_MS, () => ring(tailnet));
    // Whoever has ended it need not hear that it fails.
    expect(await eventsOf(tailnet, "webhook.failing")).toEqual([]);
    expect(await keptOf(tailnet)).toEqual([[], [], []]);
  });

  test("whose messages end the Worker for a day is forgotten all the same, with its secrets [W26]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await hook.receiver.behave({ status: 503 });
    await admin("DELETE", on(hook));
    await hook.receiver.count(1);
    await calm(tailnet);
    await later(25 * HOUR_MS, async () => {
      await runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
        storage.sql.exec("UPDATE webhook_deliveries SET started = 1, due = ?1, taken = ?1", Date.now() - 1000);
      });
      await ringAnew(tailnet);
    });
    expect(await keptOf(tailnet)).toEqual([[], [], []]);
  });

  test("is told so however many messages wait for it", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    forThisTest(WEBHOOK_LIMITS, { waitingSlow: 0 });
    await admin("DELETE", on(hook));
    expect(messagesIn(await hook.receiver.count(1)).map(({ type }) => type)).toEqual(["webhookDeleted"]);
  });

  test("is not pushed out by those that somebody makes and deletes, nor keeps others from being made [W26]", async () => {
    const tailnet = await makeTailnet();
    forThisTest(WEBHOOK_LIMITS, { ended: 2 });
    const end = async (): Promise<string> => {
      const hook = await makeHook(tailnet, []);
      await hook.receiver.behave({ status: 503 });
      await admin("DELETE", on(hook));
      return hook.id;
    };
    const watcher = await makeHook(tailnet, []);
    await watcher.receiver.behave({ status: 503 });
    await later(60_000, () => admin("DELETE", on(watcher)));
    for (let i = 0; i < 4; i++) await end();
    const idsIn = (sql: string): Promise<unknown[]> =>
      runInDurableObject(authorityOf(tailnet), (_, { storage }) => [...storage.sql.exec(sql)].map(({ id }) => id));
    const tables = ["webhook_deliveries", "webhook_secrets"] as const;
    const ids = await idsIn("SELECT id FROM webhooks");
    expect([ids.length, ids.includes(watcher.id)]).toEqual([2, true]);
    // Nothing is left of those that were pushed out.
    for (const table of tables)
      expect(ids).toEqual(expect.arrayContaining(await idsIn(`SELECT webhook AS id FROM ${table}`)));
    expect((await makeHook(tailnet, [])).id).toMatch(/^w/);
  });

  test("while it is away is forgotten within the day however much waits for it [W26]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await hook.receiver.behave({ status: 503 });
    await admin("DELETE", on(hook));
    await hook.receiver.count(1);
    await calm(tailnet);
    await runInDurableObject(authorityOf(tailnet), (_, { storage: { sql } }) => {
      const copy = `INSERT INTO webhook_deliveries (id, webhook, seq, type, created, tries, due)
        SELECT id || ?, webhook, seq, type, created, tries, due FROM webhook_deliveries WHERE length(id) = ?`;
      const { length } = sql.exec<{ id: string }>("SELECT id FROM webhook_deliveries").one().id;
      for (let i = 0; i < 500; i++) sql.exec(copy, `copy${i}`, length);
    });
    await later(25 * HOUR_MS, () => ring(tailnet));
    expect(await keptOf(tailnet)).toEqual([[], [], []]);
  });

  test("with its tailnet is told of that, and then forgotten", async () => {
    const tailnet = await makeTailnet();
    const [hook, idle] = [await makeHook(tailnet, ["categoryAudit"]), await makeHook(tailnet, ["nodeCreated"])];
    await calm(tailnet);
    expect((await admin("DELETE", `/api/v2/tailnet/${tailnet}`)).status).toBe(200);
    const heard = messagesIn(await hook.receiver.count(2)).map(({ data }) => data["kind"]);
    expect(heard).toContain("tailnet.deleted");
    expect(await idle.receiver.received()).toEqual([]);
    await history(hook, 2);
    expect((await keptOf(tailnet)).slice(0, 2)).toEqual([[], []]);
  });
});
