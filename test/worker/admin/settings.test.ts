/** Settings and contacts by the admin API, and what Tailscale's has that this one has not. */

import { expect, test } from "vitest";
import { ADMIN_ROUTES } from "../../../src/worker/admin/api.ts";
import { admin, join, makeTailnet } from "../../support/workerd/control.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode, type Answer } from "../../support/workerd/test-node.ts";

test("settings that are fixed are shown, taken as they are, and refused otherwise", async () => {
  const path = `/api/v2/tailnet/${await makeTailnet()}/settings`;
  const { json } = await admin("GET", path);
  expect(json).toMatchObject({ httpsEnabled: false, usersRoleAllowedToJoinExternalTailnets: "admin" });
  expect((await admin("PATCH", path, json)).json).toEqual(json);
  refused(
    await admin("PATCH", path, { httpsEnabled: true, aclsExternalLink: "https://git.test/acl" }),
    "not_supported",
  );
  expect((await admin("GET", path)).json).toEqual(json);
});

test("a note says where the policy file is kept", async () => {
  const path = `/api/v2/tailnet/${await makeTailnet()}/settings`;
  const note = { aclsExternallyManagedOn: true, aclsExternalLink: "https://git.test/acl" };
  expect((await admin("PATCH", path, note)).json).toMatchObject(note);
  refused(await admin("PATCH", path, { aclsExternalLink: "javascript:alert(1)" }), "malformed_request");
  expect((await admin("GET", path)).json).toMatchObject(note);
});

test("contacts are the owner until they are set", async () => {
  const tailnet = await makeTailnet("contacts.test");
  const path = `/api/v2/tailnet/${tailnet}/contacts`;
  const owner = { email: "owner@contacts.test", needsVerification: false };
  expect((await admin("GET", path)).json).toEqual({ account: owner, support: owner, security: owner });
  const security = { email: "security@contacts.test", needsVerification: false };
  expect((await admin("PATCH", `${path}/security`, { email: security.email })).json).toMatchObject({ security });
  expect((await admin("GET", path)).json).toEqual({ account: owner, support: owner, security });
  refused(await admin("PATCH", `${path}/security`, { email: "no address" }), "malformed_request");
  expect((await admin("PATCH", `${path}/nobody`, { email: security.email })).status).toBe(404);
});

function names({ json }: Answer): string[] {
  return (json["devices"] as { hostname: string }[]).map(({ hostname }) => hostname).sort();
}

test("devices are listed by filters, and with all fields where that is asked for", async () => {
  const tailnet = await makeTailnet();
  const [one, two, three] = [new TestNode("one"), new TestNode("two"), new TestNode("three")];
  await join(tailnet, one, two, three);
  const path = `/api/v2/tailnet/${tailnet}/devices`;
  expect(names(await admin("GET", `${path}?hostname=one&hostname=three`))).toEqual(["one", "three"]);
  expect(names(await admin("GET", `${path}?hostname=one&authorized=false`))).toEqual([]);
  expect(names(await admin("GET", `${path}?isEphemeral=false&addresses=100.64.0.2`))).toHaveLength(1);
  refused(await admin("GET", `${path}?hostnme=one`), "malformed_request");
  const shown = await admin("GET", `${path}?fields=default,all`);
  expect((shown.json["devices"] as object[])[0]).toMatchObject({ advertisedRoutes: [], enabledRoutes: [] });
  expect((await admin("GET", path)).json["devices"]).not.toContainEqual(expect.objectContaining({ enabledRoutes: [] }));
});

test("a device's routes are those that it says of itself, and none is in force", async () => {
  const tailnet = await makeTailnet();
  const node = new TestNode("router");
  await join(tailnet, node);
  const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/devices`);
  const [{ id } = { id: "" }] = json["devices"] as { id: string }[];
  const path = `/api/v2/device/${id}/routes`;
  expect((await admin("GET", path)).json).toEqual({ advertisedRoutes: [], enabledRoutes: [] });
  expect((await admin("POST", path, { routes: [] })).status).toBe(200);
  refused(await admin("POST", path, { routes: ["10.0.0.0/8"] }), "not_supported");
  expect((await admin("GET", `/api/v2/device/${id}/attributes`)).json).toEqual({
    attributes: { "node:os": "linux", "node:tsVersion": "test" },
    expiries: {},
  });
});

test("what Tailscale's API has and this one has not is refused in words", async () => {
  const tailnet = await makeTailnet();
  const node = new TestNode("some");
  await join(tailnet, node);
  const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/devices`);
  const [{ id } = { id: "" }] = json["devices"] as { id: string }[];
  const absent = ADMIN_ROUTES.filter(({ summary }) => summary.startsWith("Refused: "));
  expect(absent.length).toBeGreaterThan(10);
  for (const { method, path } of absent) {
    const names: Record<string, string> = { tailnet, deviceId: id, userInviteId: `i0000000000${tailnet}` };
    const at = path.replaceAll(/:(\w+)/g, (_, name: string) => names[name] ?? "x");
    const answer = await admin(method, at);
    refused(answer, "not_supported");
    expect(answer.status, `${method} ${path}`).toBe(422);
  }
});

test("as many dead letters as are listed at once are named at once", async () => {
  const ids = Array.from({ length: 100 }, (_, index) => `record/none/${index}`);
  expect((await admin("POST", "/api/v2/tailward/dead-letters/replay", { ids })).json).toEqual({ replayed: 0 });
});
