/**
 * Whether two answers say the same. Words of errors differ freely; that there is an error must not. What is compared of an answer, and what
 * is not, stands in IGNORED.
 */

import type { OracleRequest, OurAnswer } from "../../support/answer.ts";
import type { Answer } from "../oracle-client.ts";
import { DEPARTURES, type Asked } from "./departures.ts";

/** Fields in which words of errors stand. */
const IGNORED: Readonly<Record<string, readonly string[]>> = {
  "aum.decode": ["why"],
  "deeplink.validate": ["error"],
};

export interface Verdict {
  /** What differs, in words, or null. */
  readonly difference: string | null;
  /** The ids of the deliberate departures that were met. */
  readonly departures: readonly string[];
}

/** True where the two JSON values are equal, whatever the order of their fields; null and absent are not the same. */
export function equalJson(a: unknown, b: unknown, ignored: readonly string[] = []): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const name of names) if (!ignored.includes(name) && !equalJson(left[name], right[name])) return false;
  return true;
}

function sameAnswer(op: string, go: Answer, ours: OurAnswer): boolean {
  if ("error" in go) return "error" in ours;
  if ("panic" in go || !("ok" in ours)) return false;
  return equalJson(go.ok, ours.ok, IGNORED[op] ?? []);
}

function short(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

function difference(asked: Asked, go: Answer, ours: OurAnswer): string {
  return `${asked.op}: Go ${short(go)}, ours ${short(ours)}`;
}

function compareOne(asked: Asked, go: Answer, ours: OurAnswer): Verdict & { readonly last: boolean } {
  const met = DEPARTURES.find((departure) => departure.matches(asked, go, ours));
  if (met !== undefined) return { difference: null, departures: [met.id], last: met.endsPlay };
  const same = sameAnswer(asked.op, go, ours);
  return { difference: same ? null : difference(asked, go, ours), departures: [], last: !same };
}

/** A play's steps one by one, up to a departure after which the two sides hold different things. */
function comparePlay(request: OracleRequest, go: readonly Answer[], ours: readonly OurAnswer[]): Verdict {
  const departures: string[] = [];
  const steps = request["steps"] as readonly Record<string, unknown>[];
  for (const [index, step] of steps.entries()) {
    const asked = { op: String(step["do"]), fields: step };
    const verdict = compareOne(asked, go[index] as Answer, ours[index] as OurAnswer);
    departures.push(...verdict.departures);
    if (verdict.difference !== null) return { difference: `step ${index}, ${verdict.difference}`, departures };
    if (verdict.last) break;
  }
  return { difference: null, departures };
}

function stepsOf(answer: Answer | OurAnswer): readonly (Answer | OurAnswer)[] | null {
  return "ok" in answer ? ((answer.ok as { readonly steps?: readonly Answer[] }).steps ?? null) : null;
}

/** Judges our answer to one request by Go's. */
export function compareAnswers(request: OracleRequest, go: Answer, ours: OurAnswer): Verdict {
  if (request.op === "play") {
    const [goSteps, ourSteps] = [stepsOf(go), stepsOf(ours)];
    if (goSteps !== null && ourSteps !== null) return comparePlay(request, goSteps, ourSteps as OurAnswer[]);
  }
  return compareOne({ op: request.op, fields: request }, go, ours);
}

/** What Go refused of an answer that it had to accept, or null. */
export function refusedByGo(answer: Answer): string | null {
  const parts = stepsOf(answer) ?? [answer];
  const refused = parts.findIndex((part) => !("ok" in part));
  return refused < 0 ? null : `part ${refused} of what we made was refused: ${short(parts[refused])}`;
}
