/**
 * What a round costs: processor time, which is the same on a busy machine as on an idle one, where the system tells it (Linux); else the time on
 * the wall. One of the two for all hosts of a run. Nanoseconds.
 */

import { readFileSync, readdirSync } from "node:fs";

export interface Clock {
  readonly name: string;
  /** Of this process. */
  own(): number;
  /** Of other processes. */
  of(pids: readonly number[]): number;
}

const wall = (): number => Number(process.hrtime.bigint());
const wallClock: Clock = { name: "time on the wall", own: wall, of: wall };

function readThreads(pid: number, file: string): string[] {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).map((thread) => readFileSync(`${folder}/${thread}/${file}`, "utf8"));
}

/** The first number is what the thread has run. */
function used(pid: number): number {
  return readThreads(pid, "schedstat").reduce((sum, text) => sum + Number(text.split(" ")[0]), 0);
}

const processorClock: Clock = {
  name: "processor time",
  own: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) * 1000;
  },
  of: (pids) => pids.reduce((sum, pid) => sum + used(pid), 0),
};

/** The processes that this one has started, and those that they have. */
export function descendants(pid: number = process.pid): number[] {
  const children = readThreads(pid, "children").flatMap((text) => text.split(" ").filter(Boolean).map(Number));
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function tellsProcessorTime(): boolean {
  try {
    descendants();
    return used(process.pid) > 0;
  } catch {
    return false;
  }
}

export const clock: Clock = tellsProcessorTime() ? processorClock : wallClock;

/** Starts something, and gives with it the processes that it brought up; none where the clock needs none. */
export async function startWatched<T>(
  start: () => Promise<T>,
): Promise<{ readonly started: T; readonly pids: number[] }> {
  if (clock === wallClock) return { started: await start(), pids: [] };
  const before = new Set(descendants());
  const started = await start();
  return { started, pids: descendants().filter((pid) => !before.has(pid)) };
}

/** What `body` costs the processes. */
export async function cost(pids: readonly number[], body: () => Promise<unknown>): Promise<number> {
  const start = clock.of(pids);
  await body();
  return clock.of(pids) - start;
}
