/** The clock of everything that runs in the test's workerd: nodes, Worker and objects read the same `Date.now`. */

import { vi } from "vitest";

/** Runs `body` with the clock `ms` ahead. */
export async function later<T>(ms: number, body: () => Promise<T>): Promise<T> {
  const real = Date.now.bind(Date);
  const spy = vi.spyOn(Date, "now").mockImplementation(() => real() + ms);
  try {
    return await body();
  } finally {
    spy.mockRestore();
  }
}
