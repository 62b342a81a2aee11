/**
 * The product's Worker with clocks at its doors: when a queue's consumer starts, and when a sessions object is told to advance. `GET
 * /bench/stamps` gives and forgets them; `POST /bench/direct/off` cuts the authority's own calls to the sessions objects, so that the Queue alone
 * tells. Nothing else differs.
 */

import worker, {
  Directory,
  NodeApi,
  NodeSessions as ProductSessions,
  TailnetAuthority as ProductAuthority,
} from "../../../../src/worker/index.ts";
import type { WorkerEnv } from "../../../../src/worker/env.ts";

export { Directory, NodeApi };

/** Milliseconds since the epoch. */
interface Stamps {
  consumer: { queue: string; at: number }[];
  advance: number[];
}

/** Objects and Worker are one isolate here. */
let stamps: Stamps = { consumer: [], advance: [] };
let isDirectCut = false;

export class NodeSessions extends ProductSessions {
  override advance(tailnet: string, seq: number): ReturnType<ProductSessions["advance"]> {
    stamps.advance.push(Date.now());
    return super.advance(tailnet, seq);
  }
}

/** A namespace whose objects cannot be reached while the direct calls are cut. */
function cuttable(namespace: WorkerEnv["NODE_SESSIONS"]): WorkerEnv["NODE_SESSIONS"] {
  return new Proxy(namespace, {
    get(target, name) {
      if (name === "get" && isDirectCut) throw new Error("cut by the benchmark");
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

export class TailnetAuthority extends ProductAuthority {
  constructor(ctx: DurableObjectState, env: WorkerEnv) {
    super(ctx, { ...env, NODE_SESSIONS: cuttable(env.NODE_SESSIONS) });
  }
}

function benchRoute(path: string): Response {
  if (path === "/bench/direct/off") isDirectCut = true;
  else if (path === "/bench/direct/on") isDirectCut = false;
  const taken = stamps;
  stamps = { consumer: [], advance: [] };
  return Response.json(taken);
}

export default {
  ...worker,
  fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    return pathname.startsWith("/bench/") ? benchRoute(pathname) : worker.fetch(request, env, ctx);
  },
  queue(batch, env, ctx) {
    stamps.consumer.push({ queue: batch.queue, at: Date.now() });
    const { queue } = worker as ExportedHandler<WorkerEnv>;
    return queue?.(batch, env, ctx);
  },
} satisfies ExportedHandler<WorkerEnv>;
