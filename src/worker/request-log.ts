/**
 * Every request has an ID of its own, under which all is logged that belongs to it, which its events carry as their group, and which its answer names as
 * `X-Request-Id`. It is made here: what a caller says would be the caller's to forge.
 *
 * Rule [O52]: a request is logged once, with how it was answered: at `error` where something failed here, at `info` where somebody whom the
 *            admin API knows asked for a change or was refused, else at `debug`, which is not written by default: nodes ask all day, and strangers may.
 */

import type { Context, MiddlewareHandler } from "hono";
import { inRequest, log, newRequestId, type Level } from "../durable/index.ts";
import type { AppTypes } from "./app-types.ts";
import { count, partOf } from "./counters.ts";

const REQUEST_HEADER = "x-request-id";
const ADMIN = "/api/";
const FAILED = 500;
const REFUSED = 400;
/** What is not offered here, and what goes better the next time: no failures. */
const OURS: ReadonlySet<number> = new Set([501, 503]);
const RAY = /^[0-9a-f]{16}(-[A-Z]{3})?$/;
/** Below these, a path names something that is known to few: a login, an invite. */
const CAPABILITIES = /^(\/login\/|\/api\/v2\/tailward\/sign-in\/).+$/;

type RequestContext = Context<AppTypes>;

/** `isKnown`: somebody has proven who they are. */
function levelOf(c: RequestContext, isKnown: boolean): Level {
  const { status } = c.res;
  if (status >= FAILED && !OURS.has(status)) return "error";
  const isTold = status >= REFUSED || !["GET", "HEAD"].includes(c.req.method);
  return isKnown && isTold ? "info" : "debug";
}

function tell(c: RequestContext, ms: number): void {
  const { refusal } = c.var;
  const ray = c.req.header("cf-ray") ?? "";
  const by = c.get("by") as AppTypes["Variables"]["by"] | undefined;
  const tailnet = c.get("tailnet") as string | undefined;
  log[levelOf(c, by !== undefined)]("request", {
    method: c.req.method,
    path: c.req.path.replace(CAPABILITIES, "$1…"),
    status: c.res.status,
    ms,
    ...(by === undefined ? {} : { actor: by.actor.id }),
    ...(tailnet === undefined ? {} : { tailnet }),
    ...(refusal === undefined ? {} : { code: refusal.code, why: refusal.message }),
    ...(RAY.test(ray) ? { ray } : {}),
  });
}

/** Gives the request its ID, and logs how it was answered. */
export const followRequest: MiddlewareHandler<AppTypes> = (c, next) => {
  const request = newRequestId();
  c.set("request", request);
  return inRequest(request, async () => {
    const begun = Date.now();
    await next();
    // Answers that come from elsewhere, sockets and streams, are passed on as they are.
    if (c.req.path.startsWith(ADMIN) || c.var.refusal !== undefined) c.header(REQUEST_HEADER, request);
    const ms = Date.now() - begun;
    tell(c, ms);
    const outcome = String(c.res.status);
    count(c.env, { ...partOf(c.req.path), by: c.req.method, outcome, code: c.var.refusal?.code ?? "", count: 1, ms });
  });
};
