/** Many sockets that wait, in this process: how many have heard something, and when the first and the last did. */

import { WebSocket, type ClientOptions } from "ws";
import { each } from "./each.ts";

/** One socket to open: where, with which headers, and what is said on it first. */
export interface Seat {
  readonly url: URL;
  readonly protocol?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly hello?: string;
}

/** When something was heard: milliseconds since the epoch. */
export interface Heard {
  readonly first: number;
  readonly last: number;
  /** Characters of the first message. */
  readonly length: number;
  readonly text: string;
}

const HANDS = 16;
const PATIENCE_MS = 60_000;

/** Milliseconds since the epoch, to the microsecond. */
export function wallNow(): number {
  return performance.timeOrigin + performance.now();
}

export class Crowd {
  readonly #sockets: WebSocket[] = [];
  readonly #heard = new Set<WebSocket>();
  #first = 0;
  #last = 0;
  #text = "";
  #wake: () => void = () => undefined;
  /** Sockets that were closed by the other end. */
  closed = 0;

  get size(): number {
    return this.#sockets.length;
  }

  #take(socket: WebSocket, text: string): void {
    this.#last = wallNow();
    if (this.#heard.size === 0) [this.#first, this.#text] = [this.#last, text];
    this.#heard.add(socket);
    if (this.#heard.size >= this.#sockets.length) this.#wake();
  }

  async #open({ url, protocol, headers = {}, hello }: Seat, place: number): Promise<void> {
    const options: ClientOptions = { headers, perMessageDeflate: false };
    const socket = protocol === undefined ? new WebSocket(url, options) : new WebSocket(url, [protocol], options);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
      socket.once("unexpected-response", (_, answer) => {
        reject(new Error(`bench: a socket was answered ${answer.statusCode ?? 0}`));
      });
    });
    this.#sockets[place] = socket;
    socket.on("error", () => undefined);
    socket.on("close", () => this.closed++);
    const answered = new Promise<void>((resolve) => {
      socket.once("message", () => {
        resolve();
      });
    });
    if (hello !== undefined) {
      socket.send(hello);
      await answered;
    }
    socket.on("message", (data: Buffer) => {
      this.#take(socket, data.toString("utf8"));
    });
  }

  /** Opens sockets, and waits for the answer to what was said first on each. */
  async open(seats: readonly (() => Seat)[]): Promise<void> {
    const first = this.#sockets.length;
    await each(seats.length, (i) => this.#open((seats[i] as () => Seat)(), first + i), HANDS);
  }

  /** Says something on the socket that was opened as that number. */
  say(i: number, text: string): void {
    this.#sockets[i]?.send(text);
  }

  /** Does `act`, and waits until all have heard something. */
  async tell(act: () => Promise<unknown>): Promise<Heard> {
    this.#heard.clear();
    const all = new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`bench: only ${this.#heard.size} of ${this.size} have heard; ${this.closed} are closed`));
      }, PATIENCE_MS);
      this.#wake = () => {
        clearTimeout(late);
        resolve();
      };
    });
    await Promise.all([all, act()]);
    return { first: this.#first, last: this.#last, length: this.#text.length, text: this.#text };
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.terminate();
  }
}
