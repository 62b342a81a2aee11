/** A route of the admin API: its act, and what it answers. A file of routes exports a list of these. */

import type { Context } from "hono";
import type { By, TailnetAuthority } from "../durable/index.ts";
import { isTailnetId, type Outcome, type Refusal, type Shape } from "../protocol/index.ts";
import type { AppTypes } from "./app-types.ts";
import type { Act } from "./authorize.ts";
import { readBody } from "./body.ts";
import { answer, refuse } from "./http-errors.ts";
import { authorityOf, tailnetsOf } from "./objects.ts";

export type AdminContext = Context<AppTypes>;

export interface AdminRoute {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  readonly path: `/api/v2/${string}`;
  readonly act: Act;
  readonly handle: (c: AdminContext) => Promise<Response>;
}

export function byOf(c: AdminContext): By {
  return c.var.by;
}

const NO_TAILNET: Refusal = { code: "unknown_tailnet", message: "there is no such tailnet" };
/** Characters of a path's tailnet that are looked up. */
const MAX_NAME = 63;

/** The ID of the tailnet that is named by its ID, its name, or `-` where there is exactly one; null for none. Attacker-controlled. */
export async function findTailnet(c: AdminContext, named: string): Promise<string | null> {
  if (isTailnetId(named)) return named;
  if (named === "" || named.length > MAX_NAME) return null;
  const tailnets = tailnetsOf(c.env);
  return (await (named === "-" ? tailnets.only() : tailnets.named(named)))?.id ?? null;
}

/** The ID of the tailnet that the path names, or the refusal. */
export async function tailnetOf(c: AdminContext): Promise<string | Response> {
  return (await findTailnet(c, c.req.param("tailnet") ?? "")) ?? refuse(c, NO_TAILNET);
}

type Authority = DurableObjectStub<TailnetAuthority>;

/** Makes one call to the authority of the path's tailnet and answers with what it gives, in the form that `format` makes of it. */
export function tailnetRoute<T>(
  call: (authority: Authority, c: AdminContext) => Promise<Outcome<T>>,
  format: (value: T) => unknown,
): AdminRoute["handle"] {
  return async (c) => {
    const tailnet = await tailnetOf(c);
    if (tailnet instanceof Response) return tailnet;
    return formatted(c, await call(authorityOf(c.env, tailnet), c), format);
  };
}

/** The same for a route that reads a body. */
export function tailnetBodyRoute<B, T>(
  shape: Shape<B>,
  call: (authority: Authority, c: AdminContext, body: B) => Promise<Outcome<T>>,
  format: (value: T) => unknown,
): AdminRoute["handle"] {
  return async (c) => {
    const tailnet = await tailnetOf(c);
    if (tailnet instanceof Response) return tailnet;
    const body = await readBody(c, shape);
    if (body instanceof Response) return body;
    return formatted(c, await call(authorityOf(c.env, tailnet), c, body), format);
  };
}

/** Answers with an outcome, in the form that `format` makes of its value. */
export function formatted<T>(c: AdminContext, outcome: Outcome<T>, format: (value: T) => unknown): Response {
  return outcome.ok ? answer(c, { ok: true, value: format(outcome.value) }) : refuse(c, outcome.error);
}

/** For acts that answer with nothing. */
export function nothing(): Record<string, never> {
  return {};
}

/** A time as Tailscale's API writes it: Go's zero time for none. */
export function timeJson(at: number | null): string {
  return at === null ? "0001-01-01T00:00:00Z" : new Date(at).toISOString();
}
