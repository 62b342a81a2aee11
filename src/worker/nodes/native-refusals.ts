/**
 * Refusals as Tailscale's clients take them. Our own agents read `{ code, message }`; a client shows a person the body of an answer as it is, and of a
 * registration only its `Error` field: any other refused registration it tries again for ever, and says nothing. Sources: Go's
 * `control/controlclient/{direct,auto}.go`, `ipn/ipnlocal/{local,tailnet-lock}.go`.
 *
 * Rule [H3]: over Noise a refusal is its sentence as text, under the same status as ever; a registration that is refused for good is answered with
 *            200 and the sentence in `Error`.
 */

import type { MiddlewareHandler } from "hono";
import { isNative } from "../../durable/index.ts";
import { REGISTER_PATH, type ControlErrorCode, type Refusal } from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import { STATUS_OF } from "../http-errors.ts";

/** What may go better the next time: a client that hears a status other than 200 tries a registration again by itself. */
const PASSING: ReadonlySet<ControlErrorCode> = new Set<ControlErrorCode>([
  "too_many_requests",
  "try_again",
  "head_moved",
  "internal",
]);

/** Seconds after which a client may ask again that was told that it asks for too much; clients since v1.98 read it. */
const RETRY_AFTER_S = 30;

function headersOf({ code }: Refusal): Record<string, string> {
  const retry = code === "too_many_requests" ? { "retry-after": String(RETRY_AFTER_S) } : {};
  return { "content-type": "text/plain; charset=utf-8", ...retry };
}

/** The answer that a client shows for a refusal. */
export function nativeRefusal(path: string, refusal: Refusal): Response {
  const { code, message } = refusal;
  if (path === REGISTER_PATH && !PASSING.has(code)) return Response.json({ Error: message });
  return new Response(`${message}\n`, { status: STATUS_OF[code], headers: headersOf(refusal) });
}

/** Puts the refusals of whoever comes over Noise into its words [H3]. */
export const refuseNatively: MiddlewareHandler<AppTypes> = async (c, next) => {
  await next();
  const { refusal } = c.var;
  // Before anybody is proven there is no caller, whatever the type says.
  const caller = c.get("caller") as AppTypes["Variables"]["caller"] | undefined;
  if (refusal !== undefined && caller !== undefined && isNative(caller)) c.res = nativeRefusal(c.req.path, refusal);
};
