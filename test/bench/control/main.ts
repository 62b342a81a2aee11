/**
 * `npm run bench:control`: many nodes of Tailscale's own protocol against a control server. README.md says what is measured and how to run it.
 *
 * With `--url` against any server; without, against ours, started here; with `--headscale PATH` against both in turns, and the ratios.
 */

import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { buildPrograms } from "./build.mjs";
import type { Contender } from "./contender.ts";
import { Headscale } from "./headscale.ts";
import { runAgainst, runPlain, type Report } from "./program.ts";
import { faults, ratioTable } from "./ratios.ts";
import { Tailward } from "./tailward.ts";
import { Yardstick } from "./yardstick.ts";

const VALUE = { type: "string" } as const;
const FLAG = { type: "boolean" } as const;
/** Of the load program, and handed on to it. */
const PASSED_ON = {
  streams: VALUE,
  registrations: VALUE,
  hands: VALUE,
  opening: VALUE,
  rounds: VALUE,
  quiet: VALUE,
  idle: VALUE,
};
const OWN = {
  start: FLAG,
  headscale: VALUE,
  yardstick: FLAG,
  turns: VALUE,
  storm: FLAG,
  reports: FLAG,
  json: VALUE,
} as const;

interface Lane {
  readonly name: string;
  readonly start: () => Promise<Contender>;
  readonly canRestart: boolean;
  readonly reports: Report[];
}

function lanesOf(headscale: string | undefined, yardstick: boolean): Lane[] {
  return [
    ...(headscale === undefined
      ? []
      : [{ name: "headscale", start: () => Headscale.start(headscale), canRestart: true, reports: [] }]),
    ...(yardstick ? [{ name: "testcontrol", start: () => Yardstick.start(), canRestart: false, reports: [] }] : []),
    { name: "tailward", start: () => Tailward.start(), canRestart: true, reports: [] },
  ];
}

async function turn(lane: Lane, flags: readonly string[], storm: boolean): Promise<void> {
  console.error(`\n== ${lane.name}, load ${loadavg()[0]?.toFixed(1)}`);
  const contender = await lane.start();
  try {
    lane.reports.push(await runAgainst(contender, flags, storm && lane.canRestart));
  } finally {
    await contender.close();
  }
}

async function compare(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { ...PASSED_ON, ...OWN } });
  const { headscale, yardstick, turns, storm, reports, json, start: _, ...passed } = values;
  const flags = Object.entries(passed).flatMap(([name, value]) => [`--${name}`, value]);
  if (reports === true) flags.push("--reports");
  const lanes = lanesOf(headscale, yardstick === true);
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores; load ${loadavg()[0]?.toFixed(1)}`);
  for (let i = 0; i < Number(turns ?? 1); i++) for (const lane of lanes) await turn(lane, flags, storm === true);
  const ours = lanes.at(-1);
  for (const lane of lanes) {
    if (lane !== ours) console.log(`\n${ratioTable(lane.name, lane.reports, ours?.reports ?? [])}`);
  }
  console.log();
  for (const { name, reports: all } of lanes) console.log(faults(name, all));
  const whole = Object.fromEntries(lanes.map(({ name, reports: all }) => [name, all]));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(whole, null, 2)}\n`);
}

buildPrograms();
const given = process.argv.slice(2);
if (given.some((flag) => /^--?url(?:=|$)/.test(flag))) process.exitCode = await runPlain(given);
else await compare(given);
