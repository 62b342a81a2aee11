/** A node's end of its WebSocket. It says how much it has taken, as an honest node does, unless told not to [M9]. */

import { CAPABILITY_VERSION, mapResponse, parseJson, type MapResponse } from "../../../src/protocol/index.ts";
import type { NodeKey } from "../../../src/tka/index.ts";

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export class MapSocket {
  readonly #socket: WebSocket;
  readonly #nodeKey: NodeKey;
  readonly texts: string[] = [];
  readonly #arrived: (() => void)[] = [];
  #read = 0;
  /** Length of all texts read. */
  received = 0;
  /** What the node goes on to say of its head. */
  head = "";
  readonly closed: Promise<Closed>;
  isClosed = false;

  constructor(socket: WebSocket, nodeKey: NodeKey) {
    this.#socket = socket;
    this.#nodeKey = nodeKey;
    socket.addEventListener("message", ({ data }) => {
      this.texts.push(String(data));
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        this.isClosed = true;
        this.#wake();
        resolve({ code, reason });
      });
    });
    socket.accept();
  }

  #wake(): void {
    for (const wake of this.#arrived.splice(0)) wake();
  }

  /** Sends a map request of this node. */
  say(fields: Readonly<Record<string, unknown>> = {}): void {
    this.send(JSON.stringify({ Version: CAPABILITY_VERSION, NodeKey: this.#nodeKey, TKAHead: this.head, ...fields }));
  }

  send(message: string | ArrayBuffer): void {
    this.#socket.send(message);
  }

  /** The next text; fails once the socket is closed. */
  async text(): Promise<string> {
    while (this.texts.length <= this.#read) {
      if (this.isClosed) throw new Error(`closed: ${JSON.stringify(await this.closed)}`);
      await new Promise<void>((resolve) => void this.#arrived.push(resolve));
    }
    const text = this.texts[this.#read++] ?? "";
    this.received += text.length;
    return text;
  }

  async next(): Promise<MapResponse> {
    return parseJson(await this.text(), mapResponse, "message");
  }

  /** Texts that have arrived and were not read. */
  get unread(): number {
    return this.texts.length - this.#read;
  }

  acknowledge(): void {
    this.say({ Received: this.received });
  }

  close(): void {
    this.#socket.close(1000, "done");
  }
}
