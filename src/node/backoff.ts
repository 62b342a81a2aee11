/** How long to wait before trying again: twice as long each time, up to a limit, and never in step with others. */

import { setTimeout as sleep } from "node:timers/promises";

const FIRST_MS = 500;
const LONGEST_MS = 60_000;

export class Backoff {
  #failures = 0;

  /** Forgets past failures. */
  reset(): void {
    this.#failures = 0;
  }

  /** Milliseconds to wait after one more failure: between half and all of the step. `chance` is between 0 and 1. */
  next(chance: number = Math.random()): number {
    const step = Math.min(FIRST_MS * 2 ** this.#failures, LONGEST_MS);
    this.#failures++;
    return step * (0.5 + chance / 2);
  }

  /** Waits; rejects where `signal` aborts meanwhile. */
  async wait(signal: AbortSignal): Promise<void> {
    await sleep(this.next(), undefined, { signal });
  }
}
