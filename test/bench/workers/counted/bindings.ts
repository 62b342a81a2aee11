/** Bindings that count what goes through them. What they give is the real thing's. */

import type { WorkerEnv } from "../../../../src/worker/env.ts";
import { count, whileAwake } from "./tally.ts";

type Call = (...args: unknown[]) => unknown;

/** `target`, except for the properties that `replaced` has. */
function over<T extends object>(target: T, replaced: Readonly<Record<string, unknown>>): T {
  return new Proxy(target, {
    get(inner, name) {
      if (typeof name === "string" && Object.hasOwn(replaced, name)) return replaced[name];
      const value: unknown = Reflect.get(inner, name);
      return typeof value === "function" ? ((value as Call).bind(inner) as unknown) : value;
    },
  });
}

/** A stub whose calls are counted; while one is under way, both ends are awake. */
function stubOf<T extends object>(stub: T, kind: string, object: string, caller: string | null): T {
  const ends = caller === null ? [object] : [object, caller];
  return new Proxy(stub, {
    get(inner, name) {
      const value: unknown = Reflect.get(inner, name);
      if (typeof name !== "string" || typeof value !== "function") return value;
      return (...args: unknown[]) => {
        count(`request ${kind}.${name}`);
        // Called on the stub itself: a remote method has no properties of its own.
        return whileAwake(ends, () => (inner as Record<string, Call>)[name]?.(...args));
      };
    },
  });
}

function namespaceOf<T extends Rpc.DurableObjectBranded | undefined>(
  namespace: DurableObjectNamespace<T>,
  kind: string,
  caller: string | null,
): DurableObjectNamespace<T> {
  return over(namespace, {
    get: (id: DurableObjectId) => stubOf(namespace.get(id), kind, `${kind} ${id.name ?? id.toString()}`, caller),
  });
}

function queueOf<T>(queue: Queue<T>, name: string, caller: string | null): Queue<T> {
  return over(queue, {
    sendBatch: (messages: Iterable<MessageSendRequest<T>>) => {
      const all = [...messages];
      count(`queue messages ${name}`, all.length);
      return whileAwake(caller === null ? [] : [caller], () => queue.sendBatch(all));
    },
  });
}

function countRows({ meta }: D1Result): void {
  count("D1 rows read", meta.rows_read);
  count("D1 rows written", meta.rows_written);
}

/** Statements go to the real database as they are; what a batch gives is counted. */
function databaseOf(database: D1Database): D1Database {
  return over(database, {
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await database.batch(statements);
      count("D1 batches");
      for (const result of results) countRows(result);
      return results;
    },
  });
}

/** The Worker's bindings, counted, for the Worker itself (`caller` null) or for one of its objects. */
export function countedEnv(env: WorkerEnv, caller: string | null): WorkerEnv {
  return {
    ...env,
    TAILNET_AUTHORITY: namespaceOf(env.TAILNET_AUTHORITY, "authority", caller),
    NODE_SESSIONS: namespaceOf(env.NODE_SESSIONS, "sessions", caller),
    DIRECTORY: namespaceOf(env.DIRECTORY, "directory", caller),
    SESSIONS_QUEUE: queueOf(env.SESSIONS_QUEUE, "sessions", caller),
    RECORD_QUEUE: queueOf(env.RECORD_QUEUE, "record", caller),
    RECORD: databaseOf(env.RECORD),
  };
}
