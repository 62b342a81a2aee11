/**
 * Counters that Cloudflare's Analytics Engine keeps, where a deployment has it: one point a request, and one a batch of a queue. What they count is gone with
 * the instance of the Worker otherwise. A point names no tailnet, no person and no address.
 *
 * The columns: `index1` what was counted (`api`, `node`, `page`, `queue`); `blob1` the method or the queue; `blob2` the first part of the path; `blob3` the
 * status or the outcome; `blob4` the code of a refusal; `double1` how many; `double2` milliseconds.
 */

import type { WorkerEnv } from "./env.ts";

export interface Counted {
  readonly what: "api" | "node" | "page" | "queue";
  /** The method, or the queue. */
  readonly by: string;
  /** The first part of the path, or empty. */
  readonly part: string;
  /** The status, or how it went. */
  readonly outcome: string;
  /** The code of a refusal, or empty. */
  readonly code: string;
  readonly count: number;
  readonly ms: number;
}

/** Counts it where there is somewhere to count. Never throws: what is counted is done. */
export function count({ COUNTERS }: Pick<WorkerEnv, "COUNTERS">, counted: Counted): void {
  const { what, by, part, outcome, code, count: many, ms } = counted;
  try {
    COUNTERS?.writeDataPoint({ indexes: [what], blobs: [by, part, outcome, code], doubles: [many, ms] });
  } catch {
    // A counter is not worth a request.
  }
}

/** What a path is of, and its first part that is no ID: attacker-controlled, so that only names that there are are counted. */
export function partOf(path: string): Pick<Counted, "what" | "part"> {
  const [, first = "", second = "", third = ""] = path.split("/");
  if (first === "api")
    return {
      what: "api",
      part: /^(tailnet|device|users?|webhooks|oauth|tailward|tailnets|login)$/.test(third) ? third : "",
    };
  if (first === "machine")
    return { what: "node", part: /^(register|map|tka|audit-log|set-device-attr)$/.test(second) ? second : "" };
  return { what: "page", part: /^(key|ts2021|login|health|ready|metrics)$/.test(first) ? first : "" };
}
