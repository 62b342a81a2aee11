/**
 * `/machine/map`: how nodes hear of their tailnet. The authority admits the caller and says which object holds its session; that object is handed the
 * caller's identity in a request made anew here, so nothing that came from outside can pass for it.
 */

import { Hono } from "hono";
import {
  MAP_TICKET_HEADER,
  derpMapOf,
  isNative,
  ticketRequest,
  type Admitted,
  type MapTicket,
  type StreamWish,
} from "../../durable/index.ts";
import {
  MAP_PATH,
  MAP_SUBPROTOCOL,
  mapRequest,
  parseRefusal,
  type MapRequest,
  type Refusal,
} from "../../protocol/index.ts";
import { TkaError, parseNodeKey, type NodeKey } from "../../tka/index.ts";
import type { AppTypes } from "../app-types.ts";
import { readBody } from "../body.ts";
import { refuse, refuseMethod } from "../http-errors.ts";
import { routeOf, type NodeContext } from "./node-route.ts";
import { authorityOf, sessionsOf } from "../objects.ts";

function wishOf(request: MapRequest): StreamWish {
  const { Stream: stream, Compress, KeepAlive: keepAlive, MapSessionHandle: handle, MapSessionSeq: since } = request;
  const place = stream ? { handle, since } : { handle: "", since: 0 };
  return { stream, zstd: Compress === "zstd", keepAlive, hears: request.DiscoKey !== "", ...place };
}

async function stream(c: NodeContext, admitted: Admitted, wish: StreamWish): Promise<Response> {
  const response = await sessionsOf(c.env, admitted, "stream").fetch(ticketRequest({ admitted, wish }));
  if (response.ok) return new Response(response.body, { headers: { "content-type": "application/octet-stream" } });
  const refusal = parseRefusal(await response.json());
  return refuse(c, refusal ?? { code: "internal", message: "something went wrong here: ask again" });
}

/** What a client is shown instead of a refusal whose node is here no more [M12]; null for all others. */
async function farewell(
  c: NodeContext,
  tailnet: string,
  request: MapRequest,
  { code }: Refusal,
): Promise<Response | null> {
  if (code !== "unknown_node" || !isNative(c.var.caller)) return null;
  const { NodeKey, Compress } = request;
  const last = await authorityOf(c.env, tailnet).farewell(c.var.caller, NodeKey, Compress === "zstd");
  if (!last.ok || last.value === null) return null;
  return c.body(last.value.slice().buffer, 200, { "content-type": "application/octet-stream" });
}

async function handleMap(c: NodeContext): Promise<Response> {
  const request = await readBody(c, mapRequest);
  if (request instanceof Response) return request;
  const derpMap = derpMapOf(c.env);
  if (!derpMap.ok) return refuse(c, derpMap.error);
  const tailnet = await routeOf(c, request.NodeKey);
  if (tailnet instanceof Response) return tailnet;
  const isUpdate = !request.Stream && request.OmitPeers;
  const { holder } = c.var;
  const seating = holder === undefined ? "stream" : { holder };
  const admitted = await authorityOf(c.env, tailnet).admitMap(c.var.caller, request, isUpdate ? null : seating);
  if (!admitted.ok) return (await farewell(c, tailnet, request, admitted.error)) ?? refuse(c, admitted.error);
  if (isUpdate) return c.body(null, 200);
  const ticket = { admitted: admitted.value, wish: wishOf(request) };
  return holder === undefined ? stream(c, ticket.admitted, ticket.wish) : subscribed(c, ticket);
}

/** For the object that holds the client's connection, and makes the map from it: never an answer that is waited for. */
function subscribed(c: NodeContext, ticket: MapTicket): Response {
  return c.json(ticket, 200, { [MAP_TICKET_HEADER]: "1" });
}

/** The attacker-controlled node key of a path, or null. */
function nodeKeyOf(text: string): NodeKey | null {
  try {
    return parseNodeKey(text);
  } catch (error) {
    if (error instanceof TkaError) return null;
    throw error;
  }
}

async function handleSocket(c: NodeContext): Promise<Response> {
  const nodeKey = nodeKeyOf(c.req.param("nodeKey") ?? "");
  const protocols = (c.req.header("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
  const isUpgrade = c.req.header("upgrade")?.toLowerCase() === "websocket" && protocols.includes(MAP_SUBPROTOCOL);
  if (nodeKey === null || !isUpgrade)
    return refuse(c, {
      code: "malformed_request",
      message: `this path takes an upgrade to a WebSocket of ${MAP_SUBPROTOCOL}`,
    });
  const tailnet = await routeOf(c, nodeKey);
  if (tailnet instanceof Response) return tailnet;
  const admitted = await authorityOf(c.env, tailnet).admitSocket(c.var.caller, nodeKey);
  if (!admitted.ok) return refuse(c, admitted.error);
  const request = ticketRequest({ admitted: admitted.value, wish: null }, { upgrade: "websocket" });
  return sessionsOf(c.env, admitted.value, "socket").fetch(request);
}

export const mapRoutes = new Hono<AppTypes>();
mapRoutes.post(MAP_PATH, handleMap);
mapRoutes.all(MAP_PATH, refuseMethod);
mapRoutes.get(`${MAP_PATH}/:nodeKey`, handleSocket);
