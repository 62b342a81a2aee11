/** The admin API for logins that wait: ours. Whose login an admin settles, and for which tailnet, stands in the path. */

import type { LoginInfo } from "../durable/index.ts";
import type { Refusal } from "../protocol/index.ts";
import { byOf, tailnetOf, timeJson, type AdminContext, type AdminRoute } from "./admin-route.ts";
import { refuse } from "./http-errors.ts";
import { authorityOf, loginsOf } from "./objects.ts";

const NO_LOGIN: Refusal = {
  code: "unknown_login",
  message: "no such login waits: it was settled, or has expired, and the node asks again by itself",
};

/** What the node says of itself is attacker-controlled: it is shown, and decides nothing. */
function loginJson({ id, machineKey, nodeKey, hostname, os, tags, created, expires, tailnet }: LoginInfo) {
  const times = { created: timeJson(created), expires: timeJson(expires) };
  return { id, hostname, os, tags, machineKey, nodeKey, ...times, tailnet: tailnet ?? "" };
}

async function listLogins(c: AdminContext): Promise<Response> {
  return c.json({ logins: (await loginsOf(c.env).logins()).map(loginJson) });
}

/** The authority first, then the login: whoever got no answer settles it again. The same word again is a success. */
function settle(state: "approved" | "denied"): AdminRoute["handle"] {
  return async (c) => {
    const tailnet = await tailnetOf(c);
    if (tailnet instanceof Response) return tailnet;
    const login = await loginsOf(c.env).login(c.req.param("loginId") ?? "");
    if (login === null) return refuse(c, NO_LOGIN);
    if (login.state !== "waiting")
      return login.state === state && (state === "denied" || login.tailnet === tailnet)
        ? c.json({})
        : refuse(c, NO_LOGIN);
    const outcome = await authorityOf(c.env, tailnet).settleLogin(byOf(c), login, state);
    if (!outcome.ok) return refuse(c, outcome.error);
    await loginsOf(c.env).settleLogin(login.id, state, state === "approved" ? tailnet : null);
    return c.json({});
  };
}

const LOGIN = "/api/v2/tailnet/:tailnet/logins/:loginId";

export const LOGIN_ROUTES: readonly AdminRoute[] = [
  { method: "GET", path: "/api/v2/logins", act: "login.read", handle: listLogins },
  { method: "POST", path: `${LOGIN}/approve`, act: "login.settle", handle: settle("approved") },
  { method: "POST", path: `${LOGIN}/deny`, act: "login.settle", handle: settle("denied") },
];
