/**
 * Our side in workerd. Its own clock stands still while it computes, so a call with many rounds is measured from outside, and what an empty
 * call costs is subtracted.
 */

import { createTestHarness } from "wrangler";
import { cost, startWatched } from "../clock.ts";
import { median } from "../statistics.ts";
import type { Fixtures } from "./fixtures.ts";
import type { Host } from "./host.ts";

const EMPTY_CALLS = 3;

export async function startWorkerd(fixtures: Fixtures): Promise<Host> {
  const server = createTestHarness({ workers: [{ configPath: new URL("./worker/wrangler.toml", import.meta.url) }] });
  const { pids } = await startWatched(() => server.listen());
  const call = async (path: string, body?: string): Promise<void> => {
    const response = await server.fetch(path, body === undefined ? {} : { method: "POST", body });
    const text = await response.text();
    if (!response.ok) throw new Error(`bench: the Worker answered ${response.status} to ${path}: ${text}`);
  };
  await call("/load", JSON.stringify(fixtures));
  return {
    async run(subject, n) {
      await call(`/run/${subject}/1`);
      const empty: number[] = [];
      for (let i = 0; i < EMPTY_CALLS; i++) empty.push(await cost(pids, () => call(`/run/${subject}/0`)));
      const full = await cost(pids, () => call(`/run/${subject}/${n}`));
      return Math.max(full - median(empty), 1);
    },
    close: () => server.close(),
  };
}
