/**
 * What follows an act: messages to the queues, to the tailnets that share nodes, to the endpoints of webhooks, the log to where it is streamed, and what is
 * to be sealed anew.
 */

import type { Delivery } from "./delivery.ts";

/** Whoever has something to do once an act is committed. Never rejects. */
interface Follower {
  readonly send: (now: number) => Promise<void>;
}

/**
 * Sends once the answer is on its way: whoever waits for it goes first, and sending takes the object as long as the act did. Until then, what is to be
 * sent stands in the outbox, and an alarm is set [W11].
 */
export async function passOn(delivery: Delivery | null, followers: readonly Follower[]): Promise<void> {
  await scheduler.wait(0);
  await Promise.all([delivery?.flush(), ...followers.map((each) => each.send(Date.now()))]);
}
