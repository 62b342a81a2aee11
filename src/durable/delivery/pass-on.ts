/** What follows an act: messages to the queues, to the tailnets that share nodes, to the endpoints of webhooks, and the log to where it is streamed. */

import type { Delivery } from "./delivery.ts";
import type { LogStreamCourier } from "../audit/stream-courier.ts";
import type { ShareCourier } from "../sharing/courier.ts";
import type { WebhookCourier } from "../webhooks/courier.ts";

/**
 * Sends once the answer is on its way: whoever waits for it goes first, and sending takes the object as long as the act did. Until then, what is to be
 * sent stands in the outbox, and an alarm is set [W11].
 */
export async function passOn(
  delivery: Delivery | null,
  courier: ShareCourier,
  webhooks: WebhookCourier,
  stream: LogStreamCourier,
): Promise<void> {
  await scheduler.wait(0);
  await Promise.all([delivery?.flush(), courier.send(Date.now()), webhooks.send(), stream.send()]);
}
