/**
 * When the node's own key is over, by what the map says of it: the map goes on, and other nodes talk to it no more.
 *
 * Rule [R8]: a node whose key is over takes a new one and asks to be let in with it, once in ten minutes at most: a map or a clock that is wrong
 *            does not make it change its key without end.
 */

const LEAST_BETWEEN_MS = 10 * 60 * 1000;
/** The longest that a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Milliseconds since the epoch of an attacker-controlled `KeyExpiry`, or null for never: Go's zero time, or nothing that is a time. */
export function expiryOf(keyExpiry: string): number | null {
  const at = Date.parse(keyExpiry);
  return at > 0 ? at : null;
}

export class KeyWatch {
  readonly #renew: () => void;
  readonly #now: () => number;
  #expiry: number | null = null;
  #renewed = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  /** `renew` takes a new key. `now` in milliseconds since the epoch. */
  constructor(renew: () => void, now: () => number = Date.now) {
    this.#renew = renew;
    this.#now = now;
  }

  /** Takes note of what the map says of the present key, attacker-controlled; empty for nothing. */
  see(keyExpiry: string): void {
    this.#expiry = expiryOf(keyExpiry);
    this.#set();
  }

  /** Forgets what was seen: nothing happens any more. */
  stop(): void {
    this.see("");
  }

  #set(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#expiry === null) return;
    const wait = Math.max(this.#expiry, this.#renewed + LEAST_BETWEEN_MS) - this.#now();
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(wait, 0), LONGEST_TIMER_MS));
    this.#timer.unref();
  }

  #look(): void {
    const due = Math.max(this.#expiry ?? Number.POSITIVE_INFINITY, this.#renewed + LEAST_BETWEEN_MS);
    if (due > this.#now()) {
      this.#set();
      return;
    }
    this.#renewed = this.#now();
    this.stop();
    this.#renew();
  }
}
