/**
 * Which faults are on, for the whole Worker: all of its objects share one process here, and so one switchboard. A process that starts again has
 * them all off.
 */

/** What becomes of a message that is sent to a queue. `share` is between 0 and 1. */
export type QueueFault =
  | { readonly kind: "none" }
  /** The send throws: the producer knows. */
  | { readonly kind: "refuse" }
  /** The send is answered well, and a share of the messages never arrives. */
  | { readonly kind: "drop"; readonly share: number }
  /** Each message is sent twice, both after a delay of their own of up to so many seconds, so that they arrive out of order. */
  | { readonly kind: "double"; readonly seconds: number };

export interface Switches {
  /** `lose` does what is asked and then throws, as where the answer is lost. */
  readonly d1: "none" | "refuse" | "lose";
  /** The queue of the sessions, and that of the record. */
  readonly sessions: QueueFault;
  readonly record: QueueFault;
  /** The authority's own call to the sessions objects; `lose` does it and throws. */
  readonly direct: "none" | "cut" | "lose";
}

const NONE: Switches = { d1: "none", sessions: { kind: "none" }, record: { kind: "none" }, direct: "none" };

let current = NONE;

export function switches(): Switches {
  return current;
}

/** Puts faults on and off; what is not named is off. */
export function setSwitches(next: Partial<Switches>): void {
  current = { ...NONE, ...next };
}

const counts = new Map<string, number>();

/** Counts something that has happened, as `authority>NodeSessions.advance`. */
export function count(what: string, by = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + by);
}

/** Everything counted since the last time that this was asked. */
export function takeCounts(): Record<string, number> {
  const taken = Object.fromEntries([...counts].sort(([a], [b]) => a.localeCompare(b)));
  counts.clear();
  return taken;
}
