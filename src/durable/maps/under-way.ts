/** How much is under way to the sockets of an object [X8], by tailnet and in all: characters that were sent and not said to be taken. */

export class UnderWay {
  readonly #ofTailnet = new Map<string, number>();
  #all = 0;

  get all(): number {
    return this.#all;
  }

  of(tailnet: string): number {
    return this.#ofTailnet.get(tailnet) ?? 0;
  }

  add(tailnet: string, characters: number): void {
    const sum = this.of(tailnet) + characters;
    if (sum === 0) this.#ofTailnet.delete(tailnet);
    else this.#ofTailnet.set(tailnet, sum);
    this.#all += characters;
  }
}
