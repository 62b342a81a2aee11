/**
 * `npm run bench -- memory`: what a waiting node costs workerd in memory, beside a bare hibernating WebSocket. The figure is the slope between
 * two numbers of sockets, so that what the process holds anyway is not in it.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { BenchOptions } from "./options.ts";
import { startBare, type Baseline } from "./plane/baseline.ts";
import type { Crowd } from "./plane/crowd.ts";
import { Plane } from "./plane/plane.ts";
import { shardsOf, waitingBare, waitingNodes } from "./plane/waiting.ts";
import { lanesTable, line, spread } from "./report.ts";

interface Plan {
  readonly few: number;
  readonly many: number;
  readonly rounds: number;
}

const PLANS: { readonly quick: Plan; readonly full: Plan } = {
  quick: { few: 50, many: 200, rounds: 2 },
  full: { few: 500, many: 4000, rounds: 3 },
};
/** For what was said at the opening to be done with. */
const SETTLE_MS = 3000;
/** After so long without a message the objects hibernate. */
const HIBERNATE_MS = 14_000;
const KIB = 1024;

interface Taken {
  readonly awake: number;
  readonly hibernating: number;
}

/** KiB a socket, from the memory with few sockets and that with many, right after they came and once their objects sleep. */
async function slope(plan: Plan, resident: () => number, open: (count: number) => Promise<Crowd>): Promise<Taken> {
  const few = await open(plan.few);
  await sleep(SETTLE_MS);
  const before = resident();
  const more = await open(plan.many - plan.few);
  await sleep(SETTLE_MS);
  const awake = resident() - before;
  await sleep(HIBERNATE_MS);
  const hibernating = resident() - before;
  few.close();
  more.close();
  const each = (bytes: number): number => bytes / KIB / (plan.many - plan.few);
  return { awake: each(awake), hibernating: each(hibernating) };
}

async function oursOf(plane: Plane, plan: Plan): Promise<Taken> {
  const tailnet = await plane.tailnet("memory.test");
  await tailnet.join(plan.many);
  await tailnet.lock();
  // Another process: what registering took is not waiting.
  await plane.pause();
  let opened = 0;
  return slope(
    plan,
    () => plane.runtime.resident(),
    async (count) => {
      const crowd = await waitingNodes(tailnet, opened, count);
      opened += count;
      return crowd;
    },
  );
}

function bareOf(bare: Baseline, plan: Plan): Promise<Taken> {
  const objects = Array.from({ length: shardsOf(plan.many) }, (_, i) => `memory-${i}`);
  return slope(
    plan,
    () => bare.runtime.resident(),
    (count) => waitingBare(bare, count, objects),
  );
}

/** One round, in processes of its own. */
async function round(plan: Plan): Promise<{ ours: Taken; bare: Taken }> {
  const [plane, bare] = [await Plane.start(), await startBare()];
  try {
    return { bare: await bareOf(bare, plan), ours: await oursOf(plane, plan) };
  } finally {
    await plane.close();
    await bare.close();
  }
}

export async function benchMemory({ isQuick, nodes }: BenchOptions): Promise<void> {
  const { rounds: most, ...sizes } = isQuick ? PLANS.quick : PLANS.full;
  const plan = { ...sizes, rounds: most, many: nodes ?? sizes.many };
  const rounds: { ours: Taken; bare: Taken }[] = [];
  for (let i = 0; i < plan.rounds; i++) rounds.push(await round(plan));
  const title = `memory of workerd for each of ${plan.many - plan.few} more sockets`;
  const lanes = [
    { title: "bare: a hibernating WebSocket", figures: rounds.map(({ bare }) => bare.awake) },
    { title: "a waiting node", figures: rounds.map(({ ours }) => ours.awake) },
  ];
  console.log(lanesTable(title, "KiB", lanes));
  const sleeping = {
    bare: rounds.map(({ bare }) => bare.hibernating),
    ours: rounds.map(({ ours }) => ours.hibernating),
  };
  console.log(line(["the same once their objects sleep, bare", spread(sleeping.bare, "KiB")]));
  console.log(line(["the same once their objects sleep, ours", spread(sleeping.ours, "KiB")]));
}
