/** Lanes that take turns, one request each, so that what disturbs the machine disturbs all of them. */

import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../statistics.ts";

/** Does one thing once, and gives what it cost: milliseconds. */
export type Once = () => Promise<number>;

export interface Plan {
  readonly rounds: number;
  /** Turns in a round: a round's figure is their median. */
  readonly turns: number;
  /** Milliseconds of rest after each, for what goes on behind an answer to end. */
  readonly restMs: number;
}

/** By lane, a figure for each round; the first round warms up and is not kept. */
export async function interleave<Lane extends string>(
  lanes: Readonly<Record<Lane, Once>>,
  { rounds, turns, restMs }: Plan,
): Promise<Record<Lane, number[]>> {
  const names = Object.keys(lanes) as Lane[];
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Lane, number[]>;
  for (let round = 0; round <= rounds; round++) {
    const taken = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Lane, number[]>;
    for (let turn = 0; turn < turns; turn++)
      for (const name of names) {
        taken[name].push(await lanes[name]());
        if (restMs > 0) await sleep(restMs);
      }
    if (round > 0) for (const name of names) figures[name].push(median(taken[name]));
  }
  return figures;
}

/** Milliseconds on the wall that `body` takes. */
export async function timed(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return performance.now() - start;
}
