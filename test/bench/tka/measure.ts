/** Runs every case on every host in turns, so that what disturbs the machine disturbs all of them, and keeps every round's figure. */

import type { Case } from "./cases.ts";
import type { Host } from "./host.ts";
import type { Subject } from "./subjects.ts";

export type HostName = "Go" | "Node" | "workerd";

/** Nanoseconds for one of a subject: a figure for each round. */
export type Figures = ReadonlyMap<HostName, ReadonlyMap<Subject, readonly number[]>>;

const NS_PER_MS = 1e6;
/** A round runs a subject as often as fits in here, once at least. */
const ROUND_MS = 200;
/** Runs that take less say too little about how often that is. */
const TRIAL_MS = 25;

async function runsPerRound(host: Host, subject: Subject): Promise<number> {
  for (let n = 1; ; n *= 4) {
    const took = await host.run(subject, n);
    if (took >= TRIAL_MS * NS_PER_MS) return Math.max(Math.round((n * ROUND_MS * NS_PER_MS) / took), 1);
  }
}

export async function measure(
  hosts: ReadonlyMap<HostName, Host>,
  cases: readonly Case[],
  progress: (done: number, of: number) => void,
): Promise<Figures> {
  const figures = new Map([...hosts.keys()].map((name) => [name, new Map<Subject, number[]>()]));
  const runs = new Map<string, number>();
  const rounds = Math.max(...cases.map((each) => each.rounds));
  for (let round = 0; round < rounds; round++) {
    for (const { subject, each } of cases.filter(({ rounds: most }) => round < most)) {
      for (const [name, host] of hosts) {
        const id = `${name} ${subject}`;
        const n = runs.get(id) ?? (await runsPerRound(host, subject));
        runs.set(id, n);
        const all = figures.get(name);
        const figure = (await host.run(subject, n)) / n / each;
        all?.set(subject, [...(all.get(subject) ?? []), figure]);
      }
    }
    progress(round + 1, rounds);
  }
  return figures;
}
