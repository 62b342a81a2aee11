/** What the fuzzer prints at its end. */

import type { Found, JobReport, JobSettings, KindCount } from "./run.ts";

function sum(reports: readonly JobReport[], of: (report: JobReport) => bigint): number {
  return Number(reports.reduce((total, report) => total + of(report), 0n)) / 1e9;
}

function countKinds(reports: readonly JobReport[]): Map<string, KindCount> {
  const out = new Map<string, KindCount>();
  for (const { kinds } of reports)
    for (const [name, { cases, accepted }] of Object.entries(kinds)) {
      const before = out.get(name) ?? { cases: 0, accepted: 0 };
      out.set(name, { cases: before.cases + cases, accepted: before.accepted + accepted });
    }
  return out;
}

function printKinds(reports: readonly JobReport[]): void {
  for (const [name, { cases, accepted }] of [...countKinds(reports)].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(
      `  ${name.padEnd(16)} ${String(cases).padStart(8)}   Go accepted ${((100 * accepted) / cases).toFixed(0)} %`,
    );
}

function printShares(reports: readonly JobReport[], seconds: number): void {
  const shares = {
    go: sum(reports, (r) => r.nsGo),
    ours: sum(reports, (r) => r.nsOurs),
    making: sum(reports, (r) => r.nsMaking),
  };
  const all = shares.go + shares.ours + shares.making;
  const told = Object.entries(shares).map(
    ([name, time]) => `${name} ${time.toFixed(1)} s (${((100 * time) / all).toFixed(0)} %)`,
  );
  const cases = reports.reduce((total, report) => total + report.cases, 0);
  console.log(
    `time: ${told.join(", ")}; ${seconds.toFixed(1)} s in all, ${Math.round(cases / seconds)} cases a second`,
  );
}

function printDepartures(reports: readonly JobReport[]): void {
  const counts = new Map<string, number>();
  for (const { departures } of reports)
    for (const [id, count] of Object.entries(departures)) counts.set(id, (counts.get(id) ?? 0) + count);
  const told = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, count]) => `${id} ${count}`);
  console.log(`deliberate departures met: ${told.length === 0 ? "none" : told.join(", ")}`);
}

function printFound(found: Found, { seed, kind }: Pick<JobSettings, "seed" | "kind">): void {
  console.log(
    `\ndifference in case ${found.index} of seed ${seed} (${found.kind}), judged by ${found.judge}: ${found.what}`,
  );
  console.log(
    `again: npm run fuzz:tka -- --seed ${seed} --only ${found.index}${kind === null ? "" : ` --kind ${kind}`}`,
  );
  console.log(JSON.stringify(found.request));
  console.log(`Go:   ${JSON.stringify(found.go)}`);
  console.log(`ours: ${JSON.stringify(found.ours)}`);
}

/** Prints all, and gives the exit code. */
export function printReport(
  reports: readonly JobReport[],
  settings: Pick<JobSettings, "seed" | "kind">,
  seconds: number,
): number {
  const differences = reports.flatMap(({ found }) => (found === null ? [] : [found])).sort((a, b) => a.index - b.index);
  printKinds(reports);
  printShares(reports, seconds);
  printDepartures(reports);
  for (const found of differences) printFound(found, settings);
  const cases = reports.reduce((total, report) => total + report.cases, 0);
  console.log(`cases ${cases}, differences ${differences.length}`);
  return differences.length === 0 ? 0 : 1;
}
