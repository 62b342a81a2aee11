/** Which tailnet a node's request is for. */

import type { Context } from "hono";
import type { NodeKey } from "../../tka/index.ts";
import type { AppTypes } from "../app-types.ts";
import { refuse } from "../http-errors.ts";
import { directoryOf } from "../objects.ts";

export type NodeContext = Context<AppTypes>;

/** The tailnet of the node that asks, or the refusal. */
export async function routeOf(c: NodeContext, nodeKey: NodeKey): Promise<string | Response> {
  const { machineKey } = c.var.caller;
  const tailnet = await directoryOf(c.env, machineKey).find(machineKey, nodeKey);
  if (tailnet !== null) return tailnet;
  return refuse(c, {
    code: "unknown_node",
    message: "this node key is not registered by this machine: register it first",
    subject: nodeKey,
  });
}
