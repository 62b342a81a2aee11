/** The part of a tailnet's object that is for whoever runs the deployment: each method is one act, as in TailnetAuthority. */

import type { Outcome } from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import { LogAuthority } from "./log.ts";
import { outcomeOf } from "../refuse.ts";
import { sealingOf } from "./resealing.ts";
import { Instance, rewind, type RewindTo, type Rewound } from "./rewind.ts";
import { watchedOf, type Watched } from "../delivery/watched.ts";

export class OperatingAuthority extends LogAuthority {
  readonly #instance = new Instance();

  /** What an operator watches. */
  watched(): Promise<Outcome<Watched>> {
    return this.acts.living((tailnet, now) => watchedOf(tailnet, sealingOf(tailnet, this.env, now)));
  }

  /** Has the object end, and begin as it was then. Refuses with `not_supported` where the runtime keeps no earlier states. */
  async rewind(to: RewindTo): Promise<Outcome<Rewound>> {
    const summary = await this.acts.act((tailnet) => tailnet.summary());
    if (!summary.ok) return summary;
    return outcomeOf(() => rewind(this.ctx, this.#instance, to, summary.value.created, Date.now()));
  }

  /**
   * To be told once to an object that was restored as an older copy: gives the epoch that begins. `ended` is the instance that is to have ended before, or
   * null: where it has not, this refuses with `try_again`.
   */
  beginEpoch(by: By, ended: string | null = null): Promise<Outcome<{ readonly epoch: string }>> {
    return this.acts.act((tailnet, now) => {
      this.#instance.requireOther(ended);
      return { epoch: tailnet.beginEpoch(by, now) };
    });
  }
}
