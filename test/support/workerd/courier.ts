/** The way from a tailnet's object to the consumers, in a test's hands: messages are held back, and delivered as the test pleases. */

import {
  createExecutionContext,
  createMessageBatch,
  getQueueResult,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { Queues, type Lane, type Pointer } from "../../../src/durable/index.ts";
import { consume } from "../../../src/worker/queues/consumers.ts";
import { later } from "./clock.ts";
import { authorityOf } from "./control.ts";
import { pending } from "./record.ts";
import { eventually } from "../eventually.ts";

/** Messages that were sent while the queues were cut off, by lane. */
export interface Held {
  readonly sessions: Pointer[];
  readonly record: Pointer[];
  /** The greatest seq that was sent to the record's. */
  last: number;
}

/** Cuts the queues off: what objects send is kept here, and arrives nowhere. Mocks are restored by the test file. */
export function cutQueues(): Held {
  const held: Held = { sessions: [], record: [], last: -1 };
  vi.spyOn(Queues.prototype, "send").mockImplementation((lane, pointers) => {
    held[lane].push(...pointers);
    if (lane === "record") held.last = Math.max(held.last, ...pointers.map(({ seq }) => seq));
    return Promise.resolve();
  });
  return held;
}

/** Waits until all events of the tailnet were sent once: others are told when the answer is on its way. */
export async function sent(tailnet: string, held: Held): Promise<void> {
  const { seq } = await pending(tailnet);
  await eventually(() => {
    if (held.last < seq || held.sessions.length === 0) throw new Error("the messages were not sent yet");
  });
}

/** Hands messages to the consumer of a lane, or of its dead letters, as one batch, and gives how many it acknowledged and how many are to come again. */
export async function deliver(
  lane: Lane | `${Lane}-dead`,
  bodies: readonly unknown[],
  attempts = 1,
): Promise<{ readonly acknowledged: number; readonly again: number }> {
  const timestamp = new Date();
  const messages = bodies.map((body, index) => ({ id: `m${index}`, timestamp, attempts, body }));
  const batch = createMessageBatch(`tailward-${lane}`, messages);
  const ctx = createExecutionContext();
  await consume(batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, ctx);
  return { acknowledged: explicitAcks.length, again: retryMessages.length };
}

/** When the tailnet's alarm rings, in milliseconds from now; null where none is set. */
export function alarmIn(tailnet: string): Promise<number | null> {
  return runInDurableObject(authorityOf(tailnet), async (_, { storage }) => {
    const alarm = await storage.getAlarm();
    return alarm === null ? null : alarm - Date.now();
  });
}

/** Lets the alarm ring with the clock ahead. False where none was set. */
export function ring(tailnet: string, ms: number): Promise<boolean> {
  return later(ms, () => runDurableObjectAlarm(authorityOf(tailnet)));
}

/** Lets it ring until what is pending now was sent again: what came after it was set waits for the next time. */
export async function ringTwice(tailnet: string): Promise<void> {
  await ring(tailnet, 31_000);
  await ring(tailnet, 2 * 31_000 + 30_000);
}
