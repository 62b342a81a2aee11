/**
 * `npm run fuzz:tka -- --cases N --seed S`: asks Go and ours the same random questions, and stops at the first difference.
 *
 *   --cases N    how many (10,000)           --kind NAME   cases of one kind only
 *   --seed S     which ones (1)              --only K      the case with index K alone
 *   --first K    begin with case K (0)       --jobs J      threads, each with an oracle of its own (one a core)
 *
 * Prints `cases N, differences 0` and exits 0, or prints the smallest request that shows a difference, with both answers, and exits 1.
 */

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";

import { requireDocumented } from "./documented.ts";
import type { ThreadMessage } from "./job-thread.ts";
import { KINDS } from "./kinds.ts";
import { printReport } from "./report.ts";
import type { JobReport, JobSettings } from "./run.ts";

const PROGRESS_EVERY_MS = 10_000;

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
    only: { type: "string" },
    kind: { type: "string" },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
}

function settings(): Omit<JobSettings, "job"> {
  const seed = wholeNumber("seed", values.seed);
  const kind = values.kind ?? null;
  if (kind !== null && !KINDS.some(({ name }) => name === kind))
    throw new Error(`kinds are ${KINDS.map(({ name }) => name).join(", ")}`);
  if (values.only !== undefined) {
    const first = wholeNumber("only", values.only);
    return { seed, kind, first, end: first + 1, jobs: 1 };
  }
  const first = wholeNumber("first", values.first);
  const jobs = Math.max(1, wholeNumber("jobs", values.jobs));
  return { seed, kind, first, end: first + wholeNumber("cases", values.cases), jobs };
}

const workers: Worker[] = [];

function runThread(workerData: JobSettings, progress: (cases: number) => void): Promise<JobReport> {
  const worker = new Worker(new URL("./job-thread.ts", import.meta.url), { workerData });
  workers.push(worker);
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("exit", () => {
      reject(new Error("a job ended without a report"));
    });
    worker.on("message", (message: ThreadMessage) => {
      if (message.is === "progress") progress(message.cases);
      else if (message.is === "failed") reject(new Error(message.why));
      else {
        resolve(message.report);
        if (message.report.found !== null) for (const other of workers) other.postMessage("stop");
      }
    });
  });
}

async function main(): Promise<number> {
  requireDocumented();
  const shared = settings();
  const done = Array.from({ length: shared.jobs }, () => 0);
  const started = performance.now();
  const timer = setInterval(() => {
    const cases = done.reduce((sum, one) => sum + one, 0);
    console.error(`${cases} cases, ${Math.round(cases / ((performance.now() - started) / 1000))} a second`);
  }, PROGRESS_EVERY_MS);
  try {
    const jobs = done.map((_, job) => runThread({ ...shared, job }, (cases) => (done[job] = cases)));
    return printReport(await Promise.all(jobs), shared, (performance.now() - started) / 1000);
  } finally {
    clearInterval(timer);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
}
