/** Endpoints that are told of events, from the event to the receiver. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { WEBHOOK_LIMITS } from "../../../src/durable/webhooks/webhooks.ts";
import { encodeHex } from "../../../src/tka/index.ts";
import { later } from "../../support/workerd/clock.ts";
import { admin, authorityOf, dump, join, makeTailnet } from "../../support/workerd/control.ts";
import { forThisTest } from "../../support/workerd/for-this-test.ts";
import { lock, newGenesis, newSecrets } from "../../support/workerd/locked.ts";
import { Receiver } from "../../support/workerd/hooks.ts";
import { d1 } from "../../support/workerd/record.ts";
import { TestNode, type Fields } from "../../support/workerd/test-node.ts";
import {
  calm,
  history,
  hookJson,
  isSignedBy,
  makeHook,
  messagesIn,
  ring,
  on,
  typesHeard,
  waitingFor,
  type Hook,
} from "../../support/workerd/webhooks.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** The hashes of a tailnet's events, by number. */
function hashes(tailnet: string): Promise<string[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) => {
    const rows = storage.sql.exec<{ seq: number; hash: ArrayBuffer }>("SELECT seq, hash FROM events").toArray();
    return rows.reduce<string[]>((all, { seq, hash }) => {
      all[seq] = encodeHex(new Uint8Array(hash));
      return all;
    }, []);
  });
}

describe("a webhook", () => {
  test("is told of what it subscribes to, signed, with the head of the log", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, ["nodeCreated"]);
    await join(tailnet, new TestNode("alice"));
    const [received, ...others] = await hook.receiver.count(1);
    expect(others).toEqual([]);
    if (received === undefined) throw new Error("nothing was received");
    expect(isSignedBy(hook.secret, received)).toBe(true);
    expect(isSignedBy(`${hook.secret}x`, received)).toBe(false);
    const [message] = messagesIn([received]);
    const all = await hashes(tailnet);
    const sequence = message?.sequence ?? 0;
    expect(message).toMatchObject({
      version: 1,
      type: "nodeCreated",
      hash: all[sequence],
      previousHash: all[sequence - 1],
    });
    expect(message?.data).toMatchObject({ deviceName: expect.stringMatching(/^alice\..+\.test$/) as string });
    expect(Object.values(message?.data ?? {}).every((value) => typeof value === "string")).toBe(true);
    expect(received.headers["tailward-request-id"]).toBe(message?.requestId);
    expect(message?.requestId).toMatch(/./);
    const [row] = await history(hook);
    expect(row).toMatchObject({ state: "delivered", attempts: 1, status: 200, error: null, type: "nodeCreated" });
    expect(await waitingFor(tailnet)).toEqual([]);
  });

  test("of the lock is told of nodes that need a signature, and of the lock itself", async () => {
    const tailnet = await makeTailnet();
    const [alice, bob] = [new TestNode("alice"), new TestNode("bob")];
    await join(tailnet, alice);
    const hook = await makeHook(tailnet, ["categoryTailnetLock"]);
    await lock(alice, newGenesis([alice], newSecrets().values));
    await join(tailnet, bob);
    await hook.receiver.count(2);
    expect(await typesHeard(hook)).toEqual(expect.arrayContaining(["lockEnabled", "nodeNeedsSignature"]));
    const needs = messagesIn(await hook.receiver.received()).find(({ type }) => type === "nodeNeedsSignature");
    expect(needs?.data["nodeKey"]).toBe(bob.nodeKey);
    expect(needs?.data["command"]).toContain("lock sign");
  });

  test("is told of people, and of whose a device is", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, ["categoryTailnetManagement"]);
    const path = `/api/v2/tailnet/${tailnet}/users`;
    const { json } = await admin("POST", path, { loginName: "bob@example.com", role: "member" });
    const user = `/api/v2/users/${String(json["id"])}`;
    await admin("POST", `${user}/role`, { role: "auditor" });
    for (const act of ["suspend", "restore", "delete"]) await admin("POST", `${user}/${act}`);
    const messages = messagesIn(await hook.receiver.count(5)).sort((a, b) => a.sequence - b.sequence);
    expect(messages.map(({ type, data }) => [type, data["user"]])).toEqual(
      ["userCreated", "userRoleUpdated", "userSuspended", "userRestored", "userDeleted"].map((type) => [
        type,
        "bob@example.com",
      ]),
    );
    expect(messages[1]?.data).toMatchObject({ oldRoles: "member", newRoles: "auditor" });
    await join(tailnet, new TestNode("alice"));
    const joined = messagesIn(await hook.receiver.count(6)).find(({ type }) => type === "nodeCreated");
    expect(joined?.data["managedBy"]).toMatch(/@|^tag:/);
  });

  test("of the whole log gets every event, each linked to the one before", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, ["categoryAudit"]);
    await join(tailnet, new TestNode("alice"), new TestNode("bob"));
    await admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, { devicesKeyDurationDays: 7 });
    const messages = messagesIn(await hook.receiver.count(4)).sort((a, b) => a.sequence - b.sequence);
    expect(messages.map(({ data }) => data["kind"])).toEqual([
      "authkey.created",
      "node.joined",
      "node.joined",
      "tailnet.settings",
    ]);
    for (const [i, message] of messages.slice(1).entries()) expect(message.previousHash).toBe(messages[i]?.hash);
  });

  test("in a chat's words says it in a line", async () => {
    const tailnet = await makeTailnet();
    for (const [providerType, field] of [
      ["slack", "text"],
      ["mattermost", "text"],
      ["googlechat", "text"],
      ["discord", "content"],
    ] as const) {
      const hook = await makeHook(tailnet, [], { providerType });
      await admin("POST", on(hook, "/test"));
      const [received] = await hook.receiver.count(1);
      const body = JSON.parse(received?.body ?? "{}") as Record<string, unknown>;
      expect([providerType, body[field]]).toEqual([providerType, expect.stringContaining("test of a webhook")]);
    }
  });
});

