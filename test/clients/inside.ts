/** The plays themselves, in the namespaces that main.ts has made, or on the machine's loopback. Ends when main.ts does. */

import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Complaints } from "./complaints.ts";
import { explanationOf, missingOnPage } from "./explained.ts";
import { Network, type Mode } from "./network.ts";
import { loadPlays } from "./play.ts";
import { Runner } from "./runner.ts";
import { printComplaints, printFailures, printTable } from "./table.ts";
import { openTailward } from "./tailward.ts";
import { RELEASES } from "./versions.ts";
import type { World } from "./world.ts";

const KEEP_IN = fileURLToPath(new URL(".cache/failed", import.meta.url));
const AT_ONCE = 4;

const [mode, folder = "", ...rest] = process.argv.slice(2);
const { values } = parseArgs({
  args: rest,
  options: {
    only: { type: "string", default: "" },
    column: { type: "string", default: "" },
    "at-once": { type: "string", default: String(AT_ONCE) },
    verbose: { type: "boolean", default: false },
    userspace: { type: "boolean", default: false },
  },
});

// Whoever started this holds the other end.
process.stdin.resume().once("end", () => process.exit(1));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

rmSync(KEEP_IN, { recursive: true, force: true });
const started = performance.now();
const network = (mode as Mode) === "namespaces" ? Network.openNamespaces() : Network.openLoopback(folder);
const world = await openTailward(network);
const others: Promise<World>[] = [];
const played = RELEASES.filter(({ hasNetstack }) => network.mode === "namespaces" || hasNetstack).map(
  ({ version }) => version,
);
const complaints = new Complaints();
const runner = new Runner(
  world,
  {
    hostile: async () => {
      others[0] ??= openTailward(network, "test/clients/hostile/worker.ts");
      return others[0];
    },
    atOnce: Number(values["at-once"]),
    keepIn: KEEP_IN,
    onResult: ({ play, column, seconds, why, transcript }) => {
      console.log(
        `${why === null ? "held        " : "DID NOT HOLD"} ${seconds.toFixed(1).padStart(5)} s  ${play.title} (${column.title})`,
      );
      if (values.verbose || why !== null) console.log(transcript.join("\n"));
      if (why !== null) console.log(why);
    },
  },
  complaints,
);
try {
  const plays = (await loadPlays()).filter(
    ({ title, namespaces }) => title.includes(values.only) && (network.mode === "namespaces" || namespaces !== true),
  );
  await runner.run(
    plays.map((play) => ({
      ...play,
      columns: play.columns.map((column) => ({
        ...column,
        versions: column.versions.filter((version) => played.includes(version)),
      })),
    })),
    ({ title, versions }) => title.includes(values.column) && versions.length > 0,
  );
} finally {
  for (const open of [world, ...(await Promise.all(others))]) await open.close();
}
printComplaints(complaints);
printTable(runner.results);
printFailures(runner.results);
const failed = runner.results.filter(({ why }) => why !== null).length;
const again = runner.results.filter(({ why, before }) => why === null && before !== null).length;
const strange = complaints.groups.filter(({ kind, text }) => kind === "health" && explanationOf(text) === null);
for (const { text } of strange)
  console.log(`\na client's status says what docs/compatibility.md does not explain: ${text}`);
const missing = missingOnPage();
for (const name of missing) console.log(`\ndocs/compatibility.md has no row ${name}`);
const isGood = failed === 0 && runner.results.length > 0 && strange.length === 0 && missing.length === 0;
console.log(
  isGood
    ? `\nclients: all ${runner.results.length} runs held${again === 0 ? "" : `, ${again} the second time`}, with ${played.join(", ")}`
    : `\nclients: ${failed} of ${runner.results.length} runs did not hold`,
);
console.log(`${((performance.now() - started) / 1000).toFixed(0)} s in all.`);
process.exit(isGood ? 0 : 1);
