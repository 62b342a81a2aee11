/** Waiting for what comes by itself. One place says for how long: a machine with other work on it is slow, and not wrong. */

import { vi } from "vitest";

/** Milliseconds until what has not come is a failure. */
const PATIENCE_MS = 20_000;

/** Tries `what` until it throws no more; rejects with what it threw last. */
export function eventually<T>(what: () => T | Promise<T>, interval = 20): Promise<T> {
  return vi.waitFor(what, { timeout: PATIENCE_MS, interval });
}
