/** What one act takes, as it was counted, and what of that is billed. */

import { MESSAGES_A_REQUEST, OBJECT_GB, OPERATIONS_A_MESSAGE, type Usage } from "./prices.ts";

/** Counts for one act. */
export interface Act {
  /** HTTP requests and upgrades. */
  readonly requests: number;
  /** Runs of a queue's consumer. */
  readonly consumers: number;
  /** Calls of objects by the Worker and by one another, and alarms that rang. */
  readonly objectRequests: number;
  /** Messages of nodes on WebSockets. */
  readonly socketMessages: number;
  readonly rowsRead: number;
  /** Alarms that were set among them. */
  readonly rowsWritten: number;
  readonly queueMessages: number;
  readonly d1RowsRead: number;
  readonly d1RowsWritten: number;
  /** Milliseconds of processor time of the whole runtime: of the Worker, its objects, and the stand-ins of Queue and D1. */
  readonly cpuMs: number;
  /** Milliseconds for which objects were awake here, where everything is next door. */
  readonly awakeMs: number;
}

/**
 * Milliseconds for which a call, an alarm or a message keeps an object awake on Cloudflare, where Worker, objects, Queue and D1 are some way apart:
 * an assumption, above what was measured here.
 */
export const AWAKE_MS = 50;

export function usageOf(act: Act): Usage {
  const events = act.objectRequests + act.socketMessages;
  const awakeMs = Math.max(act.awakeMs, events * AWAKE_MS);
  return {
    // Whether a consumer's run counts as a request is not said: it is taken for one.
    requests: act.requests + act.consumers,
    cpuMs: act.cpuMs,
    objectRequests: act.objectRequests + act.socketMessages / MESSAGES_A_REQUEST,
    gbSeconds: (awakeMs / 1000) * OBJECT_GB,
    rowsRead: act.rowsRead,
    rowsWritten: act.rowsWritten,
    d1RowsRead: act.d1RowsRead,
    d1RowsWritten: act.d1RowsWritten,
    queueOperations: act.queueMessages * OPERATIONS_A_MESSAGE,
  };
}

type Tally = Readonly<Record<string, number>>;

/** The sum of what was counted under names that begin so. */
function sum(tally: Tally, ...prefixes: readonly string[]): number {
  const counted = Object.entries(tally).filter(([what]) => prefixes.some((prefix) => what.startsWith(prefix)));
  return counted.reduce((total, [, count]) => total + count, 0);
}

/** Rows that are written when a nonce expires. */
const EXPIRED_NONCE_ROWS = 1;

/** An act from the tally of `times` of it (workers/counted/tally.ts), and the processor time that they took together. */
export function actOf(tally: Tally, cpuMs: number, times: number): Act {
  const each = (count: number): number => Math.round((count / times) * 100) / 100;
  return {
    requests: each(tally["requests"] ?? 0),
    consumers: each(tally["consumer invocations"] ?? 0),
    objectRequests: each(sum(tally, "request ", "alarms rung ")),
    socketMessages: each(tally["socket messages in"] ?? 0),
    rowsRead: each(sum(tally, "rows read ")),
    rowsWritten: each(
      sum(tally, "rows written ", "alarms set ") -
        (tally["rows written of expired nonces"] ?? 0) +
        EXPIRED_NONCE_ROWS * (tally["nonces taken"] ?? 0),
    ),
    queueMessages: each(sum(tally, "queue messages ")),
    d1RowsRead: each(tally["D1 rows read"] ?? 0),
    d1RowsWritten: each(tally["D1 rows written"] ?? 0),
    cpuMs: each(cpuMs),
    awakeMs: each(sum(tally, "awake ms ")),
  };
}
