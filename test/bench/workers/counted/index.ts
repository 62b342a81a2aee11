/**
 * The product's Worker over bindings that count: requests to objects, rows that their SQLite reads and writes, alarms set, queue messages, D1's
 * rows, and how long objects are awake. `POST /bench/tally` gives and forgets the counts; `POST /bench/alarm/<sessions object>` rings its alarm.
 */

import worker, {
  Directory as ProductDirectory,
  NodeApi as ProductNodeApi,
  NodeSessions as ProductSessions,
  TailnetAuthority as ProductAuthority,
} from "../../../../src/worker/index.ts";
import type { NodeApiProps } from "../../../../src/durable/index.ts";
import type { WorkerEnv } from "../../../../src/worker/env.ts";
import { countedEnv } from "./bindings.ts";
import { count, keepCursor, takeTally, whileAwake } from "./tally.ts";

type Exec = SqlStorage["exec"];
interface Patched {
  exec?: Exec;
}

/** Counts the statements of an object of that kind. */
function countSql({ storage }: DurableObjectState, kind: string): void {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  (sql as unknown as Patched).exec = ((statement: string, ...values: SqlStorageValue[]) => {
    const cursor = exec(statement, ...values);
    // Which act's nonces expire under which other act is chance: what each costs at its end is added to the act that takes it.
    const isCleaning = statement.startsWith("DELETE FROM taken_nonces");
    if (statement.startsWith("INSERT INTO taken_nonces")) count("nonces taken");
    keepCursor(isCleaning ? "of expired nonces" : kind, cursor);
    return cursor;
  }) as Exec;
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (time, options) => {
    count(`alarms set ${kind}`);
    return setAlarm(time, options);
  };
}

const nameOf = (ctx: DurableObjectState, kind: string): string => `${kind} ${ctx.id.name ?? ctx.id.toString()}`;

export class Directory extends ProductDirectory {
  constructor(ctx: DurableObjectState, env: WorkerEnv) {
    countSql(ctx, "directory");
    super(ctx, countedEnv(env, nameOf(ctx, "directory")));
  }
}

/** Requests of clients' connections go by a loopback, which is not billed; the calls that they make are. */
export class NodeApi extends ProductNodeApi {
  constructor(ctx: ExecutionContext<NodeApiProps>, env: WorkerEnv) {
    super(ctx, countedEnv(env, null));
  }
}

export class TailnetAuthority extends ProductAuthority {
  constructor(ctx: DurableObjectState, env: WorkerEnv) {
    countSql(ctx, "authority");
    super(ctx, countedEnv(env, nameOf(ctx, "authority")));
  }

  override alarm(): Promise<void> {
    count("alarms rung authority");
    return whileAwake([nameOf(this.ctx, "authority")], () => super.alarm());
  }
}

export class NodeSessions extends ProductSessions {
  constructor(ctx: DurableObjectState, env: WorkerEnv) {
    countSql(ctx, "sessions");
    super(ctx, countedEnv(env, nameOf(ctx, "sessions")));
  }

  override alarm(): Promise<void> {
    count("alarms rung sessions");
    return whileAwake([nameOf(this.ctx, "sessions")], () => super.alarm());
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    count("socket messages in");
    return whileAwake([nameOf(this.ctx, "sessions")], () => super.webSocketMessage(socket, message));
  }

  /** What the platform calls when the alarm rings: nobody else may. */
  ringAlarm(): Promise<void> {
    return this.alarm();
  }
}

async function benchRoute(path: string, env: WorkerEnv): Promise<Response> {
  const [, , act = "", name = ""] = path.split("/");
  if (act === "tally") return Response.json(takeTally());
  const sessions = env.NODE_SESSIONS.getByName(name) as unknown as DurableObjectStub<NodeSessions>;
  await sessions.ringAlarm();
  return Response.json({});
}

export default {
  ...worker,
  fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/bench/")) return benchRoute(pathname, env);
    count("requests");
    return worker.fetch(request, countedEnv(env, null), ctx);
  },
  async queue(batch, env) {
    count("consumer invocations");
    count(`queue deliveries ${batch.queue}`, batch.messages.length);
    await worker.queue(batch, countedEnv(env, null));
  },
} satisfies ExportedHandler<WorkerEnv>;
