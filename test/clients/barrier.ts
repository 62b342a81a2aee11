/** A meeting point: whoever reaches it waits until all the others have reached it or left. Then the act is done once, and all go on. */

export class Barrier {
  #present: number;
  readonly #act: () => Promise<void>;
  #waiting: { go: () => void; fail: (error: unknown) => void }[] = [];

  constructor(present: number, act: () => Promise<void>) {
    this.#present = present;
    this.#act = act;
  }

  reached(): Promise<void> {
    const met = new Promise<void>((go, fail) => this.#waiting.push({ go, fail }));
    this.#meet();
    return met;
  }

  leave(): void {
    this.#present--;
    this.#meet();
  }

  #meet(): void {
    if (this.#waiting.length === 0 || this.#waiting.length < this.#present) return;
    const met = this.#waiting;
    this.#waiting = [];
    this.#act().then(
      () => met.forEach(({ go }) => go()),
      (error: unknown) => met.forEach(({ fail }) => fail(error)),
    );
  }
}
