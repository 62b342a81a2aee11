/** Who is measured: Go in the oracle, ours in Node, ours in workerd. */

import type { Subject } from "./subjects.ts";

export interface Host {
  /** Runs `subject` `n` times, its preparations aside: how many nanoseconds that took. */
  run(subject: Subject, n: number): Promise<number>;
  close(): Promise<void>;
}
