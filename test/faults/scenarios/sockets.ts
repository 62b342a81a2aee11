/**
 * Every socket of a shard of 1,000 nodes is dropped at once, as each deployment does, while the lock goes on changing: how fast all are back, what
 * that costs the authority, and that nobody has missed anything.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { equal, none, seconds } from "../checks.ts";
import { workFor } from "../load.ts";
import type { Scenario } from "../stage.ts";

/** With the agents, the writers and who joins meanwhile just under 1,000 nodes: with more, the tailnet would be given a second shard. */
const LISTENERS = 960;
const BACK_MS = 120_000;
const LOOK_MS = 500;
/** What goes on while they are away. */
const MEANWHILE = workFor(1500, 100);

/** The moment by which a share of them had come back, in milliseconds after the drop. */
function quantile(times: readonly number[], share: number): string {
  const sorted = [...times].sort((a, b) => a - b);
  return seconds(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

export const sockets: Scenario = {
  name: "sockets",
  title: "all sockets of a shard of 1,000 dropped at once",
  cast: () => ({ appenders: 1, signers: 1, pool: 6, agents: 10, listeners: LISTENERS }),
  async play({ control, load, listeners }) {
    await control.counts();
    const droppedAt = performance.now();
    const ended = await control.endSessions();
    await sleep(LOOK_MS);
    const down = listeners.all.filter(({ lostAt }) => lostAt >= droppedAt).length;
    const [took] = await Promise.all([listeners.back(droppedAt, BACK_MS), load.run(MEANWHILE)]);
    const counts = await control.counts();
    const asked = Object.entries(counts).filter(([what]) => what.includes(">TAILNET_AUTHORITY."));
    const calls = asked.reduce((sum, [, count]) => sum + count, 0);
    const told = asked
      .sort(([, a], [, b]) => b - a)
      .slice(0, 4)
      .map(([what, count]) => `${count} ${what.split(".")[1]}`);
    const times = [...took.values()];
    const away = listeners.all.filter((listener) => !took.has(listener)).map(({ name }) => name);
    return {
      figures: [
        {
          what: "back after",
          value: `half ${quantile(times, 0.5)}, 95% ${quantile(times, 0.95)}, all ${quantile(times, 1)}`,
        },
        { what: "calls to the authority meanwhile", value: `${calls}: ${told.join(", ")}` },
      ],
      checks: [
        equal(
          "all sockets were dropped",
          `${down} of ${listeners.all.length}, ${ended} shards ended`,
          down === listeners.all.length,
        ),
        none("everybody comes back", away, `${listeners.all.length} listeners`),
      ],
    };
  },
};
