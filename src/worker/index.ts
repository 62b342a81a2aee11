/** The Worker: its app, the queues' consumers, raw TCP where the host takes it, and the objects that wrangler.toml names. */

import { app } from "./app.ts";
import type { WorkerEnv } from "./env.ts";
import { consume } from "./queues/consumers.ts";
import { handleRawTcp } from "./nodes/raw-tcp.ts";

export { NodeApi } from "./nodes/node-entry.ts";
export { Directory, NodeSessions, TailnetAuthority } from "../durable/index.ts";

export default {
  fetch: app.fetch,
  queue: consume,
  connect: (socket: Socket, env: WorkerEnv, ctx: ExecutionContext): Promise<void> =>
    handleRawTcp(socket, (request) => app.fetch(request, env, ctx)),
};
