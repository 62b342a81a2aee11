/**
 * `npm run bench`: speeds, each beside a baseline in the same run. Without arguments all of them; `npm run bench -- append fanout` runs these
 * alone, `--quick` with fewer rounds, `--nodes N` with tailnets of that size. `npm run bench -- bill` works out the bill from what `counts` has counted. `npm run bench -- tka [subjects]` is the authority beside Go's; what it takes is in tka/main.ts.
 */

import { spawnSync } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { benchAppend } from "./append.ts";
import { benchCounts } from "./counts.ts";
import { benchMemory } from "./memory.ts";
import { benchColdStart } from "./cold-start.ts";
import { benchFanout } from "./fanout.ts";
import { benchLogSearch } from "./log-search.ts";
import { printBill } from "./bill.ts";
import { benchChain } from "./chain.ts";
import type { BenchOptions } from "./options.ts";
import { ROOT } from "./root.ts";

const SUBJECTS = {
  append: benchAppend,
  chain: benchChain,
  fanout: benchFanout,
  memory: benchMemory,
  coldstart: benchColdStart,
  counts: benchCounts,
  log: benchLogSearch,
} as const satisfies Readonly<Record<string, (options: BenchOptions) => Promise<void>>>;
type Subject = keyof typeof SUBJECTS;

function subjectNamed(name: string): Subject {
  if (Object.hasOwn(SUBJECTS, name)) return name as Subject;
  throw new Error(`bench: subjects are tka, ${Object.keys(SUBJECTS).join(", ")}, not ${name}`);
}

async function benchPlane(names: readonly string[], options: BenchOptions): Promise<void> {
  const subjects = names.length === 0 ? (Object.keys(SUBJECTS) as Subject[]) : names.map(subjectNamed);
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores; load ${loadavg()[0]?.toFixed(1)}`);
  for (const subject of subjects) {
    console.log(`\n== ${subject}`);
    await SUBJECTS[subject](options);
  }
}

/** The authority beside Go's: a program of its own, since it binds itself to one core. Its exit code. */
function benchTka(args: readonly string[]): number {
  const done = spawnSync(process.execPath, ["test/bench/tka/main.ts", ...args], { cwd: ROOT, stdio: "inherit" });
  return done.status ?? 1;
}

async function main(): Promise<void> {
  const [first, ...rest] = process.argv.slice(2);
  if (first === "bill") {
    printBill();
    return;
  }
  if (first === "tka") {
    process.exitCode = benchTka(rest);
    return;
  }
  const { values, positionals } = parseArgs({
    options: { quick: { type: "boolean" }, nodes: { type: "string" } },
    allowPositionals: true,
  });
  if (positionals.length === 0) process.exitCode = benchTka([]);
  await benchPlane(positionals, {
    isQuick: values.quick === true,
    nodes: values.nodes === undefined ? null : Number(values.nodes),
  });
}

await main();
