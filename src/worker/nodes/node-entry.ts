/**
 * By which a sessions object reaches the node API with the requests of a client's connection: a loopback entrypoint, that nothing outside can call. Who
 * asks comes in its props, as Noise has proven it.
 */

import { WorkerEntrypoint } from "cloudflare:workers";
import { Hono } from "hono";
import type { NodeApiProps } from "../../durable/index.ts";
import type { AppTypes } from "../app-types.ts";
import { limitBody } from "../body.ts";
import type { WorkerEnv } from "../env.ts";
import { refuseFault, refuseUnknownPath } from "../http-errors.ts";
import { refuseNatively } from "./native-refusals.ts";
import { nodeApi } from "./node-api.ts";
import { followRequest } from "../request-log.ts";

/** The node API for machines that their connections have proven. One for all: an app is slow to make, and the first request through one the slowest. */
const app = new Hono<AppTypes>();
app.use(followRequest);
app.use(async (c, next) => {
  // Nothing but this Worker's own objects can set them.
  const { machineKey, holder } = c.executionCtx.props as NodeApiProps;
  c.set("caller", { machineKey, proof: "noise", request: c.var.request });
  c.set("holder", holder);
  await next();
});
app.use(refuseNatively);
app.use(limitBody);
app.route("/", nodeApi);
app.notFound(refuseUnknownPath);
app.onError(refuseFault);

export class NodeApi extends WorkerEntrypoint<WorkerEnv, NodeApiProps> {
  override async fetch(request: Request): Promise<Response> {
    return app.fetch(request, this.env, this.ctx);
  }
}
