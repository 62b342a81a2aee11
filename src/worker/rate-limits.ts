/**
 * How much of the admin API one may have, by Cloudflare's rate-limiting binding: it counts by location, and roughly.
 *
 * Rule [H8]: a person or an OAuth client has so many requests a minute, whatever credentials they use; an address, or a network of IPv6, so many that
 *            prove nobody, and so many attempts to sign in. More are refused, with when to come again. The operator is not counted: it is the way in that must not be blocked.
 */

import type { Context } from "hono";
import { parseAddress } from "../policy/index.ts";
import type { AppTypes } from "./app-types.ts";
import { refuse } from "./http-errors.ts";
import type { Principal } from "./principal.ts";

async function isOver(limit: RateLimit | undefined, key: string): Promise<boolean> {
  return limit !== undefined && !(await limit.limit({ key })).success;
}

/** Bits of an IPv6 address that whoever has it may choose. */
const OWN_BITS = 64n;

/**
 * The address that a request comes from, as Cloudflare says; one for all where it does not. Of IPv6 it is the network: who is in one has all its addresses.
 */
export function addressOf(c: Context<AppTypes>): string {
  const text = (c.req.header("cf-connecting-ip") ?? "").slice(0, 64);
  const address = parseAddress(text);
  return address?.family === 6 ? (address.first >> OWN_BITS).toString(16) : text;
}

function refuseMore(c: Context<AppTypes>): Response {
  return refuse(c, { code: "too_many_requests", message: "this is too much for a minute: wait, and ask again" });
}

/** Counts a request of that principal, by a key of its own; gives the refusal where it is one too many. */
export async function countRequest(c: Context<AppTypes>, key: string): Promise<Response | null> {
  return (await isOver(c.env.API_REQUESTS, key)) ? refuseMore(c) : null;
}

/** By what a principal is counted; null for the operator, who is not. */
export function countedAs(principal: Principal): string | null {
  switch (principal.kind) {
    case "operator":
      return null;
    case "user":
      return `user ${principal.user.id}`;
    case "client":
      return `client ${principal.tailnet} ${principal.id}`;
  }
}

/** Counts a request that proved nobody; gives the refusal where it is one too many from its address. */
export async function countFailure(c: Context<AppTypes>): Promise<Response | null> {
  return (await isOver(c.env.API_FAILURES, addressOf(c))) ? refuseMore(c) : null;
}

/** Counts an attempt to sign in, whatever comes of it; true where it is one too many from its address. */
export function isTooMany(c: Context<AppTypes>): Promise<boolean> {
  return isOver(c.env.API_FAILURES, `sign-in ${addressOf(c)}`);
}
