/** What clients ask beside registration, maps and the lock: answered, or refused in their words [H3]. */

import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { authorityOf, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { NativeClient } from "../../support/workerd/native-client.ts";

const REPORT = { Action: "DISCONNECT_NODE", Details: "for lunch" };
let tailnet: string;
let client: NativeClient;

beforeAll(async () => {
  tailnet = await makeTailnet();
  client = new NativeClient("a");
  await client.registered(await makeAuthKey(tailnet));
});

function reports(): Promise<unknown[]> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage }) =>
    storage.sql
      .exec<{ by: string; detail: string }>(
        "SELECT actor ->> 'name' AS by, new AS detail FROM events WHERE kind = 'node.reported'",
      )
      .toArray()
      .map(({ by, detail }) => [by, JSON.parse(detail) as unknown]),
  );
}

describe("a report for the audit log", () => {
  test("is on the record, as its node's", async () => {
    expect((await client.post("/machine/audit-log", REPORT)).status).toBe(200);
    expect(await reports()).toEqual([["a", { action: "DISCONNECT_NODE", details: "for lunch" }]]);
  });

  test("of another act, without end, or of another's node is refused for good, so that it is not sent again", async () => {
    const retried = [429, 500, 502, 503, 504];
    const stranger = new NativeClient("b");
    const refusals = [
      await client.post("/machine/audit-log", { ...REPORT, Action: "DELETE_EVERYTHING" }),
      await client.post("/machine/audit-log", { ...REPORT, Details: "x".repeat(3000) }),
      await stranger.post("/machine/audit-log", { ...REPORT, NodeKey: client.nodeKey }),
    ];
    for (const { status, json } of refusals) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(retried).not.toContain(status);
      expect(json).toEqual({});
    }
    expect(await reports()).toHaveLength(1);
  });
});

describe("a client", () => {
  test("is told what a feature needs, in words, and not to wait for it", async () => {
    const { status, json } = await client.post("/machine/feature/query", { Feature: "funnel" });
    expect([status, json["Complete"], json["ShouldWait"], json["URL"]]).toEqual([200, false, undefined, undefined]);
    expect(json["Text"]).toContain('does not offer "funnel"');
  });

  test("that says what ails it is heard, by nobody", async () => {
    const { status } = await client.post("/machine/update-health", { Subsys: "dns", Error: "none" });
    expect(status).toBe(200);
  });

  test("is told who it is", async () => {
    for (const method of ["POST", "GET"]) {
      const { text } = await client.ask(method, "/machine/whoami");
      expect(text).toBe(`you are ${client.machineKey}\n`);
    }
  });

  test("is told at once that a held SSH session is refused", async () => {
    const { status, json } = await client.post("/machine/ssh/action/from/1/to/2", {});
    expect([status, json["reject"], typeof json["message"]]).toEqual([200, true, "string"]);
  });

  test.each([
    ["PATCH", "/machine/set-device-attr", "device attributes"],
    ["POST", "/machine/set-dns", "certificates"],
    ["POST", "/machine/id-token", "ID tokens"],
    ["POST", "/machine/webclient/init/1/to/2", "web interface"],
    ["POST", "/machine/webclient/wait/1/to/2/x", "web interface"],
  ])("asks in vain by %s %s, and is told so", async (method, path, what) => {
    const { status, text, json } = await client.ask(method, path);
    expect([status, json]).toEqual([501, {}]);
    expect(text).toContain(what);
  });
});
