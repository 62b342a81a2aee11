/** Endpoints that end, by themselves or with their tailnet. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { WEBHOOK_LIMITS } from "../../../src/durable/webhooks/webhooks.ts";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, dump, makeTailnet } from "../../support/workerd/control.ts";
import {
  calm,
  history,
  isSignedBy,
  makeHook,
  messagesIn,
  on,
  ring,
  typesHeard,
} from "../../support/workerd/webhooks.ts";

const HOUR_MS = 60 * 60_000;

describe("a webhook that ends", () => {
  test("is told so, and is then forgotten with its secrets", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, ["nodeCreated"]);
    expect((await admin("DELETE", on(hook))).status).toBe(200);
    const [received] = await hook.receiver.count(1);
    expect(messagesIn(received === undefined ? [] : [received]).map(({ type }) => type)).toEqual(["webhookDeleted"]);
    expect(received !== undefined && isSignedBy(hook.secret, received)).toBe(true);
    await history(hook);
    const tables = await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
    expect([tables["webhooks"], tables["webhook_secrets"], tables["webhook_deliveries"]]).toEqual([[], [], []]);
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
    // It was given up after an hour once.
    await later(5 * HOUR_MS, () => ring(tailnet));
    await later(7 * HOUR_MS, () => ring(tailnet));
    const heard = await typesHeard(hook);
    expect(heard.slice(2).sort()).toEqual(["test", "webhookDeleted"]);
    const tables = await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
    expect([tables["webhooks"], tables["webhook_secrets"], tables["webhook_deliveries"]]).toEqual([[], [], []]);
  });

  test("while it is away for a day is forgotten all the same [W26]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await hook.receiver.behave({ status: 503 });
    await admin("DELETE", on(hook));
    await hook.receiver.count(1);
    await calm(tailnet);
    await later(25 * HOUR_MS, () => ring(tailnet));
    const tables = await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
    expect([tables["webhooks"], tables["webhook_secrets"], tables["webhook_deliveries"]]).toEqual([[], [], []]);
  });

  test("counts until it has heard of it: nobody fills the object with those that are made and deleted", async () => {
    const tailnet = await makeTailnet();
    const before = WEBHOOK_LIMITS.withEnded;
    WEBHOOK_LIMITS.withEnded = 2;
    try {
      for (let i = 0; i < 2; i++) {
        const hook = await makeHook(tailnet, []);
        await hook.receiver.behave({ status: 503 });
        await admin("DELETE", on(hook));
      }
      await expect(makeHook(tailnet, [])).rejects.toThrow("too_many_webhooks");
    } finally {
      WEBHOOK_LIMITS.withEnded = before;
    }
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
    const tables = await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
    expect([tables["webhooks"], tables["webhook_secrets"]]).toEqual([[], []]);
  });
});
