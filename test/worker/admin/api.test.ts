/** The admin API: who may, and what is refused. */

import { describe, expect, test } from "vitest";
import { parseAuthKey } from "../../../src/protocol/index.ts";
import { admin, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { lockedScene } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { TestNode, fetchWorker } from "../../support/workerd/test-node.ts";

const CREATE = { reusable: false, ephemeral: false, preauthorized: false, tags: [] };
const NEW_KEY = { capabilities: { devices: { create: CREATE } } };

describe("the admin API", () => {
  test("a tailnet is made once for a name", async () => {
    const [first, again] = [await makeTailnet("twice.test"), await makeTailnet("twice.test")];
    expect(again).toBe(first);
    const { json } = await admin("GET", "/api/v2/tailnets");
    expect(json["tailnets"]).toContainEqual(expect.objectContaining({ id: first, name: "twice.test" }));
  });

  test("an auth key names its tailnet, and says what it is good for", async () => {
    const tailnet = await makeTailnet();
    const create = { ...CREATE, reusable: true, tags: ["tag:ci"] };
    const body = { capabilities: { devices: { create } }, expirySeconds: 60, description: "x".repeat(99) };
    const { status, json } = await admin("POST", `/api/v2/tailnet/${tailnet}/keys`, body);
    expect([status, json["capabilities"]]).toEqual([200, { devices: { create } }]);
    expect(parseAuthKey(String(json["key"]))).toMatchObject({ tailnet, keyId: json["id"] });
    expect(json["description"]).toHaveLength(50);
    expect(Date.parse(String(json["expires"])) - Date.parse(String(json["created"]))).toBe(60_000);
  });

  const requests: readonly (readonly [string, string, unknown])[] = [
    ["POST", "/api/v2/tailnets", { name: "mine.test" }],
    ["GET", "/api/v2/tailnets", null],
    ["POST", "/api/v2/tailnet/T0000000000/keys", NEW_KEY],
    ["GET", "/api/v2/tailnet/T0000000000/lock/export", null],
    ["GET", "/api/v2/nothing", null],
  ];
  test.each(requests)("%s %s is the owner's alone", async (method, path, body) => {
    refused(await admin(method, path, body, "wrong"), "unauthenticated");
    const init = body === null ? {} : { body: JSON.stringify(body) };
    for (const authorization of ["", "Bearer", "Bearer ", "Basic b3duZXI6", "bearer\tx"]) {
      const headers = authorization === "" ? {} : { authorization };
      const answer = await fetchWorker(new Request(`${ORIGIN}${path}`, { method, headers, ...init }));
      refused(answer, "unauthenticated");
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  test.each([
    ["no body", null],
    ["no name", {}],
    ["an empty name", { name: "" }],
    ["a name in upper case", { name: "Mine.test" }],
    ["a name with a slash", { name: "a/b" }],
    ["a name that is too long", { name: "a".repeat(64) }],
    ["a name that is no text", { name: ["a"] }],
  ])("a tailnet with %s is refused", async (_, body) => {
    refused(await admin("POST", "/api/v2/tailnets", body), "malformed_request");
  });

  test.each([
    ["no capabilities", {}],
    ["capabilities that are none", { capabilities: { devices: 7 } }],
    ["an expiry in the past", { ...NEW_KEY, expirySeconds: -1 }],
    ["an expiry past 90 days", { ...NEW_KEY, expirySeconds: 90 * 24 * 60 * 60 + 1 }],
    ["half a second", { ...NEW_KEY, expirySeconds: 0.5 }],
    ["a tag of another form", { capabilities: { devices: { create: { ...CREATE, tags: ["ci"] } } } }],
    ["too many tags", { capabilities: { devices: { create: { ...CREATE, tags: Array(65).fill("tag:a") } } } }],
  ])("an auth key with %s is refused", async (_, body) => {
    refused(await admin("POST", `/api/v2/tailnet/${await makeTailnet()}/keys`, body), "malformed_request");
  });

  test.each(["T0000000000", "T0", "x", "%00", "-"])("there is no tailnet %s", async (tailnet) => {
    refused(await admin("POST", `/api/v2/tailnet/${tailnet}/keys`, NEW_KEY), "unknown_tailnet");
    refused(await admin("GET", `/api/v2/tailnet/${tailnet}/lock/export`), "unknown_tailnet");
  });

  test("there is no chain to export where there is no lock", async () => {
    refused(await admin("GET", `/api/v2/tailnet/${await makeTailnet()}/lock/export`), "lock_not_enabled");
  });

  test("a node cannot act as the owner, nor the owner's token as a node", async () => {
    const { tailnet, alice } = await lockedScene();
    refused(await alice.post(`/api/v2/tailnet/${tailnet}/keys`, NEW_KEY), "unauthenticated");
    refused(await admin("POST", "/machine/map", { NodeKey: alice.nodeKey }), "unsigned_request");
  });

  test("the page that says that it is there asks for nothing", async () => {
    expect((await fetchWorker(new Request(`${ORIGIN}/health`))).json).toEqual({ ok: true });
    expect((await new TestNode("x").register(await makeAuthKey(await makeTailnet()))).status).toBe(200);
  });
});
