/** Has the alarm of a tailnet's object ring for what ends by itself. */

import type { AlarmClock } from "./alarm-clock.ts";
import { endWhatIsOver, nextEnd } from "./lifetimes.ts";
import type { Tailnet } from "./tailnet.ts";
import type { Outcome } from "../protocol/index.ts";

const PURPOSE = "life";

export class LifeClock {
  readonly #tailnet: Tailnet;
  readonly #clock: AlarmClock;
  #hasLooked = false;

  constructor(tailnet: Tailnet, clock: AlarmClock) {
    this.#tailnet = tailnet;
    this.#clock = clock;
  }

  /** True where anything will end. */
  isWaiting(): boolean {
    return nextEnd(this.#tailnet) !== null;
  }

  /** To be called in the turn of an act: sees to the alarm where the act has left news, and once in any case. */
  look(now: number, hasNews: boolean): void {
    if (hasNews || !this.#hasLooked) this.arm(now);
    this.#hasLooked = true;
  }

  arm(now: number): void {
    const due = nextEnd(this.#tailnet);
    if (due !== null) this.#clock.want(PURPOSE, Math.max(due, now));
    else if (this.#clock.isWanted(PURPOSE)) this.#clock.want(PURPOSE, null);
  }

  /** By the alarm: ends what is over. `act` runs an act on the tailnet in one transaction. */
  async end(
    act: (body: (tailnet: Tailnet, now: number) => null) => Promise<Outcome<null>>,
    now: number,
  ): Promise<void> {
    for (let due = nextEnd(this.#tailnet); due !== null && due <= now;) {
      const outcome = await act((tailnet, at) => {
        endWhatIsOver(tailnet, at);
        return null;
      });
      if (!outcome.ok) throw new Error(`what is over could not be ended: ${outcome.error.code}`);
      due = nextEnd(this.#tailnet);
    }
    this.arm(now);
  }
}
