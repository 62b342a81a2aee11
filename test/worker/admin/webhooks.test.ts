/** The admin API for webhooks. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { WEBHOOK_LIMITS } from "../../../src/durable/webhooks/webhooks.ts";
import { admin, authorityOf, join, makeTailnet } from "../../support/workerd/control.ts";
import { forThisTest } from "../../support/workerd/for-this-test.ts";
import { refused } from "../../support/workerd/refused.ts";
import { Receiver } from "../../support/workerd/hooks.ts";
import { TestNode } from "../../support/workerd/test-node.ts";
import { calm, history, makeHook, on, typesHeard } from "../../support/workerd/webhooks.ts";

describe("the API", () => {
  test("refuses addresses that are not the internet's [W31]", async () => {
    const tailnet = await makeTailnet();
    for (const endpointUrl of [
      "http://example.com/",
      "https://127.0.0.1/",
      "https://169.254.169.254/latest",
      "https://x.internal/",
    ]) {
      const { status, json } = await admin("POST", `/api/v2/tailnet/${tailnet}/webhooks`, { endpointUrl });
      expect([endpointUrl, status, json["code"]]).toEqual([endpointUrl, 400, "bad_webhook_address"]);
    }
  });

  test("refuses names that lead to such an address now; of one that cannot be looked up it warns [W32]", async () => {
    const tailnet = await makeTailnet();
    const path = `/api/v2/tailnet/${tailnet}/webhooks`;
    const receiver = new Receiver();
    await receiver.behave({ addresses: ["fd00::1"] });
    const answer = await admin("POST", path, { endpointUrl: receiver.url });
    refused(answer, "bad_webhook_address");
    expect(answer.json["message"]).toContain("leads to fd00::1");
    for (const [addresses, words] of [
      [null, "could not be looked up"],
      [[], "has no address"],
    ] as const) {
      await receiver.behave({ addresses });
      const { status, json } = await admin("POST", path, { endpointUrl: receiver.url });
      expect([status, json["warning"]]).toEqual([200, expect.stringContaining(words)]);
    }
  });

  test("refuses what cannot be subscribed to, and endpoints past the limit", async () => {
    const tailnet = await makeTailnet();
    const path = `/api/v2/tailnet/${tailnet}/webhooks`;
    const endpointUrl = new Receiver().url;
    for (const more of [{ subscriptions: ["test"] }, { subscriptions: ["nodeExploded"] }, { providerType: "teams" }])
      expect((await admin("POST", path, { endpointUrl, ...more })).json["code"]).toBe("malformed_request");
    forThisTest(WEBHOOK_LIMITS, { endpoints: 1 });
    await makeHook(tailnet, []);
    expect((await admin("POST", path, { endpointUrl })).json["code"]).toBe("too_many_webhooks");
  });

  test("changes subscriptions, and tells the endpoint", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, ["nodeCreated"]);
    const { json } = await admin("PATCH", on(hook), { subscriptions: ["policyUpdate", "policyUpdate"] });
    expect(json).toMatchObject({ endpointId: hook.id, subscriptions: ["policyUpdate"], creatorLoginName: "Operator" });
    await join(tailnet, new TestNode("alice"));
    await hook.receiver.count(1);
    await calm(tailnet);
    expect(await typesHeard(hook)).toEqual(["webhookUpdated"]);
  });

  test("lists deliveries, and replays one as it was", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await admin("POST", on(hook, "/test"));
    await history(hook);
    const { json } = await admin("GET", on(hook, "/deliveries"));
    const [delivery] = json["deliveries"] as Record<string, unknown>[];
    expect(delivery).toMatchObject({ type: "test", state: "delivered", status: 200, attempts: 1 });
    await admin("POST", on(hook, `/deliveries/${String(delivery?.["id"])}/replay`));
    const [first, second] = await hook.receiver.count(2);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers["tailward-delivery"]).toBe(first?.headers["tailward-delivery"]);
    expect((await admin("POST", on(hook, "/deliveries/dnothing/replay"))).json["code"]).toBe("unknown_delivery");
  });

  test("takes no history's word for what is replayed", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    for (const [id, seq, epoch, type] of [
      ["dforged0001", 1, "e0000000000", "auditEvent"],
      ["dforged0002", 999, "", "auditEvent"],
      ["dforged0003", 1, "", "lockDisabled"],
    ] as const) {
      const real = await runInDurableObject(
        authorityOf(tailnet),
        (_, { storage }) => storage.sql.exec<{ epoch: string }>("SELECT epoch FROM tailnet").one().epoch,
      );
      await env.RECORD.prepare(
        `INSERT INTO webhook_deliveries (tailnet_id, id, webhook_id, epoch, seq, type, created, attempts, state, at)
         VALUES (?, ?, ?, ?, ?, ?, 1, 1, 'failed', 1)`,
      )
        .bind(tailnet, id, hook.id, epoch || real, seq, type)
        .run();
      const { json } = await admin("POST", on(hook, `/deliveries/${id}/replay`));
      expect([id, json["code"]]).toEqual([id, "unknown_delivery"]);
    }
  });

  test("of one tailnet's webhooks knows none of another's", async () => {
    const hook = await makeHook(await makeTailnet(), []);
    const other = await makeTailnet();
    const stolen = `${hook.id.slice(0, 11)}${other}`;
    expect((await admin("GET", `/api/v2/webhooks/${stolen}`)).json["code"]).toBe("unknown_webhook");
    expect((await admin("GET", "/api/v2/webhooks/w1")).json["code"]).toBe("unknown_webhook");
  });
});
