/** How long an agent waits before it tries again: longer each time, and never in step with others. */

import { describe, expect, test } from "vitest";
import { Backoff, RECONNECT } from "../../src/node/backoff.ts";

/** The waits of so many failures in a row. */
function waits(backoff: Backoff, chance: number, count: number): number[] {
  return Array.from({ length: count }, () => backoff.next(chance));
}

describe("after a failure", () => {
  test("the wait is between half a step and the step, which doubles up to a minute", () => {
    expect(waits(new Backoff(), 0, 9)).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(waits(new Backoff(), 1, 9)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });

  test("that was the last for now, it begins anew", () => {
    const backoff = new Backoff();
    waits(backoff, 1, 5);
    backoff.reset();
    expect(backoff.next(1)).toBe(500);
  });
});

describe("connections that end all at once", () => {
  test("come back spread over the whole step", () => {
    const first = Array.from({ length: 1000 }, () => new Backoff(RECONNECT).next());
    const tenths = new Set(first.map((ms) => Math.floor(ms / 200)));
    expect([...tenths].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(waits(new Backoff(RECONNECT), 0.5, 6)).toEqual([1000, 5000, 10_000, 15_000, 30_000, 30_000]);
  });
});
