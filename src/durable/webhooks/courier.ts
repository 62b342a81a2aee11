/**
 * Has endpoints told: begins attempts after a commit and by the alarm, and sends each as a pointer to the queue of webhooks. The alarm alone makes retries:
 * the queue's consumer acknowledges whatever it was given [W33].
 */

import type { Sender } from "../delivery/courier-sender.ts";
import { toQueue } from "../to-queue.ts";
import { beginAttempts, nextAttempt } from "./attempts.ts";

const PURPOSE = "webhooks";
/** Milliseconds after which the alarm looks whether what is due was sent. */
const RESEND_MS = 5000;

export class WebhookCourier {
  readonly #sender: Sender;
  /** What was last seen of the endpoints. */
  #seen = -1;
  #due: number | null = null;
  #isSending = false;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** True while anything is to be told. */
  isWaiting(now: number): boolean {
    return this.#sender.tailnet.find() !== null && nextAttempt(this.#sender.tailnet, now) !== null;
  }

  /** Sees to the alarm where anything has changed. To be called in the turn of the commit. */
  look(now: number): void {
    if (this.#seen !== this.#sender.tailnet.webhooks.version) this.arm(now);
  }

  arm(now: number): void {
    this.#seen = this.#sender.tailnet.webhooks.version;
    this.#due = this.#sender.tailnet.find() === null ? null : nextAttempt(this.#sender.tailnet, now);
    this.#sender.clock.want(PURPOSE, this.#due === null ? null : Math.max(this.#due, now + RESEND_MS));
  }

  /** Begins what is due, until nothing is. Never rejects: what the queue does not take is begun again by the alarm. */
  async send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#due !== null && this.#due <= Date.now()) {
        const { version } = this.#sender.tailnet.webhooks;
        const begun = await this.#sender.act((tailnet, now) => beginAttempts(tailnet, now));
        // What came meanwhile was left to this round.
        if (!begun.ok || (begun.value.length === 0 && version === this.#sender.tailnet.webhooks.version)) return;
        await toQueue(this.#sender.env().WEBHOOK_QUEUE, "webhooks", begun.value);
      }
    } finally {
      this.#isSending = false;
    }
  }
}
