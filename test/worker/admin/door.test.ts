/** The one door [H2]: every route of the admin API names its act, and is closed to whoever is not allowed it. */

import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ADMIN_ROUTES, adminApi } from "../../../src/worker/admin/api.ts";
import type { Principal } from "../../../src/worker/principal.ts";
import { ACTS, authorize, type Act } from "../../../src/worker/admin/rights.ts";
import { admin } from "../../support/workerd/control.ts";
import { refused } from "../../support/workerd/refused.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { fetchWorker, type Answer } from "../../support/workerd/test-node.ts";

const OPERATOR: Principal = { kind: "operator" };
const MEMBER: Principal = {
  kind: "user",
  tailnet: "T0000000000",
  user: { id: "u", login: "m@x.test", name: "M", role: "member" },
  scopes: ["all"],
  credential: "k",
};
const CLIENT: Principal = { kind: "client", tailnet: "T0000000000", id: "k", name: "c", scopes: ["all"], tags: [] };
const acts = Object.keys(ACTS) as Act[];

describe("the door of the admin API [H2]", () => {
  test("has an act for every route that the app answers", () => {
    const answered = adminApi.routes
      // What is for all methods is the door's, and the word on which there are.
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path}`);
    // Two handlers a route: the door, and what is behind it.
    const named = ADMIN_ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect([...new Set(answered)].sort()).toEqual([...named].sort());
    expect(answered).toHaveLength(2 * named.length);
    expect(new Set(named).size).toBe(named.length);
  });

  test("has what it answers kept in no cache, refusals too", async () => {
    for (const token of [undefined, "wrong"]) {
      const { headers } = await admin("GET", "/api/v2/tailnets", null, token);
      expect([headers.get("cache-control"), headers.get("x-content-type-options")]).toEqual(["no-store", "nosniff"]);
    }
  });

  test("says by which methods a path is asked", async () => {
    const answer = await admin("PATCH", "/api/v2/tailnets");
    refused(answer, "method_not_allowed");
    expect(answer.status).toBe(405);
    refused(await admin("PATCH", "/api/v2/tailnets", null, "wrong"), "unauthenticated");
  });

  test("names acts of the closed list alone, and uses each", () => {
    expect([...new Set(ADMIN_ROUTES.flatMap(({ act, otherActs = [] }) => [act, ...otherActs]))].sort()).toEqual(
      [...acts].sort(),
    );
  });

  test("lets the operator do all, a member nothing, and a client nothing that asks for a person [H5]", () => {
    expect(acts.filter((act) => !authorize(OPERATOR, act))).toEqual([]);
    expect(acts.filter((act) => authorize(MEMBER, act))).toEqual([]);
    expect(authorize(CLIENT, "device.remove")).toBe(true);
    expect(authorize(CLIENT, "lock.disable")).toBe(false);
    expect(authorize(CLIENT, "tailnet.create")).toBe(false);
  });

  test("takes the token as Tailscale's own client sends it, and nothing like it", async () => {
    const ask = (user: string): Promise<Answer> => {
      const headers = { authorization: `Basic ${btoa(user)}` };
      return fetchWorker(new Request(`${ORIGIN}/api/v2/tailnets`, { headers }));
    };
    expect((await ask(`${env.OWNER_TOKEN}:`)).status).toBe(200);
    for (const user of [
      env.OWNER_TOKEN,
      `:${env.OWNER_TOKEN}`,
      `${env.OWNER_TOKEN}:x`,
      `x:${env.OWNER_TOKEN}`,
      ":",
      "",
    ])
      refused(await ask(user), "unauthenticated");
  });

  test("knows the tailnet from an ID in the path, and says of none what it says of a strange thing in it [H6]", async () => {
    refused(await admin("GET", "/api/v2/device/nAAAAAAAAAATBBBBBBBBBB"), "unknown_device");
    refused(await admin("GET", "/api/v2/device/anything"), "unknown_device");
    refused(await admin("GET", "/api/v2/device-invites/anything"), "unknown_share");
    refused(await admin("GET", "/api/v2/tailnet/no.such.name/devices"), "unknown_tailnet");
  });

  test.each(ADMIN_ROUTES.map(({ method, path }) => [method, path] as const))(
    "%s %s is closed",
    async (method, path) => {
      const answer = await admin(method, path.replaceAll(/:\w+/g, "x"), null, "wrong");
      refused(answer, "unauthenticated");
      expect(answer.status).toBe(401);
    },
  );
});
