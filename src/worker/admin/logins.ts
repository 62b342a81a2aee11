/** The admin API for logins that wait: ours. Whose login an admin settles, and for which tailnet, stands in the path. */

import { z } from "zod";
import type { LoginInfo } from "../../durable/index.ts";
import { timeJson, type Outcome, type Refusal } from "../../protocol/index.ts";
import {
  controlRoute,
  given,
  nothing,
  noValue,
  tailnetRoute,
  time,
  type AdminRoute,
  type TailnetCall,
} from "./route.ts";
import { loginsOf } from "../objects.ts";

const NO_LOGIN: Refusal = {
  code: "unknown_login",
  message: "no such login waits: it was settled, or has expired, and the node asks again by itself",
};

const waitingLogin = z
  .object({
    id: z.string(),
    hostname: z.string(),
    os: z.string(),
    tags: z.array(z.string()),
    machineKey: z.string(),
    nodeKey: z.string(),
    created: time,
    expires: time,
    tailnet: z.string(),
  })
  .meta({ id: "WaitingLogin" });

/** What the node says of itself is attacker-controlled: it is shown, and decides nothing. */
function loginJson({ id, machineKey, nodeKey, hostname, os, tags, created, expires, tailnet }: LoginInfo) {
  const times = { created: timeJson(created), expires: timeJson(expires) };
  return { id, hostname, os, tags: [...tags], machineKey, nodeKey, ...times, tailnet: tailnet ?? "" };
}

type Settled = "approved" | "denied";

/** The authority first, then the login: whoever got no answer settles it again. The same word again is a success. */
async function settle(
  { authority, by, env, tailnet, param }: TailnetCall<undefined, undefined>,
  state: Settled,
): Promise<Outcome<null>> {
  const login = await loginsOf(env).login(param("loginId"));
  if (login === null) return { ok: false, error: NO_LOGIN };
  if (login.state !== "waiting")
    return login.state === state && (state === "denied" || login.tailnet === tailnet)
      ? given(null)
      : { ok: false, error: NO_LOGIN };
  const outcome = await authority.settleLogin(by, login, state);
  if (outcome.ok) await loginsOf(env).settleLogin(login.id, state, state === "approved" ? tailnet : null);
  return outcome;
}

function settleRoute(verb: string, state: Settled, summary: string): AdminRoute {
  return tailnetRoute({
    method: "POST",
    path: `/api/v2/tailnet/:tailnet/logins/:loginId/${verb}`,
    act: "login.settle",
    summary,
    answer: nothing,
    call: (call) => settle(call, state),
    format: noValue,
  });
}

export const LOGIN_ROUTES: readonly AdminRoute[] = [
  controlRoute({
    method: "GET",
    path: "/api/v2/logins",
    act: "login.read",
    summary: "Nodes without an auth key that wait to be let in",
    answer: z.object({ logins: z.array(waitingLogin) }),
    call: async ({ env }) => given(await loginsOf(env).logins()),
    format: (logins) => ({ logins: logins.map(loginJson) }),
  }),
  settleRoute("approve", "approved", "Lets a waiting node into the tailnet"),
  settleRoute("deny", "denied", "Turns a waiting node away"),
];