describe("a secret", () => {
  test("is in one answer alone, and in no table", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, ["nodeCreated"]);
    expect(hook.secret).toMatch(/^tskey-webhook-/);
    expect(await hookJson(hook)).not.toHaveProperty("secret");
    const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/webhooks`);
    expect(JSON.stringify(json)).not.toContain(hook.secret);
    const tables = await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state));
    const text = JSON.stringify(tables);
    expect(text).not.toContain(hook.secret);
    expect(text).not.toContain(encodeHex(new TextEncoder().encode(hook.secret)));
  });

  test("in an address is shown to who may read webhooks, and is in no table, event or record [W35]", async () => {
    const tailnet = await makeTailnet();
    const receiver = new Receiver();
    const endpointUrl = `https://${receiver.host}/services/secret-of-the-address`;
    const { json } = await admin("POST", `/api/v2/tailnet/${tailnet}/webhooks`, { endpointUrl });
    const hook = { id: String(json["endpointId"]), secret: "", receiver };
    expect(json).toMatchObject({ endpointUrl });
    expect(json).not.toHaveProperty("warning");
    expect(await hookJson(hook)).toMatchObject({ endpointUrl });
    expect((await admin("GET", `/api/v2/tailnet/${tailnet}/webhooks`)).json).toMatchObject({
      webhooks: [{ endpointUrl }],
    });
    expect((await admin("POST", on(hook, "/test"))).status).toBe(202);
    await receiver.count(1);
    const text = JSON.stringify([
      await runInDurableObject(authorityOf(tailnet), (_, state) => dump(state)),
      await history(hook),
      await d1("SELECT * FROM events WHERE tailnet_id = ?", tailnet),
    ]);
    expect(text).toContain(receiver.host);
    expect(text).not.toContain("secret-of-the-address");
    expect(text).not.toContain(encodeHex(new TextEncoder().encode("secret-of-the-address")));
  });

  test("that is rotated signs beside the new one for a day, and no longer", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    const { json } = await admin("POST", on(hook, "/rotate"));
    const secret = String(json["secret"]);
    expect(secret).not.toBe(hook.secret);
    const [updated, tested] = await later(DAY_MS - HOUR_MS, async () => {
      await admin("POST", on(hook, "/test"));
      return hook.receiver.count(2);
    });
    for (const received of [updated, tested]) {
      if (received === undefined) throw new Error("not received");
      expect([isSignedBy(hook.secret, received), isSignedBy(secret, received)]).toEqual([true, true]);
    }
    await calm(tailnet);
    await later(DAY_MS + HOUR_MS, async () => {
      await admin("POST", on(hook, "/test"));
      const third = (await hook.receiver.count(3))[2];
      if (third === undefined) throw new Error("not received");
      expect([isSignedBy(hook.secret, third), isSignedBy(secret, third)]).toEqual([false, true]);
    });
  });

  test("that is rotated again lives no longer by that", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await admin("POST", on(hook, "/rotate"));
    await later(DAY_MS - HOUR_MS, async () => {
      await admin("POST", on(hook, "/rotate"));
      await hook.receiver.count(2);
    });
    await calm(tailnet);
    await later(DAY_MS + HOUR_MS, async () => {
      await admin("POST", on(hook, "/test"));
      const third = (await hook.receiver.count(3))[2];
      expect(third !== undefined && !isSignedBy(hook.secret, third)).toBe(true);
    });
  });

  test("that has leaked is ended at once; under it the endpoint hears of that, and of nothing else [W26]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    const { json } = await admin("POST", on(hook, "/rotate"), { endOldSecrets: true });
    await hook.receiver.count(1);
    const { json: last } = await admin("POST", on(hook, "/rotate"), { endOldSecrets: true });
    await hook.receiver.count(2);
    await calm(tailnet);
    const secrets = [hook.secret, String(json["secret"]), String(last["secret"])];
    const received = await later(60_000, async () => {
      await admin("POST", on(hook, "/test"));
      return hook.receiver.count(3);
    });
    expect(received.map((one) => secrets.map((secret) => isSignedBy(secret, one)))).toEqual([
      [true, true, false],
      [false, true, true],
      [false, false, true],
    ]);
  });
});

