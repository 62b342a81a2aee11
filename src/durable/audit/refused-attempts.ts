/**
 * Refused attempts on the record.
 *
 * Rule [P52]: where somebody who is known is refused what is not for them, that is an event; so many at once, and so many in the long run [W15]:
 *            beyond that they are refused all the same, and not told of.
 */

import type { By } from "./events.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** What somebody was refused, and why. */
export interface RefusedAttempt {
  /** What was tried, as the door names it. */
  readonly act: string;
  readonly error: string;
  /** Of what it is, where it is not of the tailnet as such. */
  readonly property?: string;
  /** What it is counted for, where whoever tries is nobody here: else one stranger's attempts would leave no room for another's. */
  readonly countedFor?: string;
}

/** Puts a refused attempt on the record, as far as there is room for it. */
export function recordRefused(tailnet: Tailnet, by: By, attempt: RefusedAttempt, now: number): void {
  const { act, error, property, countedFor = by.actor.id } = attempt;
  const { id } = tailnet.info();
  const target = { type: "FAILED_REQUEST", id, name: act, ...(property === undefined ? {} : { property }) } as const;
  try {
    tailnet.countRefusal(countedFor, now);
  } catch (exhausted) {
    if (exhausted instanceof ControlError) return;
    throw exhausted;
  }
  tailnet.record(by, { kind: "attempt.refused", target, new: { act, error } }, now);
}
