/**
 * What a client may make us do for nothing: resets, SETTINGS, PINGs, empty DATA, frames that nobody knows.
 *
 * Rule [H57]: every frame costs, honest use and time earn. A client whose budget is gone is told ENHANCE_YOUR_CALM, and its connection ends.
 */

import { HTTP2_CODE } from "./http2-codes.ts";
import { ConnectionError } from "./http2-error.ts";
import { BUDGET } from "./http2-limits.ts";

const MS = 1000;

export class Budget {
  #points: number;
  /** Milliseconds since 1970 up to which time was earned. */
  #at: number;

  constructor(points: number = BUDGET.full, at = 0) {
    this.#points = points;
    this.#at = at;
  }

  get points(): number {
    return this.#points;
  }

  get at(): number {
    return this.#at;
  }

  /** Time has gone on. A clock that goes back earns nothing. */
  tick(now: number): void {
    const earned = Math.floor(((now - this.#at) * BUDGET.aSecond) / MS);
    if (earned <= 0 || this.#points === BUDGET.full) {
      if (now < this.#at || this.#points === BUDGET.full) this.#at = now;
      return;
    }
    this.#at += Math.ceil((earned * MS) / BUDGET.aSecond);
    this.earn(earned);
  }

  earn(points: number): void {
    this.#points = Math.min(BUDGET.full, this.#points + points);
  }

  /** Throws ConnectionError where there is less. */
  spend(points: number): void {
    if (points > this.#points) throw new ConnectionError(HTTP2_CODE.enhanceYourCalm, "too much for nothing");
    this.#points -= points;
  }
}
