/** What a run of the suite says at its end: play by column, and what the clients complain of. */

import type { Complaints } from "./complaints.ts";
import type { Result } from "./runner.ts";

/** One row a play, one column for each that was run; a cell gives the seconds, or that it did not hold. */
export function printTable(results: readonly Result[]): void {
  const columns = [...new Set(results.map(({ column }) => column.title))];
  const plays = [...new Set(results.map(({ play }) => play.title))].sort();
  const cell = (play: string, column: string): string => {
    const result = results.find((each) => each.play.title === play && each.column.title === column);
    if (result === undefined) return "";
    return result.why === null ? `${result.seconds.toFixed(1)} s` : "FAILED";
  };
  console.log(`\n| play | ${columns.join(" | ")} |`);
  console.log(`|---|${columns.map(() => "---").join("|")}|`);
  for (const play of plays) console.log(`| ${play} | ${columns.map((column) => cell(play, column)).join(" | ")} |`);
}

export function printFailures(results: readonly Result[]): void {
  for (const { play, column, why } of results)
    if (why !== null) console.log(`\n${play.title} (${column.title}):\n${why.split("\n").slice(0, 12).join("\n")}`);
}

export function printComplaints(complaints: Complaints): void {
  if (complaints.groups.length === 0) return;
  console.log("\nWhat the clients complain of (times, versions):");
  for (const { kind, text, count, versions } of complaints.groups)
    console.log(`  ${kind.padEnd(6)} ${String(count).padStart(5)}  ${[...versions].join(" ")}  ${text.slice(0, 300)}`);
}
