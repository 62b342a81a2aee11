/**
 * `npm run test:faults`: the system through every fault, on real workerd, SQLite, D1 and Queue. Each scenario ends with a table; exits 1 where
 * anything did not hold. Names run these scenarios alone; `--full` takes the sizes that docs/faults.md gives figures for; `--keep` leaves the
 * folders, with the storage and what the Worker logged.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allHeld, seconds, tableOf, type Report } from "./checks.ts";
import { clients } from "./scenarios/clients.ts";
import { cut } from "./scenarios/cut.ts";
import { d1Refuses } from "./scenarios/d1-refuses.ts";
import { doubled } from "./scenarios/doubled.ts";
import { dropped } from "./scenarios/dropped.ts";
import { killed } from "./scenarios/killed.ts";
import { planted } from "./scenarios/planted.ts";
import { sockets } from "./scenarios/sockets.ts";
import { playScenario, type Scenario } from "./stage.ts";

/** Two rows of scenarios. Most of them wait most of the time: in a quick run both rows are played at once. */
const ROWS: readonly (readonly Scenario[])[] = [
  [planted, d1Refuses, doubled, cut, clients],
  [dropped, sockets, killed],
];

/** The rows with only these scenarios; with all where none are named. */
function chosen(names: readonly string[]): readonly (readonly Scenario[])[] {
  const known = ROWS.flat().map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`faults: scenarios are ${known.join(", ")}, not ${unknown}`);
  return ROWS.map((row) => row.filter(({ name }) => names.length === 0 || names.includes(name)));
}

async function main(): Promise<void> {
  const options = { full: { type: "boolean" }, keep: { type: "boolean" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const rows = chosen(positionals);
  const folder = mkdtempSync(join(tmpdir(), "tailward-faults-"));
  if (values.keep === true) console.log(`storage and logs: ${folder}`);
  else process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  const started = performance.now();
  const scale = values.full === true ? "full" : "quick";
  const reports: Report[] = [];
  const playRow = async (row: readonly Scenario[]): Promise<void> => {
    for (const scenario of row) {
      const report = await playScenario(scenario, scale, join(folder, scenario.name));
      reports.push(report);
      console.log(`\n${tableOf(report)}`);
    }
  };
  // Figures are taken with the machine to themselves.
  await Promise.all((scale === "full" ? [rows.flat()] : rows).map(playRow));
  const took = seconds(performance.now() - started);
  const checks = reports.flatMap((report) => report.checks);
  const held = checks.filter((check) => check.held).length;
  console.log(`\nfaults: ${held} of ${checks.length} checks held in ${reports.length} scenarios (${took})`);
  process.exit(allHeld(reports) ? 0 : 1);
}

await main();
