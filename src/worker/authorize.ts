/**
 * The one door of the admin API: who asks, of which tailnet it is, and whether it may.
 *
 * Rule [H2]: every route of the admin API names its act, of a closed list, and is answered only once the principal was allowed it. The operator's
 *            token is compared in constant time; whoever is not proven is refused before anything is looked up.
 * Rule [H6]: the tailnet is known from the path, or from the ID in it, before the route runs. To a principal of one tailnet every other one is none:
 *            the answer is the same as if it did not exist.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { decodeBase64, isTailnetId, type Refusal } from "../protocol/index.ts";
import type { AppTypes } from "./app-types.ts";
import type { AdminContext } from "./admin-route.ts";
import { refuse } from "./http-errors.ts";
import { tailnetsOf } from "./objects.ts";
import { tailnetOfPath } from "./path-tailnet.ts";
import { actorOf, tailnetOfPrincipal, type Principal } from "./principal.ts";
import { authorize, type Act } from "./rights.ts";

const UNPROVEN: Refusal = {
  code: "unauthenticated",
  message: "the admin API needs a token that is good: an access token, an OAuth client's, or the operator's",
};

function digest(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

/** The token of an attacker-controlled `Authorization` header: a bearer's, or, as Tailscale's own client sends it, a user name without password. */
export function tokenOf(header: string): string | null {
  const bearer = /^Bearer ([\x21-\x7e]{1,512})$/.exec(header)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^Basic ([0-9A-Za-z+/=]{1,1024})$/.exec(header)?.[1];
  const bytes = basic === undefined ? null : decodeBase64(basic);
  return bytes === null ? null : (/^([\x21-\x39\x3b-\x7e]+):$/.exec(new TextDecoder().decode(bytes))?.[1] ?? null);
}

function isOperator(token: string, ownerToken: string | undefined): boolean {
  return ownerToken !== undefined && ownerToken !== "" && timingSafeEqual(digest(token), digest(ownerToken));
}

/** Who is proven to ask, or null. */
async function principalOf(c: AdminContext): Promise<Principal | null> {
  const token = tokenOf(c.req.header("authorization") ?? "");
  if (token === null) return null;
  return Promise.resolve(isOperator(token, c.env.OWNER_TOKEN) ? { kind: "operator" } : null);
}

/** Lets through whoever is proven; refuses all others. */
export const requirePrincipal: MiddlewareHandler<AppTypes> = async (c, next) => {
  const principal = await principalOf(c);
  if (principal === null) {
    c.header("www-authenticate", "Bearer");
    return refuse(c, UNPROVEN);
  }
  c.set("principal", principal);
  c.set("by", { actor: actorOf(principal), origin: "CONFIG_API", group: c.var.request });
  return next();
};

/** Characters of a path's tailnet that are looked up. */
const MAX_NAME = 63;

/** The ID of the tailnet that is named by its ID, its name, or `-` for the principal's own; for the operator `-` is the only one. Null for none. */
async function findTailnet(c: AdminContext, named: string): Promise<string | null> {
  const own = tailnetOfPrincipal(c.var.principal);
  if (named === "-" && own !== null) return own;
  if (isTailnetId(named)) return named;
  if (named === "" || named.length > MAX_NAME) return null;
  const tailnets = tailnetsOf(c.env);
  return (await (named === "-" ? tailnets.only() : tailnets.named(named)))?.id ?? null;
}

/** The same, of those that the principal is of [H6]. Attacker-controlled. */
export async function reachTailnet(c: AdminContext, named: string): Promise<string | null> {
  const found = await findTailnet(c, named);
  const own = tailnetOfPrincipal(c.var.principal);
  return own === null || own === found ? found : null;
}

/** Lets through a principal that may do that, in a tailnet that it is of; refuses all others. */
export function permit(act: Act): MiddlewareHandler<AppTypes> {
  return async (c, next) => {
    const named = tailnetOfPath(c);
    if (named !== null) {
      const tailnet = named.tailnet === null ? null : await reachTailnet(c, named.tailnet);
      if (tailnet === null) return refuse(c, named.otherwise);
      c.set("tailnet", tailnet);
    }
    if (!authorize(c.var.principal, act))
      return refuse(c, { code: "forbidden", message: `this needs the right to do: ${act}` });
    return next();
  };
}
