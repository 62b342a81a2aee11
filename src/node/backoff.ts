/** How long to wait before trying again: longer each time, up to a limit, and never in step with others. */

import { setTimeout as sleep } from "node:timers/promises";

export interface Pace {
  /** Milliseconds to wait at most after the first failure, the second, and so on; the last holds from then on. */
  readonly steps: readonly number[];
  /** The least part of a step that is waited, between 0 and 1. */
  readonly least: number;
}

/** For a request that failed. */
const RETRY: Pace = { steps: [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000], least: 0.5 };
/** For a connection that ended, as those of all nodes do at once where the control plane is deployed: soon at first, then well apart. */
export const RECONNECT: Pace = { steps: [2000, 10_000, 20_000, 30_000, 60_000], least: 0 };

export class Backoff {
  readonly #pace: Pace;
  #failures = 0;

  constructor(pace: Pace = RETRY) {
    this.#pace = pace;
  }

  /** Forgets past failures. */
  reset(): void {
    this.#failures = 0;
  }

  /** Milliseconds to wait after one more failure. `chance` is between 0 and 1. */
  next(chance: number = Math.random()): number {
    const { steps, least } = this.#pace;
    const step = steps[Math.min(this.#failures, steps.length - 1)] ?? 0;
    this.#failures++;
    return step * (least + chance * (1 - least));
  }

  /** Waits; rejects where `signal` aborts meanwhile. */
  async wait(signal: AbortSignal): Promise<void> {
    await sleep(this.next(), undefined, { signal });
  }
}
