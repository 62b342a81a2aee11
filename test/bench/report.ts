/** How figures are printed: each with its spread, and beside its baseline. */

import { median, medianRatio, quantile, ratios } from "./statistics.ts";

const TITLE = 58;
const COLUMN = 24;

export function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i === 0 ? cell.padEnd(TITLE) : cell.padStart(COLUMN)))
    .join("")
    .trimEnd();
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** `1.20 (1.10-1.40) ms`: the median, and where four fifths of the rounds lie. */
export function spread(values: readonly number[], unit: string): string {
  const [low, high] = [quantile(values, 0.1), quantile(values, 0.9)];
  return `${digits(median(values))} (${digits(low)}-${digits(high)}) ${unit}`;
}

/** How many times the baseline ours is, round by round. */
export function times(ours: readonly number[], baseline: readonly number[]): string {
  const all = ratios(ours, baseline);
  return `${digits(median(all))}x (${digits(quantile(all, 0.1))}-${digits(quantile(all, 0.9))})`;
}

/** A goal is said with what was reached; missing one is no failure of the run. */
export function goal(title: string, ours: readonly number[], baseline: readonly number[], atMost: number): string {
  const reached = medianRatio(ours, baseline);
  return line([`${title}: at most ${atMost}x`, `${reached.toFixed(2)}x`, reached <= atMost ? "met" : "MISSED"]);
}

/** A table of lanes beside the first of them. */
export function lanesTable(
  heading: string,
  unit: string,
  lanes: readonly { readonly title: string; readonly figures: readonly number[] }[],
): string {
  const baseline = lanes[0]?.figures ?? [];
  const rows = lanes.map(({ title, figures }, i) =>
    line([title, spread(figures, unit), i === 0 ? "baseline" : times(figures, baseline)]),
  );
  return [line([heading, "median (spread)", "beside the baseline"]), ...rows].join("\n");
}
