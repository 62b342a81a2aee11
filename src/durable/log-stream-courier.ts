/** Has the log sent where it is streamed to: begins batches after a commit and by the alarm, one at a time, each as a pointer to the queue [W23]. */

import type { Outcome } from "../protocol/index.ts";
import type { AlarmClock } from "./alarm-clock.ts";
import type { ObjectsEnv } from "./env.ts";
import { log } from "./log.ts";
import { beginBatch, nextBatch, type StreamPointer } from "./log-stream-acts.ts";
import type { Tailnet } from "./tailnet.ts";

const PURPOSE = "log-stream";
/** Milliseconds after which the alarm looks whether what is due was begun. */
const RESEND_MS = 5000;

/** Runs an act on the tailnet in one transaction. */
type Act = <T>(act: (tailnet: Tailnet, now: number) => T) => Promise<Outcome<T>>;

export class LogStreamCourier {
  readonly #tailnet: Tailnet;
  readonly #clock: AlarmClock;
  readonly #env: () => ObjectsEnv;
  readonly #act: Act;
  /** When the next batch is due, as was last seen. */
  #due: number | null = null;
  #isSending = false;

  constructor(tailnet: Tailnet, clock: AlarmClock, env: () => ObjectsEnv, act: Act) {
    this.#tailnet = tailnet;
    this.#clock = clock;
    this.#env = env;
    this.#act = act;
  }

  /** True while anything is to be sent. */
  isWaiting(): boolean {
    return nextBatch(this.#tailnet) !== null;
  }

  /** Sees to the alarm. To be called in the turn of the commit. */
  arm(now: number): void {
    this.#due = nextBatch(this.#tailnet);
    if (this.#due === null) {
      if (this.#clock.isWanted(PURPOSE)) this.#clock.want(PURPOSE, null);
    } else if (this.#due > now || !this.#clock.isWanted(PURPOSE)) {
      this.#clock.want(PURPOSE, Math.max(this.#due, now + RESEND_MS));
    }
  }

  /** Begins the next batch where it is due. Never rejects: what the queue does not take is begun again by the alarm. */
  async send(): Promise<void> {
    if (this.#isSending || this.#due === null || this.#due > Date.now()) return;
    this.#isSending = true;
    try {
      const begun = await this.#act((tailnet, now) => beginBatch(tailnet, now));
      if (begun.ok && begun.value !== null) await this.#toQueue(begun.value);
    } finally {
      this.#isSending = false;
    }
  }

  async #toQueue(pointer: StreamPointer): Promise<void> {
    try {
      await this.#env().LOG_STREAM_QUEUE.send(pointer);
    } catch (error) {
      log.warn("the queue of log streams did not take a message; it is sent again", {}, error);
    }
  }
}
