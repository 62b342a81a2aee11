/**
 * Where Tailscale's clients come in: the key by which they know this control plane, and their connection [T7][T8]. Both are for anybody: what is
 * sent to the one is public, and the other proves itself.
 *
 * Rule [T8]: the connection is a WebSocket of the subprotocol `tailscale-control-protocol`, from any origin, with the handshake's initiation as the
 *            parameter `X-Tailscale-Handshake`. The native upgrade is not: it does not come through Cloudflare's front, and is carried by a bridge.
 */

import { Hono, type Context } from "hono";
import { connectionRequest, controlKeyOf, noiseCrypto } from "../../durable/index.ts";
import {
  CONTROL_SUBPROTOCOL,
  HANDSHAKE_CHARS,
  HANDSHAKE_FIELD,
  INITIATION_BYTES,
  KEY_PATH,
  NoiseError,
  TS2021_PATH,
  controlKeyResponse,
  controlPublicKey,
  decodeBase64,
  openInitiation,
  type OpenedInitiation,
  type Refusal,
} from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import { placeOfConnection } from "./connection-place.ts";
import { refuse } from "../http-errors.ts";

type ControlContext = Context<AppTypes>;

const NOT_AN_UPGRADE: Refusal = {
  code: "upgrade_required",
  message:
    `this path takes a WebSocket of ${CONTROL_SUBPROTOCOL}; the upgrade that native clients ask for does not get here: ` +
    "run `tailward bridge` and give its address to them as --login-server",
};

function handleKey(c: ControlContext): Response {
  const control = controlKeyOf(c.env);
  if (!control.ok) return refuse(c, control.error);
  // A client in a browser asks from a page of another origin.
  c.header("access-control-allow-origin", "*");
  return c.json(controlKeyResponse(controlPublicKey(control.value, noiseCrypto)));
}

/** Opens the attacker-controlled handshake of the query, or says why not. */
async function initiationOf(
  c: ControlContext,
  control: Uint8Array,
): Promise<{ opened: OpenedInitiation; text: string } | Refusal> {
  const text = c.req.query(HANDSHAKE_FIELD) ?? "";
  const message = text.length === HANDSHAKE_CHARS ? decodeBase64(text) : null;
  if (message === null)
    return { code: "malformed_request", message: `${HANDSHAKE_FIELD} takes ${INITIATION_BYTES} bytes in base64` };
  try {
    return { opened: await openInitiation(message, control, noiseCrypto), text };
  } catch (error) {
    if (!(error instanceof NoiseError)) throw error;
    const code = error.code === "malformed_initiation" ? "malformed_request" : "forged_request";
    return { code, message: error.message };
  }
}

async function handleConnection(c: ControlContext): Promise<Response> {
  const protocols = (c.req.header("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
  const isUpgrade = c.req.header("upgrade")?.toLowerCase() === "websocket" && protocols.includes(CONTROL_SUBPROTOCOL);
  if (!isUpgrade) return refuse(c, NOT_AN_UPGRADE);
  const control = controlKeyOf(c.env);
  if (!control.ok) return refuse(c, control.error);
  const initiation = await initiationOf(c, control.value);
  if ("code" in initiation) return refuse(c, initiation);
  const place = await placeOfConnection(c.env, initiation.opened.machineKey);
  const { origin } = new URL(c.req.url);
  const sessions = c.env.NODE_SESSIONS.get(c.env.NODE_SESSIONS.idFromName(place.holder));
  return sessions.fetch(connectionRequest({ ...place, initiation: initiation.text, origin }));
}

export const controlRoutes = new Hono<AppTypes>();
controlRoutes.get(KEY_PATH, handleKey);
controlRoutes.all(TS2021_PATH, handleConnection);
