/**
 * One alarm for all that waits in an object: each purpose says when it is due, and the alarm is set for the first of them. An alarm that is
 * set is a row written: one that rings too early is left to ring, and finds nothing to do.
 */

import { log } from "./log.ts";

export class AlarmClock {
  readonly #storage: DurableObjectStorage;
  readonly #due = new Map<string, number>();
  /** When the alarm is known to ring, in milliseconds since the epoch; null where nothing is known of one. */
  #set: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Has the alarm ring for `purpose` at `due`, or no more for it where that is null. To be called in the turn of the write that asks for it. */
  want(purpose: string, due: number | null): void {
    if (due === null) this.#due.delete(purpose);
    else this.#due.set(purpose, due);
    this.#arm();
  }

  /** True if the purpose has asked to be woken, and was not since. */
  isWanted(purpose: string): boolean {
    return this.#due.has(purpose);
  }

  /** Says what is stored: an alarm that an earlier instance has set, or null. */
  found(alarm: number | null): void {
    this.#set = alarm;
  }

  /** To be called when the alarm rings: forgets who has waited for now, and goes on waiting for the others. */
  rang(now: number): void {
    this.#set = null;
    for (const [purpose, at] of this.#due) if (at <= now) this.#due.delete(purpose);
    this.#arm();
  }

  #arm(): void {
    const first = Math.min(...this.#due.values());
    if (first === Infinity || (this.#set !== null && this.#set <= first)) return;
    this.#set = first;
    this.#storage.setAlarm(first).catch((error: unknown) => {
      this.#set = null;
      log.error("the alarm could not be set", {}, error);
    });
  }
}
