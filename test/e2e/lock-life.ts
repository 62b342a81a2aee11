/**
 * `npm run test:life`: the whole life of a lock with real processes: a control plane in workerd, an agent for each node, and the real command
 * line. Each scene builds on the ones before. Ends with a table of what held, and with exit code 1 if anything did not.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ControlPlane } from "./control-plane.ts";
import { say, step } from "./narration.ts";
import { SCENES } from "./life-scenes.ts";
import { Stage } from "./stage.ts";

interface Row {
  readonly title: string;
  readonly verdict: "held" | "DID NOT HOLD" | "not reached";
  readonly seconds: number;
  readonly why: string;
}

function whyNot(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : `failed: ${String(error)}`;
}

/** Plays the scenes in order, up to the first that does not hold. */
async function play(stage: Stage): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { title, scene } of SCENES) {
    if (rows.some(({ verdict }) => verdict !== "held")) {
      rows.push({ title, verdict: "not reached", seconds: 0, why: "" });
      continue;
    }
    step(title);
    const started = performance.now();
    const why = await scene(stage).then(() => "", whyNot);
    const seconds = (performance.now() - started) / 1000;
    rows.push({ title, verdict: why === "" ? "held" : "DID NOT HOLD", seconds, why });
  }
  return rows;
}

function printTable(rows: readonly Row[]): void {
  const width = Math.max(...rows.map(({ title }) => title.length));
  say("\nWhat held:\n");
  for (const { title, verdict, seconds } of rows)
    say(`  ${title.padEnd(width)}  ${verdict.padEnd(12)}  ${seconds.toFixed(1).padStart(5)} s`);
  for (const { title, why } of rows) if (why !== "") say(`\n${title}:\n${why}`);
}

// A socket's path must be short: not every machine's own folder for such things is.
const folder = mkdtempSync(join(tmpdir().length > 40 ? "/tmp" : tmpdir(), "tailward-"));
// Whatever ends this process ends the others with it: each is killed on exit.
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const started = performance.now();
const control = await ControlPlane.start(join(folder, "control"));
const stage = await Stage.open(control, folder);
try {
  const rows = await play(stage);
  printTable(rows);
  const failed = rows.filter(({ verdict }) => verdict !== "held").length;
  if (failed > 0) process.exitCode = 1;
  say(failed > 0 ? `\n${failed} scenes did not hold.` : `\nEverything held, in ${rows.length} scenes.`);
} finally {
  await stage.close();
  await control.stop();
}
say(`${((performance.now() - started) / 1000).toFixed(1)} s in all.`);