describe("an endpoint that fails", () => {
  test("is in the log under the request that its message is of, without the secret and the address", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "warn").mockImplementation((line: string) => void lines.push(line));
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await hook.receiver.behave({ status: 500 });
    const { headers } = await admin("POST", on(hook, "/test"));
    const [received] = await hook.receiver.count(1);
    await calm(tailnet);
    await history(hook);
    const request = received?.headers["tailward-request-id"];
    expect(headers.get("x-request-id")).toBe(request);
    const told = lines.map((line) => JSON.parse(line) as Fields).filter(({ webhook }) => webhook === hook.id);
    expect(told).toEqual([expect.objectContaining({ request, attempt: 1, status: 500, state: "waiting" })]);
    expect(lines.join("")).not.toContain(hook.secret);
    expect(lines.join("")).not.toContain(hook.receiver.url);
  });

  test("is asked again, ever more rarely, and told once it is well [W33][W34]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await hook.receiver.behave({ status: 503 });
    await admin("POST", on(hook, "/test"));
    await hook.receiver.count(1);
    await calm(tailnet);
    const waits: number[] = [];
    let passed = 0;
    for (let i = 0; i < 5; i++) {
      const [message] = await waitingFor(tailnet);
      const info = await hookJson(hook);
      expect([info["status"], info["pending"], info["lastError"]]).toEqual(["retrying", 1, "answered 503"]);
      const due = (message?.due ?? 0) - Date.now() - passed;
      waits.push(due);
      passed += due + 1000;
      await later(passed, () => ring(tailnet));
    }
    for (const [i, wait] of waits.slice(1).entries()) expect(wait).toBeGreaterThan(2 * (waits[i] ?? 0));
    await hook.receiver.behave({ status: 200 });
    await later(passed + HOUR_MS, () => ring(tailnet));
    expect(await waitingFor(tailnet)).toEqual([]);
    expect((await hookJson(hook))["status"]).toBe("ok");
    const [row] = await history(hook);
    expect(row).toMatchObject({ state: "delivered", attempts: 7, status: 200 });
  });

  test.each([
    ["tested", (hook) => on(hook, "/test")],
    ["given another secret", (hook) => on(hook, "/rotate")],
    ["sent one again", async (hook) => on(hook, `/deliveries/${String((await history(hook))[0]?.["id"])}/replay`)],
  ] satisfies [string, (hook: Hook) => string | Promise<string>][])(
    "rests no longer once it is %s [W34]",
    async (_, act) => {
      const tailnet = await makeTailnet();
      const hook = await makeHook(tailnet, ["nodeCreated"]);
      await hook.receiver.behave({ status: 401 });
      for (let failures = 1; failures <= 3; failures++) {
        await admin("POST", on(hook, "/test"));
        await hook.receiver.count(failures);
        await calm(tailnet);
      }
      await join(tailnet, new TestNode("alice"));
      await calm(tailnet, true);
      expect((await hook.receiver.received()).length).toBe(3);
      await hook.receiver.behave({ status: 200 });
      expect([200, 202]).toContain((await admin("POST", await act(hook))).status);
      await hook.receiver.count(4);
      await calm(tailnet);
      expect((await hookJson(hook))["status"]).toBe("ok");
    },
  );

  test("for a day is marked, others are told, and it is well again with the next success [W33]", async () => {
    const tailnet = await makeTailnet();
    const [hook, other] = [await makeHook(tailnet, []), await makeHook(tailnet, ["webhookFailing", "categoryAudit"])];
    await hook.receiver.behave({ addresses: ["10.0.0.1"] });
    await admin("POST", on(hook, "/test"));
    await other.receiver.count(1);
    await calm(tailnet);
    await later(DAY_MS + HOUR_MS, async () => {
      await ring(tailnet);
      const info = await hookJson(hook);
      expect([info["status"], info["pending"], info["lastError"]]).toEqual([
        "failing",
        0,
        expect.stringContaining("10.0.0.1"),
      ]);
      await other.receiver.count(3);
      const told = messagesIn(await other.receiver.received()).find(({ type }) => type === "webhookFailing");
      expect(told?.message).toContain(hook.receiver.host);
      expect(told?.data["creatorLoginName"]).toBe("Operator");
      expect((await history(hook))[0]).toMatchObject({ state: "failed", attempts: 2, status: null });
      expect(await hook.receiver.received()).toEqual([]);
      await hook.receiver.behave({ addresses: ["93.184.216.34"] });
      await calm(tailnet);
      const [row] = await history(hook);
      expect((await admin("POST", on(hook, `/deliveries/${String(row?.["id"])}/replay`))).status).toBe(200);
    });
    await later(DAY_MS + 3 * HOUR_MS, () => ring(tailnet));
    await hook.receiver.count(1);
    await calm(tailnet);
    expect((await hookJson(hook))["status"]).toBe("ok");
    expect((await history(hook))[0]).toMatchObject({ state: "delivered", attempts: 3 });
    const heard = messagesIn(await other.receiver.received()).map(({ data }) => data["kind"]);
    expect(heard).toEqual(expect.arrayContaining(["webhook.failing", "webhook.replayed", "webhook.recovered"]));
  });

  test("for a day is not asked once for each message that has waited as long [W34]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, []);
    await hook.receiver.behave({ status: 500 });
    for (let i = 0; i < 6; i++) await admin("POST", on(hook, "/test"));
    await hook.receiver.count(3);
    await calm(tailnet, true);
    const asked = (await hook.receiver.received()).length;
    await later(DAY_MS + HOUR_MS, async () => {
      await ring(tailnet);
      expect((await hook.receiver.received()).length).toBe(asked + 1);
      expect(await waitingFor(tailnet)).toEqual([]);
      expect((await history(hook, 6)).map(({ state }) => state)).toEqual(Array(6).fill("failed"));
    });
  });

  test("or that does not answer holds up no other, and no more than one message is tried at a time [W34]", async () => {
    const tailnet = await makeTailnet();
    const [slow, well] = [await makeHook(tailnet, ["nodeCreated"]), await makeHook(tailnet, ["nodeCreated"])];
    await slow.receiver.behave({ status: 0 });
    await join(tailnet, new TestNode("alice"));
    await well.receiver.count(1);
    await slow.receiver.behave({ status: 500 });
    await calm(tailnet);
    await slow.receiver.behave({ status: 0 });
    await join(tailnet, new TestNode("bob"), new TestNode("carol"), new TestNode("dave"));
    await well.receiver.count(4);
    await slow.receiver.count(2);
    expect((await slow.receiver.received()).length).toBe(2);
    await slow.receiver.behave({ status: 200 });
    await calm(tailnet);
    await later(HOUR_MS, () => ring(tailnet));
    expect(new Set(messagesIn(await slow.receiver.received()).map(({ sequence }) => sequence)).size).toBe(4);
  });

  test("does not fill the object: what is past the limit is counted and not kept [W34]", async () => {
    const tailnet = await makeTailnet();
    const hook = await makeHook(tailnet, ["nodeCreated"]);
    await hook.receiver.behave({ status: 500 });
    await join(tailnet, new TestNode("alice"));
    await hook.receiver.count(1);
    await calm(tailnet);
    forThisTest(WEBHOOK_LIMITS, { waiting: 2 });
    await join(tailnet, new TestNode("bob"), new TestNode("carol"), new TestNode("dave"));
    const info = await hookJson(hook);
    expect([info["pending"], info["dropped"]]).toEqual([2, 2]);
  });
});
