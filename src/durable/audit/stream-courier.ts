/** Has the log sent where it is streamed to: begins batches after a commit and by the alarm, one of a stream at a time, each as a pointer to the queue [W23]. */

import type { Sender } from "../delivery/courier-sender.ts";
import { toQueue } from "../to-queue.ts";
import { beginBatches, nextBatch } from "./stream-batches.ts";

const PURPOSE = "log-stream";
/** Milliseconds after which the alarm looks whether what is due was begun. */
const RESEND_MS = 5000;

export class LogStreamCourier {
  readonly #sender: Sender;
  /** When the next batch is due, as was last seen. */
  #due: number | null = null;
  #isSending = false;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** True while anything is to be sent. */
  isWaiting(): boolean {
    return nextBatch(this.#sender.tailnet) !== null;
  }

  /** Sees to the alarm. To be called in the turn of the commit. */
  arm(now: number): void {
    this.#due = nextBatch(this.#sender.tailnet);
    if (this.#due === null) {
      this.#sender.clock.want(PURPOSE, null);
    } else if (this.#due > now || !this.#sender.clock.isWanted(PURPOSE)) {
      this.#sender.clock.want(PURPOSE, Math.max(this.#due, now + RESEND_MS));
    }
  }

  /** Begins what is due. Never rejects: what the queue does not take is begun again by the alarm. */
  async send(): Promise<void> {
    if (this.#isSending || this.#due === null || this.#due > Date.now()) return;
    this.#isSending = true;
    try {
      const begun = await this.#sender.act((tailnet, now) => beginBatches(tailnet, now));
      if (begun.ok && begun.value.length > 0)
        await toQueue(this.#sender.env().LOG_STREAM_QUEUE, "log-streams", begun.value);
    } finally {
      this.#isSending = false;
    }
  }
}
