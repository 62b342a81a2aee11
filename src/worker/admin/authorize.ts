/**
 * The one door of the admin API: who asks, of which tailnet it is, and whether it may.
 *
 * Rule [H2]: every route of the admin API names its act, of a closed list, and is answered only once the principal was allowed it. The operator's
 *            token is compared in constant time; whoever is not proven is refused before anything is looked up.
 * Rule [H6]: the tailnet is known from the path, or from the ID in it, before the route runs. To a principal of one tailnet every other one is none:
 *            the answer is the same as if it did not exist.
 */

import type { MiddlewareHandler } from "hono";
import type { Origin, PersonSession } from "../../durable/index.ts";
import { parseCredential, type Refusal } from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import type { AdminContext } from "./route.ts";
import type { WorkerEnv } from "../env.ts";
import { refuse } from "../http-errors.ts";
import { authorityOf, tailnetsOf } from "../objects.ts";
import { tailnetNamed, tailnetOfPath } from "./path-tailnet.ts";
import { actorOf, tailnetOfPrincipal, type Principal } from "../principal.ts";
import { countFailure, countRequest, countedAs } from "../rate-limits.ts";
import { refuseAct } from "./refused-acts.ts";
import { authorize, type Act } from "./rights.ts";
import { principalOfSession, sessionAtDoor } from "./session-principal.ts";
import { isConfiguredToken, tokenOf } from "../bearer-token.ts";

const UNPROVEN: Refusal = {
  code: "unauthenticated",
  message: "the admin API needs a token that is good: an access token, an OAuth client's, or the operator's",
};

/** Who is behind a credential of a tailnet, or why nobody is. */
async function provenBy(env: WorkerEnv, token: string): Promise<Principal | Refusal> {
  const parts = parseCredential(token);
  if (parts === null) return UNPROVEN;
  const outcome = await authorityOf(env, parts.tailnet).prove(parts);
  return outcome.ok ? { ...outcome.value, tailnet: parts.tailnet } : outcome.error;
}

/** Who is proven to ask, or why nobody is. */
async function principalOf(c: AdminContext): Promise<Principal | Refusal> {
  const token = tokenOf(c.req.header("authorization") ?? "");
  if (token === null) return UNPROVEN;
  return isConfiguredToken(token, c.env.OWNER_TOKEN) ? { kind: "operator" } : provenBy(c.env, token);
}

/** Lets a principal in, as `by`; or says why not: it asks too often. */
async function enter(c: AdminContext, principal: Principal, origin: Origin): Promise<Response | null> {
  const key = countedAs(principal);
  const tooMany = key === null ? null : await countRequest(c, key);
  if (tooMany !== null) return tooMany;
  const role = principal.kind === "user" ? { role: principal.user.role } : {};
  c.set("principal", principal);
  c.set("by", { actor: actorOf(principal), origin, group: c.var.request, ...role });
  return null;
}

async function refuseUnproven(c: AdminContext, refusal: Refusal): Promise<Response> {
  const tooMany = c.req.header("authorization") === undefined ? null : await countFailure(c);
  if (tooMany !== null) return tooMany;
  c.header("www-authenticate", "Bearer");
  return refuse(c, refusal);
}

/** Lets through whoever is proven; refuses all others. Which user a person in a session is depends on the tailnet: `permit` says so. */
export const requirePrincipal: MiddlewareHandler<AppTypes> = async (c, next) => {
  const session = await sessionAtDoor(c);
  if (session !== null) {
    c.set("session", session);
    return next();
  }
  const principal = await principalOf(c);
  if ("code" in principal) return refuseUnproven(c, principal);
  return (await enter(c, principal, "CONFIG_API")) ?? next();
};

/** Lets a person in a session through as the user that they are in the path's tailnet, or says why not. */
async function enterBySession(c: AdminContext, session: PersonSession): Promise<Response | null> {
  const named = tailnetOfPath(c);
  const principal = await principalOfSession(c, session, named === null ? null : (named.tailnet ?? ""));
  if (principal !== null) return enter(c, principal, "ADMIN_CONSOLE");
  return named === null ? refuseUnproven(c, UNPROVEN) : refuse(c, named.otherwise);
}

/** The ID of the tailnet that is named by its ID, its name, or `-` for the principal's own; for the operator `-` is the only one. Null for none. */
async function findTailnet(c: AdminContext, named: string): Promise<string | null> {
  const own = tailnetOfPrincipal(c.var.principal);
  if (named !== "-") return tailnetNamed(c.env, named);
  return own ?? (await tailnetsOf(c.env).only())?.id ?? null;
}

/** The same, of those that the principal is of [H6]. Attacker-controlled. */
export async function reachTailnet(c: AdminContext, named: string): Promise<string | null> {
  const found = await findTailnet(c, named);
  const own = tailnetOfPrincipal(c.var.principal);
  return own === null || own === found ? found : null;
}

/** Lets through a principal that may do any of that, in a tailnet that it is of; refuses all others. */
export function permit(...acts: readonly [Act, ...Act[]]): MiddlewareHandler<AppTypes> {
  return async (c, next) => {
    const { session } = c.var;
    const refusal = session === undefined ? null : await enterBySession(c, session);
    if (refusal !== null) return refusal;
    const named = tailnetOfPath(c);
    if (named !== null) {
      const tailnet = named.tailnet === null ? null : await reachTailnet(c, named.tailnet);
      if (tailnet === null) return refuse(c, named.otherwise);
      c.set("tailnet", tailnet);
    }
    return acts.some((act) => authorize(c.var.principal, act)) ? next() : refuseAct(c, acts[0]);
  };
}
