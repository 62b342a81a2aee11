/**
 * The one door of the admin API: who acts, and whether that actor may.
 *
 * Rule [H2]: every route of the admin API names its act, of a closed list, and is answered only once the actor was allowed it. The one actor so
 *            far is the owner, by bearer token, compared in constant time; whoever else asks is refused.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Actor, By } from "../durable/index.ts";
import { decodeBase64 } from "../protocol/index.ts";
import type { AppTypes } from "./app-types.ts";
import { refuse } from "./http-errors.ts";

/** All that can be asked of the admin API. */
export const ACTS = [
  "tailnet.create",
  "tailnet.list",
  "tailnet.read",
  "tailnet.delete",
  "settings.read",
  "settings.change",
  "policy.read",
  "policy.check",
  "policy.set",
  "key.create",
  "key.read",
  "key.revoke",
  "device.read",
  "device.change",
  "device.remove",
  "login.read",
  "login.settle",
  "lock.read",
  "lock.disable",
  "lock.support_read",
  "tailnet.restored",
  "share.create",
  "share.read",
  "share.accept",
  "share.withdraw",
  "record.rebuild",
  "dead_letters.read",
  "dead_letters.replay",
] as const;

export type Act = (typeof ACTS)[number];

const OWNER: Actor = { type: "USER", id: "owner", name: "Owner" };

/** True if the actor may do that. Roles will be judged here. */
export function authorize(actor: Actor, act: Act): boolean {
  return actor.id === OWNER.id && ACTS.includes(act);
}

function digest(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

/** The token of an attacker-controlled `Authorization` header: a bearer's, or, as Tailscale's own client sends it, a user name without password. */
function tokenOf(header: string): string | null {
  const bearer = /^Bearer ([\x21-\x7e]{1,512})$/.exec(header)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^Basic ([0-9A-Za-z+/=]{1,1024})$/.exec(header)?.[1];
  const bytes = basic === undefined ? null : decodeBase64(basic);
  return bytes === null ? null : (/^([\x21-\x39\x3b-\x7e]+):$/.exec(new TextDecoder().decode(bytes))?.[1] ?? null);
}

/** The actor that the header names, or null. */
function actorOf(header: string | undefined, ownerToken: string | undefined): Actor | null {
  const given = tokenOf(header ?? "");
  if (ownerToken === undefined || ownerToken === "" || given === null) return null;
  return timingSafeEqual(digest(given), digest(ownerToken)) ? OWNER : null;
}

/** Lets through whoever the token names, as `by`; refuses all others. */
export const requireActor: MiddlewareHandler<AppTypes> = async (c, next) => {
  const actor = actorOf(c.req.header("authorization"), c.env.OWNER_TOKEN);
  if (actor === null) {
    c.header("www-authenticate", "Bearer");
    return refuse(c, { code: "forbidden", message: "the admin API needs the owner's token" });
  }
  const by: By = { actor, origin: "CONFIG_API" };
  c.set("by", by);
  return next();
};

/** Lets through an actor that may do that; refuses all others. */
export function permit(act: Act): MiddlewareHandler<AppTypes> {
  return async (c, next) => {
    if (!authorize(c.var.by.actor, act))
      return refuse(c, { code: "forbidden", message: `this needs the right to do: ${act}` });
    return next();
  };
}
