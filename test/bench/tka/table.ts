/** What is printed: a row a case, then the goals. */

import type { Case, Goal, Ours } from "./cases.ts";
import { median, medianRatio } from "../statistics.ts";
import type { Figures, HostName } from "./measure.ts";
import type { Subject } from "./subjects.ts";

const OURS: readonly Ours[] = ["Node", "workerd"];
const TITLE = 46;
const COLUMN = 11;

/** Nanoseconds for people. */
function duration(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(0)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(ns < 1e5 ? 2 : 1)} µs`;
  return `${(ns / 1e6).toFixed(ns < 1e8 ? 2 : 0)} ms`;
}

function ratio(value: number): string {
  return Number.isNaN(value) ? "-" : `${value.toFixed(value < 10 ? 2 : 0)}x`;
}

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(TITLE) : cell.padStart(COLUMN))).join("");
}

function of(figures: Figures, host: HostName, subject: Subject): readonly number[] {
  return figures.get(host)?.get(subject) ?? [];
}

/** Medians of all rounds, and how many times as fast as Go ours is in the same round. */
export function table(figures: Figures, cases: readonly Case[]): string {
  const rows = cases.map(({ subject, title }) => {
    const go = of(figures, "Go", subject);
    const ours = OURS.flatMap((host) => {
      const own = of(figures, host, subject);
      return [duration(median(own)), ratio(medianRatio(go, own))];
    });
    return line([title, duration(median(go)), ...ours]);
  });
  return [line(["", "Go", "Node", "Go/Node", "workerd", "Go/workerd"]), ...rows].join("\n");
}

/** How many times the goal's subject goes into what it is held against, by the same rounds. */
function reached(figures: Figures, { subject, against }: Goal, host: Ours): number {
  const own = of(figures, host, subject);
  if (against === "Go") return medianRatio(of(figures, "Go", subject), own);
  return against.bareVerifies * medianRatio(of(figures, host, "bare"), own);
}

export function goalsTable(figures: Figures, goals: readonly Goal[]): string {
  const rows = goals.map((goal) => {
    const cells = OURS.flatMap((host) => {
      if (!goal.hosts.includes(host)) return ["", ""];
      const value = reached(figures, goal, host);
      return [value.toFixed(value < 10 ? 2 : 0), value >= goal.atLeast ? "met" : "MISSED"];
    });
    return line([goal.title, `>= ${goal.atLeast}`, ...cells]);
  });
  return [line(["", "goal", "Node", "", "workerd", ""]), ...rows].join("\n");
}
