/** The watch over the node's own key [R8]. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KeyWatch, expiryOf } from "../../src/node/key-watch.ts";

const NOW = Date.parse("2027-01-01T00:00:00Z");
const DAY = 24 * 60 * 60 * 1000;
const at = (ms: number): string => new Date(NOW + ms).toISOString();

beforeEach(() => vi.useFakeTimers({ now: NOW }));
afterEach(() => vi.useRealTimers());

function watched(): { readonly watch: KeyWatch; readonly renewals: () => number } {
  const renew = vi.fn();
  return { watch: new KeyWatch(renew), renewals: () => renew.mock.calls.length };
}

test.each(["", "0001-01-01T00:00:00Z", "soon", "1969-01-01T00:00:00Z"])("%j is never", (text) => {
  expect(expiryOf(text)).toBeNull();
});

describe("a new key is taken", () => {
  test("at once where the key is over", () => {
    const { watch, renewals } = watched();
    watch.see(at(-1));
    vi.advanceTimersByTime(1);
    expect(renewals()).toBe(1);
  });

  test("at the moment it is over, also where that is further off than a timer waits", () => {
    const { watch, renewals } = watched();
    watch.see(at(180 * DAY));
    vi.advanceTimersByTime(180 * DAY - 1);
    expect(renewals()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(renewals()).toBe(1);
  });

  test("never where it is never over, or no more is known of it", () => {
    const { watch, renewals } = watched();
    watch.see(at(DAY));
    watch.see("0001-01-01T00:00:00Z");
    watch.see(at(DAY));
    watch.stop();
    vi.advanceTimersByTime(400 * DAY);
    expect(renewals()).toBe(0);
  });

  test("when it was put off, at the later time", () => {
    const { watch, renewals } = watched();
    watch.see(at(DAY));
    watch.see(at(2 * DAY));
    vi.advanceTimersByTime(2 * DAY - 1);
    expect(renewals()).toBe(0);
  });

  test("once in ten minutes, whatever the map says", () => {
    const { watch, renewals } = watched();
    for (let second = 0; second < 1100; second++) {
      watch.see(at(-DAY));
      vi.advanceTimersByTime(1000);
    }
    expect(renewals()).toBe(2);
  });
});
