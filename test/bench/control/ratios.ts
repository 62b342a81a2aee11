/** Ours beside headscale, figure by figure, with the goals that were set. */

import { median } from "../statistics.ts";
import { line } from "../report.ts";
import type { Phase, Report } from "./program.ts";

interface Figure {
  readonly title: string;
  /** The beginning of the phase's name. */
  readonly phase: string;
  readonly of: (phase: Phase) => number;
  readonly unit: string;
  /** At most so many times headscale's; null where none was set. */
  readonly goal: number | null;
}

const FIGURES: readonly Figure[] = [
  { title: "registration, at the median", phase: "registration, 1 at", of: (p) => p.medianMs, unit: "ms", goal: 0.1 },
  {
    title: "registration, processor time",
    phase: "registration, 1 at",
    of: (p) => p.serverCpuMs / p.count,
    unit: "ms",
    goal: null,
  },
  { title: "all of 16 at a time", phase: "registration, 16 at", of: (p) => p.wholeMs, unit: "ms", goal: null },
  { title: "first maps, the last", phase: "first maps", of: (p) => p.lastMs, unit: "ms", goal: 0.3 },
  { title: "until all see all online", phase: "until all", of: (p) => p.lastMs, unit: "ms", goal: 0.3 },
  {
    title: "until all see all online, processor time",
    phase: "until all",
    of: (p) => p.serverCpuMs,
    unit: "ms",
    goal: null,
  },
  {
    title: "until all see all online, bytes a stream",
    phase: "until all",
    of: (p) => p.bytesAStream,
    unit: "B",
    goal: null,
  },
  { title: "memory a stream", phase: "first maps", of: (p) => p.memoryKiBStream, unit: "KiB", goal: null },
  { title: "endpoint change, the last", phase: "endpoint change", of: (p) => p.lastMs, unit: "ms", goal: 0.5 },
  { title: "endpoint change, bytes a stream", phase: "endpoint", of: (p) => p.bytesAStream, unit: "B", goal: null },
  { title: "endpoint change, processor time", phase: "endpoint", of: (p) => p.serverCpuMs, unit: "ms", goal: null },
  { title: "new node, the last", phase: "new node", of: (p) => p.lastMs, unit: "ms", goal: 0.1 },
  { title: "new node, bytes a stream", phase: "new node", of: (p) => p.bytesAStream, unit: "B", goal: 0.05 },
  { title: "new node, processor time", phase: "new node", of: (p) => p.serverCpuMs, unit: "ms", goal: null },
  { title: "back after a restart, the last", phase: "all come back", of: (p) => p.lastMs, unit: "ms", goal: null },
];

function values(reports: readonly Report[], { phase, of }: Figure): number[] {
  return reports
    .flatMap(({ phases }) => phases.filter(({ name, lastMs }) => name.startsWith(phase) && lastMs > 0).slice(0, 1))
    .map(of);
}

const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

/** A row a figure that both have. */
export function ratioTable(baseline: string, theirs: readonly Report[], ours: readonly Report[]): string {
  const rows = FIGURES.flatMap((figure) => {
    const [b, o] = [values(theirs, figure), values(ours, figure)];
    if (b.length === 0 || o.length === 0) return [];
    const ratio = median(o) / median(b);
    const met = figure.goal === null ? "" : `${ratio <= figure.goal ? "met" : "MISSED"} (${figure.goal}x)`;
    return [
      line([
        figure.title,
        `${digits(median(b))} ${figure.unit}`,
        `${digits(median(o))} ${figure.unit}`,
        `${ratio.toFixed(3)}x`,
        met,
      ]),
    ];
  });
  return [line(["medians over the turns", baseline, "tailward", "ratio", "goal"]), ...rows].join("\n");
}

/** What may not be: lost updates, dropped streams, views with holes. */
export function faults(name: string, reports: readonly Report[]): string {
  const sum = (of: (report: Report) => number): number => reports.reduce((all, report) => all + of(report), 0);
  return `${name}: ${sum((r) => r.lost)} lost, ${sum((r) => r.dropped)} live streams dropped, ${sum((r) => r.views.incomplete)} views incomplete, ${sum((r) => r.views.notAllOnline)} not all online, ${sum((r) => r.views.strangers)} patches for nodes never named`;
}
