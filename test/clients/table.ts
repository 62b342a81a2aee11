/** What a run of the suite says at its end: play by column, and what the clients complain of. */

import { EVERY } from "./play.ts";
import { explanationOf } from "./explained.ts";
import type { Complaints } from "./complaints.ts";
import type { Result } from "./runner.ts";

/** One row a play, one column for each that was run; a cell gives the seconds, or that it did not hold. */
export function printTable(results: readonly Result[]): void {
  const columns = EVERY.map(({ title }) => title).filter((title) =>
    results.some(({ column }) => column.title === title),
  );
  const plays = [...new Set(results.map(({ play }) => play.title))].sort();
  const cell = (play: string, column: string): string => {
    const result = results.find((each) => each.play.title === play && each.column.title === column);
    if (result === undefined) return "";
    if (result.why !== null) return "FAILED";
    return `${result.seconds.toFixed(1)} s${result.before === null ? "" : ", the second time"}`;
  };
  console.log(`\n| play | ${columns.join(" | ")} |`);
  console.log(`|---|${columns.map(() => "---").join("|")}|`);
  for (const play of plays) console.log(`| ${play} | ${columns.map((column) => cell(play, column)).join(" | ")} |`);
}

/** What each failed run expected and saw; the whole of it, with where, is at the run's transcript. */
export function printFailures(results: readonly Result[]): void {
  const told = (why: string): string => {
    const lines = why.split("\n").filter((line) => line !== "" && !/^\s+at /.test(line));
    return lines.slice(0, 4).join("\n");
  };
  for (const { play, column, why, before } of results) {
    if (before !== null) console.log(`\n${play.title} (${column.title}), the first time:\n${told(before)}`);
    if (why !== null) console.log(`\n${play.title} (${column.title}):\n${told(why)}`);
  }
}

/** Those that the page explains, by name; then the others in full. */
export function printComplaints(complaints: Complaints): void {
  const { groups } = complaints;
  const names = groups.map(({ text }) => explanationOf(text));
  const times = (name: string): number =>
    groups.reduce((sum, { count }, i) => (names[i] === name ? sum + count : sum), 0);
  const versions = (name: string): string =>
    [...new Set(groups.flatMap((group, i) => (names[i] === name ? [...group.versions] : [])))].sort().join(" ");
  console.log("\nWhat the clients complain of, and docs/compatibility.md explains (times, versions):");
  for (const name of new Set(names))
    if (name !== null) console.log(`  ${String(times(name)).padStart(5)}  ${name.padEnd(16)}  ${versions(name)}`);
  const rest = groups.filter((_, i) => names[i] === null);
  console.log(rest.length === 0 ? "Nothing else." : "What it does not explain:");
  for (const { kind, text, count, versions: by, plays } of rest)
    console.log(
      `  ${String(count).padStart(5)}  ${kind}  ${[...by].join(" ")}  ${text.slice(0, 300)}  (${[...plays][0] ?? ""})`,
    );
}
