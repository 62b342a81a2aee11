/** The one door [H2]: every route of the admin API names its act, and is closed to whoever is not allowed it. */

import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ADMIN_ROUTES, adminApi } from "../../src/worker/admin-api.ts";
import { ACTS, authorize } from "../../src/worker/authorize.ts";
import { admin } from "../support/workerd/control.ts";
import { refused } from "../support/workerd/refused.ts";
import { ORIGIN } from "../support/workerd/signed-request.ts";
import { fetchWorker, type Answer } from "../support/workerd/test-node.ts";

const OWNER = { type: "USER", id: "owner", name: "Owner" } as const;
const STRANGER = { type: "USER", id: "stranger", name: "Stranger" } as const;

describe("the door of the admin API [H2]", () => {
  test("has an act for every route that the app answers", () => {
    const answered = adminApi.routes
      .filter(({ method, path }) => !(method === "ALL" && path === "/api/v2/*"))
      .map(({ method, path }) => `${method} ${path}`);
    // Two handlers a route: the door, and what is behind it.
    const named = ADMIN_ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect([...new Set(answered)].sort()).toEqual([...named].sort());
    expect(answered).toHaveLength(2 * named.length);
    expect(new Set(named).size).toBe(named.length);
  });

  test("names acts of the closed list alone, and uses each", () => {
    expect([...new Set(ADMIN_ROUTES.map(({ act }) => act))].sort()).toEqual([...ACTS].sort());
  });

  test("lets the owner do all, and a stranger nothing", () => {
    expect(ACTS.filter((act) => !authorize(OWNER, act))).toEqual([]);
    expect(ACTS.filter((act) => authorize(STRANGER, act))).toEqual([]);
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
      refused(await ask(user), "forbidden");
  });

  test.each(ADMIN_ROUTES.map(({ method, path }) => [method, path] as const))(
    "%s %s is closed",
    async (method, path) => {
      const answer = await admin(method, path.replaceAll(/:\w+/g, "x"), null, "wrong");
      refused(answer, "forbidden");
      expect(answer.status).toBe(403);
    },
  );
});
