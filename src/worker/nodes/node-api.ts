/**
 * The node API: `/machine/*`, the same whatever the transport. A transport proves who asks and sets `caller`; the routes here parse, make one
 * call to an object, and format.
 */

import { Hono } from "hono";
import type { TailnetAuthority } from "../../durable/index.ts";
import {
  REGISTER_PATH,
  TKA_PATHS,
  affectedSigsRequest,
  bootstrapRequest,
  disableRequest,
  initBeginRequest,
  initFinishRequest,
  signRequest,
  syncOfferRequest,
  syncSendRequest,
  type Outcome,
  type Shape,
  type TkaRpc,
} from "../../protocol/index.ts";
import type { NodeKey } from "../../tka/index.ts";
import type { AppTypes } from "../app-types.ts";
import { readBody } from "../body.ts";
import { clientRoutes } from "./client-routes.ts";
import { answer, refuseMethod } from "../http-errors.ts";
import { mapRoutes } from "./map-routes.ts";
import { routeOf, type NodeContext } from "./node-route.ts";
import { authorityOf } from "../objects.ts";
import { handleRegister } from "./register-route.ts";

/** A route that reads a request of that shape and hands it to the authority of the node's tailnet. */
function authorityRoute<Request extends { readonly NodeKey: NodeKey }>(
  shape: Shape<Request>,
  call: (authority: DurableObjectStub<TailnetAuthority>, c: NodeContext, request: Request) => Promise<Outcome<unknown>>,
): (c: NodeContext) => Promise<Response> {
  return async (c) => {
    const request = await readBody(c, shape);
    if (request instanceof Response) return request;
    const tailnet = await routeOf(c, request.NodeKey);
    if (tailnet instanceof Response) return tailnet;
    return answer(c, await call(authorityOf(c.env, tailnet), c, request));
  };
}

const TKA_ROUTES: Readonly<Record<TkaRpc, (c: NodeContext) => Promise<Response>>> = {
  initBegin: authorityRoute(initBeginRequest, (authority, c, request) => authority.initBegin(c.var.caller, request)),
  initFinish: authorityRoute(initFinishRequest, (authority, c, request) => authority.initFinish(c.var.caller, request)),
  bootstrap: authorityRoute(bootstrapRequest, (authority, c, request) => authority.bootstrap(c.var.caller, request)),
  syncOffer: authorityRoute(syncOfferRequest, (authority, c, request) => authority.syncOffer(c.var.caller, request)),
  syncSend: authorityRoute(syncSendRequest, (authority, c, request) => authority.syncSend(c.var.caller, request)),
  disable: authorityRoute(disableRequest, (authority, c, request) => authority.disable(c.var.caller, request)),
  sign: authorityRoute(signRequest, (authority, c, request) => authority.sign(c.var.caller, request)),
  affectedSigs: authorityRoute(affectedSigsRequest, (authority, c, request) =>
    authority.affectedSigs(c.var.caller, request),
  ),
};

export const nodeApi = new Hono<AppTypes>();
nodeApi.post(REGISTER_PATH, handleRegister);
for (const [rpc, path] of Object.entries(TKA_PATHS)) nodeApi.post(path, TKA_ROUTES[rpc as TkaRpc]);
nodeApi.route("/", mapRoutes);
nodeApi.route("/", clientRoutes);
for (const path of [REGISTER_PATH, ...Object.values(TKA_PATHS)]) nodeApi.all(path, refuseMethod);
