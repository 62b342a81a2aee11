/** Whether it is there, and whether it can work. */

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { READINESS } from "../../../src/worker/watch/health.ts";
import { forThisTest } from "../../support/workerd/for-this-test.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { fetchWorker, type Answer } from "../../support/workerd/test-node.ts";

const ask = (path: string): Promise<Answer> => fetchWorker(new Request(ORIGIN + path));

let log: string[] = [];

beforeEach(() => {
  log = [];
  forThisTest(READINESS, { holdMs: 0 });
  vi.spyOn(console, "error").mockImplementation((line: unknown) => {
    log.push(String(line));
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

test("health is that the Worker answers", async () => {
  expect((await ask("/health")).json).toEqual({ ok: true });
});

describe("readiness [O55]", () => {
  const READY = { ok: true, objects: true, record: true };

  test("is that the objects and D1 answer", async () => {
    const { status, json } = await ask("/ready");
    expect([status, json]).toEqual([200, READY]);
  });

  test.each([
    ["a table", "ALTER TABLE dead_letters RENAME TO away", "ALTER TABLE away RENAME TO dead_letters"],
    [
      "a column",
      "ALTER TABLE dead_letters RENAME COLUMN died TO away",
      "ALTER TABLE dead_letters RENAME COLUMN away TO died",
    ],
  ])("is missed where D1 lacks %s: a migration was not applied; why is in the log alone", async (_, take, put) => {
    await env.RECORD.exec(take);
    try {
      const { status, json } = await ask("/ready");
      expect([status, json]).toEqual([503, { ok: false, objects: true, record: false }]);
    } finally {
      await env.RECORD.exec(put);
    }
    expect(log.join()).toMatch(/"not ready".*(no such|died)/);
    expect((await ask("/ready")).json).toEqual(READY);
  });

  test("is asked once for all who ask within some seconds", async () => {
    forThisTest(READINESS, { holdMs: 60_000 });
    await ask("/ready");
    const batch = vi.spyOn(env.RECORD, "batch");
    for (let i = 0; i < 5; i++) expect((await ask("/ready")).status).toBe(200);
    expect(batch).not.toHaveBeenCalled();
  });
});
