/**
 * What Tailscale's clients ask beside registration, maps and the lock: served where we have it, refused with words where we have not. Which client
 * does what with an answer stands in docs/compatibility.md.
 */

import { Hono, type Handler } from "hono";
import {
  AUDIT_LOG_PATH,
  FEATURE_QUERY_PATH,
  SSH_ACTION_PATH,
  UPDATE_HEALTH_PATH,
  WHOAMI_PATH,
  auditLogRequest,
  featureQueryRequest,
} from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import { readBody } from "../body.ts";
import { answer, refuse } from "../http-errors.ts";
import { routeOf, type NodeContext } from "./node-route.ts";
import { authorityOf } from "../objects.ts";

async function handleAuditLog(c: NodeContext): Promise<Response> {
  const request = await readBody(c, auditLogRequest);
  if (request instanceof Response) return request;
  const tailnet = await routeOf(c, request.NodeKey);
  if (tailnet instanceof Response) return tailnet;
  return answer(c, await authorityOf(c.env, tailnet).auditLog(c.var.caller, request));
}

/** `tailscale serve` and `funnel` ask how a feature is turned on: the text is shown, and the command ends. */
async function handleFeatureQuery(c: NodeContext): Promise<Response> {
  const request = await readBody(c, featureQueryRequest);
  if (request instanceof Response) return request;
  // Attacker-controlled, and shown to whoever has sent it.
  const Text = `This control plane does not offer ${JSON.stringify(request.Feature)}: it has no names with certificates on the internet.`;
  return c.json({ Complete: false, Text });
}

function absent(what: string): Handler<AppTypes> {
  return (c) => refuse(c, { code: "feature_absent", message: `this control plane does not offer ${what}` });
}

export const clientRoutes = new Hono<AppTypes>();
clientRoutes.post(AUDIT_LOG_PATH, handleAuditLog);
clientRoutes.post(FEATURE_QUERY_PATH, handleFeatureQuery);
// Clients up to v1.88 say here what ails them; nobody would read it.
clientRoutes.post(UPDATE_HEALTH_PATH, (c) => c.json({}));
clientRoutes.on(["GET", "POST"], WHOAMI_PATH, (c) => c.text(`you are ${c.var.caller.machineKey}\n`));
// Any other status is asked again for half an hour, while the session hangs.
clientRoutes.all(SSH_ACTION_PATH, (c) =>
  c.json({ reject: true, message: "this control plane holds no SSH session: it is refused\r\n" }),
);
clientRoutes.patch("/machine/set-device-attr", absent("device attributes"));
clientRoutes.post("/machine/set-dns", absent("DNS records, and so no certificates"));
clientRoutes.post("/machine/id-token", absent("ID tokens"));
clientRoutes.post("/machine/webclient/*", absent("logins to the web interface of a device"));
