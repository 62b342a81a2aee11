/** Endpoints that end, by themselves or with their tailnet. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { admin, authorityOf, dump, makeTailnet } from "../../support/workerd/control.ts";
import { calm, history, isSignedBy, makeHook, messagesIn, on } from "../../support/workerd/webhooks.ts";

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
