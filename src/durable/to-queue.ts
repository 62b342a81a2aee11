/** How pointers get from an object to a queue. */

import { log } from "./log.ts";

/** Messages that a queue takes at once. */
const MAX_SEND = 100;

/** Sends pointers to the queue of that name. Never rejects: what it does not take, the object's alarm sends again. */
export async function toQueue<P>(queue: Queue<P>, name: string, pointers: readonly P[]): Promise<void> {
  try {
    for (let from = 0; from < pointers.length; from += MAX_SEND)
      await queue.sendBatch(pointers.slice(from, from + MAX_SEND).map((body) => ({ body })));
  } catch (error) {
    log.warn("a queue did not take a message; it is sent again", { queue: name }, error);
  }
}
