/** A control server that the load program is run against. */

import { setTimeout as sleep } from "node:timers/promises";

export interface Contender {
  readonly name: string;
  /** As a native client is given it. */
  readonly url: string;
  /** Reusable. */
  readonly authKey: string;
  /** Of its processes; their children count with them. */
  pids(): readonly number[];
  /** Kills it and starts it on the same data, at the same address. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

const STEP_MS = 50;
const PATIENCE_MS = 30_000;

/** Waits until a control server tells its key. */
export async function untilUp(url: string): Promise<void> {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until;) {
    const response = await fetch(`${url}/key?v=100`).catch(() => null);
    await response?.arrayBuffer();
    if (response?.ok === true) return;
    await sleep(STEP_MS);
  }
  throw new Error(`bench: no control server answers at ${url}`);
}
