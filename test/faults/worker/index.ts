/**
 * The real Worker and its objects over bindings with faults in them. Beside the product's routes there are those of the fault scripts, under
 * `/faults/`, which only this entry has: switches, counts, a look into tables, and the end of all sessions objects at once.
 */

import { env as bindings } from "cloudflare:workers";
import * as product from "../../../src/worker/index.ts";
import type { NodeApiProps } from "../../../src/durable/index.ts";
import { encodeHex } from "../../../src/tka/index.ts";
import type { WorkerEnv } from "../../../src/worker/env.ts";
import { faultyEnv, namesReached } from "./faulty-bindings.ts";
import { setSwitches, takeCounts, type Switches } from "./switches.ts";

/** A row with its blobs in hex: JSON has none. */
type JsonRow = Record<string, string | number | null>;

function jsonRow(row: Readonly<Record<string, unknown>>): JsonRow {
  const entries = Object.entries(row).map(([name, value]) => {
    if (value instanceof ArrayBuffer || Array.isArray(value))
      return [name, encodeHex(new Uint8Array(value as ArrayBuffer))];
    return [name, value];
  });
  return Object.fromEntries(entries) as JsonRow;
}

export class NodeApi extends product.NodeApi {
  constructor(ctx: ExecutionContext<NodeApiProps>, env: WorkerEnv) {
    super(ctx, faultyEnv(env, "worker"));
  }
}

export class TailnetAuthority extends product.TailnetAuthority {
  constructor(ctx: DurableObjectState, env: WorkerEnv) {
    super(ctx, faultyEnv(env, "authority"));
  }

  /** The rows that a statement gives, as they are stored. */
  faultQuery(sql: string): JsonRow[] {
    return this.ctx.storage.sql.exec(sql).toArray().map(jsonRow);
  }
}

export class NodeSessions extends product.NodeSessions {
  constructor(ctx: DurableObjectState, env: WorkerEnv) {
    super(ctx, faultyEnv(env, "sessions"));
  }

  /** Ends this instance and every connection that it holds, as a deployment does. */
  faultEnd(): void {
    this.ctx.abort("deployed anew");
  }
}

export class Directory extends product.Directory {
  constructor(ctx: DurableObjectState, env: WorkerEnv) {
    super(ctx, faultyEnv(env, "directory"));
  }
}

/** The bindings as they are: what the scripts ask does not go through the faults. */
interface Objects {
  readonly TAILNET_AUTHORITY: DurableObjectNamespace<TailnetAuthority>;
  readonly NODE_SESSIONS: DurableObjectNamespace<NodeSessions>;
}

const { TAILNET_AUTHORITY, NODE_SESSIONS } = bindings as unknown as Objects;

async function endSessions(): Promise<number> {
  const names = namesReached("NODE_SESSIONS");
  const ends = names.map((name) => NODE_SESSIONS.get(NODE_SESSIONS.idFromName(name)).faultEnd());
  // An object that ends cannot answer.
  await Promise.allSettled(ends);
  return names.length;
}

interface Query {
  readonly tailnet?: string;
  readonly sql: string;
}

async function query({ tailnet, sql }: Query): Promise<JsonRow[]> {
  if (tailnet !== undefined) return TAILNET_AUTHORITY.get(TAILNET_AUTHORITY.idFromName(tailnet)).faultQuery(sql);
  const database = Object.values(bindings).find(
    (binding): binding is D1Database => typeof (binding as Partial<D1Database> | null)?.prepare === "function",
  );
  if (database === undefined) return [];
  const { results } = await database.prepare(sql).all();
  return results.map(jsonRow);
}

async function control(act: string, request: Request): Promise<Response> {
  switch (act) {
    case "switches":
      setSwitches(await request.json<Partial<Switches>>());
      return Response.json({});
    case "counts":
      return Response.json(takeCounts());
    case "end-sessions":
      return Response.json({ ended: await endSessions() });
    case "query":
      return Response.json(await query(await request.json<Query>()));
    default:
      return new Response(null, { status: 404 });
  }
}

const worker: ExportedHandler<WorkerEnv> = product.default;

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/faults/")) return control(pathname.slice("/faults/".length), request);
    return (await worker.fetch?.(request, faultyEnv(env, "worker"), ctx)) ?? new Response(null, { status: 500 });
  },
  queue: (batch, env, ctx) => worker.queue?.(batch, faultyEnv(env, "worker"), ctx),
} satisfies ExportedHandler<WorkerEnv>;
