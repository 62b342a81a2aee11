/**
 * `npm run bench -- tka`: the authority beside Go's, in one run, on one core. `npm run bench -- tka recheck open` runs these subjects alone; `--rounds N` makes the
 * figures steadier. The goals are printed with what was reached; missing one is no failure.
 */

import { spawnSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { buildOracles } from "../../interop/build.mjs";
import { CASES, GOALS, type Case } from "./cases.ts";
import { clock } from "../clock.ts";
import { makeFixtures } from "./fixtures.ts";
import { startGo } from "./go-host.ts";
import type { Host } from "./host.ts";
import { measure, type HostName } from "./measure.ts";
import { startNode } from "./node-host.ts";
import { SUBJECTS, type Subject } from "./subjects.ts";
import { goalsTable, table } from "./table.ts";
import { startWorkerd } from "./worker-host.ts";

/** Set in the process that is bound to one core already; Go and workerd, its children, are bound with it. */
const BOUND = "TAILWARD_BENCH_BOUND";

/** Runs this program again on the last core, where the system can do that: its exit code, or null. */
function rerunBound(): number | null {
  if (process.env[BOUND] !== undefined || process.platform !== "linux") return null;
  const core = String(availableParallelism() - 1);
  const env = { ...process.env, [BOUND]: core };
  const command = ["-c", core, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const done = spawnSync("taskset", command, { stdio: "inherit", env });
  return done.error === undefined ? (done.status ?? 1) : null;
}

function subjectNamed(name: string): Subject {
  const subject = SUBJECTS.find((known) => known === name);
  if (subject === undefined) throw new Error(`bench: subjects are ${SUBJECTS.join(", ")}, not ${name}`);
  return subject;
}

/** The cases asked for, and those that their goals are held against; all where none are named. */
function chooseCases(names: readonly string[], rounds: number | null): Case[] {
  const named = names.map(subjectNamed);
  const comparesBare = GOALS.some(({ subject, against }) => named.includes(subject) && against !== "Go");
  const wanted = new Set(comparesBare ? [...named, "bare" as const] : named);
  const chosen = CASES.filter(({ subject }) => wanted.size === 0 || wanted.has(subject));
  return chosen.map((each) => ({ ...each, rounds: rounds ?? each.rounds }));
}

function progress(done: number, of: number): void {
  if (process.stderr.isTTY) process.stderr.write(done < of ? `\rround ${done} of ${of}` : "\r\x1b[K");
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { rounds: { type: "string" } }, allowPositionals: true });
  const cases = chooseCases(positionals, values.rounds === undefined ? null : Math.max(Number(values.rounds) || 1, 1));
  buildOracles();
  const core = process.env[BOUND];
  const place = core === undefined ? "not bound to a core" : `all on core ${core}`;
  console.log(`${cpus()[0]?.model ?? "unknown processor"}; ${place}; medians of ${clock.name}`);
  const fixtures = makeFixtures();
  const hosts = new Map<HostName, Host>();
  try {
    hosts.set("Go", await startGo(fixtures));
    hosts.set("Node", await startNode(fixtures));
    hosts.set("workerd", await startWorkerd(fixtures));
    const figures = await measure(hosts, cases, progress);
    console.log(`\n${table(figures, cases)}`);
    const subjects = new Set(cases.map(({ subject }) => subject));
    const goals = GOALS.filter((goal) => subjects.has(goal.subject));
    if (goals.length > 0) console.log(`\n${goalsTable(figures, goals)}`);
  } finally {
    for (const host of hosts.values()) await host.close();
  }
}

const bound = rerunBound();
if (bound === null) await main();
else process.exitCode = bound;
