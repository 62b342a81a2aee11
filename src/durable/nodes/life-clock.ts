/** Has the alarm of a tailnet's object ring for what ends by itself. */

import type { Outcome } from "../../protocol/index.ts";
import type { AlarmClock } from "../alarm-clock.ts";
import { EPHEMERAL_MS, hasEphemerals, nextEnd, removeEphemerals, tellOfEnds } from "./lifetimes.ts";
import { nextTrim, trimLog } from "../audit/retention.ts";
import type { Tailnet } from "../authority/tailnet.ts";

const KEYS = "keys";
const EPHEMERALS = "ephemerals";
const LOG = "log";
/** Milliseconds between two looks at events that are to go. */
const LOG_MS = 10 * 60_000;

/** Runs an act on the tailnet in one transaction; it says whether there is more to do. */
type Act = (body: (tailnet: Tailnet, now: number) => boolean) => Promise<Outcome<boolean>>;

export class LifeClock {
  readonly #tailnet: Tailnet;
  readonly #clock: AlarmClock;
  #hasLooked = false;

  constructor(tailnet: Tailnet, clock: AlarmClock) {
    this.#tailnet = tailnet;
    this.#clock = clock;
  }

  /** True where anything may end. */
  isWaiting(): boolean {
    return nextEnd(this.#tailnet) !== null || hasEphemerals(this.#tailnet) || nextTrim(this.#tailnet) !== null;
  }

  /** To be called in the turn of an act: sees to the alarm where the act has left news, and once in any case. */
  look(now: number, hasNews: boolean): void {
    if (hasNews || !this.#hasLooked) this.arm(now);
    this.#hasLooked = true;
  }

  #want(purpose: string, due: number | null): void {
    if (due !== null || this.#clock.isWanted(purpose)) this.#clock.want(purpose, due);
  }

  arm(now: number): void {
    const due = nextEnd(this.#tailnet);
    this.#want(KEYS, due === null ? null : Math.max(due, now));
    const trim = nextTrim(this.#tailnet);
    if (trim === null || trim > now) this.#want(LOG, trim);
    // What is over and waits for D1 is looked at again.
    else if (!this.#clock.isWanted(LOG)) this.#clock.want(LOG, now + LOG_MS);
    if (!hasEphemerals(this.#tailnet)) this.#want(EPHEMERALS, null);
    else if (!this.#clock.isWanted(EPHEMERALS)) this.#clock.want(EPHEMERALS, now + EPHEMERAL_MS);
  }

  /** By the alarm, for whatever it rings: ends what is over. The alarm may have begun this instance, which then knows of no purpose. */
  async end(act: Act, now: number): Promise<void> {
    for (let isMore = this.isWaiting(); isMore;) {
      const outcome = await act((tailnet) => {
        tellOfEnds(tailnet, now);
        const removed = hasEphemerals(tailnet) ? removeEphemerals(tailnet, now) : 0;
        const isTrimmed = trimLog(tailnet, now);
        return removed > 0 || isTrimmed || (nextEnd(tailnet) ?? Infinity) <= now;
      });
      if (!outcome.ok) throw new Error(`what is over could not be ended: ${outcome.error.code}`);
      isMore = outcome.value;
    }
    this.arm(now);
  }
}
