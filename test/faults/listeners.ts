/**
 * Nodes that do nothing but wait for news on a WebSocket, by the thousand: signed and paced as the agent is, and reading no more of a map than how
 * far it goes. One that loses its socket comes back after the agent's own pauses, and goes on where it was.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { Backoff, RECONNECT } from "../../src/node/backoff.ts";
import { signedHeaders } from "../../src/node/request-signer.ts";
import { ACKNOWLEDGE_CHARS, CAPABILITY_VERSION, MAP_SUBPROTOCOL, mapSocketPath } from "../../src/protocol/index.ts";
import { none, seconds, type Check } from "./checks.ts";
import type { LightNode } from "./light-node.ts";

const LOOK_MS = 100;
/** Milliseconds after which a connection counts as one that held. */
const HELD_MS = 5000;

export class Listener {
  readonly #node: LightNode;
  readonly #url: URL;
  readonly #backoff = new Backoff(RECONNECT);
  #socket: WebSocket | null = null;
  #stopped = false;
  #handle = "";
  #received = 0;
  #acknowledged = 0;
  /** How far the node has heard. */
  seq = 0;
  /** When it heard that, by performance.now(). */
  seqAt = 0;
  /** When the first answer came on the socket that it has, by performance.now(). */
  connectedAt = 0;
  /** When it last lost a socket on which it had been answered. */
  lostAt = 0;

  constructor(url: URL, node: LightNode) {
    this.#node = node;
    this.#url = new URL(mapSocketPath(node.nodeKey), url);
  }

  get name(): string {
    return this.#node.name;
  }

  /** True while its socket is open and the first answer has come on it. */
  isConnected = false;

  async run(): Promise<void> {
    while (!this.#stopped) {
      const started = performance.now();
      await this.#listen();
      if (performance.now() - started > HELD_MS) this.#backoff.reset();
      await sleep(this.#backoff.next(), undefined, { ref: false });
    }
  }

  /** Holds one socket until it ends. */
  #listen(): Promise<void> {
    const target = new URL(this.#url);
    target.protocol = "ws:";
    const headers = signedHeaders(this.#url, new Uint8Array(0), this.#node.requestSigner, Date.now(), "GET");
    const socket = new WebSocket(target, [MAP_SUBPROTOCOL], {
      headers: Object.fromEntries(headers),
      perMessageDeflate: false,
    });
    this.#socket = socket;
    this.#received = 0;
    this.#acknowledged = 0;
    return new Promise((resolve) => {
      socket.once("open", () => {
        this.#say(this.#handle === "" ? {} : { MapSessionHandle: this.#handle, MapSessionSeq: this.seq });
      });
      socket.on("message", (data) => {
        this.#take((data as Buffer).toString());
      });
      // It is closed as well.
      socket.on("error", () => undefined);
      socket.once("close", () => {
        if (this.isConnected) this.lostAt = performance.now();
        this.isConnected = false;
        resolve();
      });
    });
  }

  #say(fields: object): void {
    const { nodeKey } = this.#node;
    const said = { Version: CAPABILITY_VERSION, NodeKey: nodeKey, TKAHead: "", Received: this.#received, ...fields };
    this.#acknowledged = this.#received;
    this.#socket?.send(JSON.stringify(said), () => undefined);
  }

  #take(text: string): void {
    if (!this.isConnected) this.connectedAt = performance.now();
    this.isConnected = true;
    this.#received += text.length;
    this.#handle = /"MapSessionHandle":"([^"]+)"/.exec(text)?.[1] ?? this.#handle;
    // A piece of a large map has none: only the last one says how far it goes.
    const seq = /"Seq":(\d+)/.exec(text)?.[1];
    if (Number(seq ?? 0) > this.seq) {
      this.seq = Number(seq);
      this.seqAt = performance.now();
    }
    if (this.#received - this.#acknowledged >= ACKNOWLEDGE_CHARS || seq === undefined) this.#say({});
  }

  /** Reads nothing more, and does not say so: a poll that hangs. */
  plantHang(): void {
    this.#socket?.pause();
  }

  mendHang(): void {
    this.#socket?.resume();
  }

  stop(): void {
    this.#stopped = true;
    this.#socket?.terminate();
  }
}

export class Listeners {
  readonly all: readonly Listener[];

  private constructor(all: readonly Listener[]) {
    this.all = all;
  }

  static of(url: URL, nodes: readonly LightNode[]): Listeners {
    return new Listeners(nodes.map((node) => new Listener(url, node)));
  }

  /** Starts them all, some at a time: a first map is large. Waits until each is connected, `mostMs` at most. */
  async start(mostMs: number): Promise<boolean> {
    for (const listener of this.all) {
      void listener.run();
      await sleep(1);
    }
    return this.#until((listener) => listener.isConnected && listener.seq > 0, mostMs);
  }

  async #until(isThere: (listener: Listener) => boolean, mostMs: number): Promise<boolean> {
    const end = performance.now() + mostMs;
    while (!this.all.every(isThere)) {
      if (performance.now() > end) return false;
      await sleep(LOOK_MS);
    }
    return true;
  }

  /** Waits until all have come back; gives the milliseconds after `droppedAt` at which each of them had. */
  async back(droppedAt: number, mostMs: number): Promise<Map<Listener, number>> {
    await this.#until((listener) => listener.isConnected && listener.connectedAt > droppedAt, mostMs);
    const there = this.all.filter((listener) => listener.isConnected && listener.connectedAt > droppedAt);
    return new Map(there.map((listener) => [listener, listener.connectedAt - droppedAt]));
  }

  /** Waits until all are connected and have heard everything up to `seq`. */
  async hear(seq: number, mostMs: number): Promise<Check> {
    const started = performance.now();
    await this.#until((listener) => listener.isConnected && listener.seq >= seq, mostMs);
    const took = seconds(performance.now() - started);
    const deaf = this.all.filter((listener) => !listener.isConnected || listener.seq < seq).map(({ name }) => name);
    return none("no listener hangs", deaf, `${this.all.length} listeners at seq ${seq}, within ${took}`);
  }

  /** Milliseconds from `at` until half of them, and all, had heard the last that they have; before 0 for what came before. */
  latency(at: number): { readonly half: number; readonly all: number } {
    const times = this.all.map(({ seqAt }) => seqAt - at).sort((a, b) => a - b);
    return { half: times[Math.floor(times.length / 2)] ?? 0, all: times.at(-1) ?? 0 };
  }

  stop(): void {
    for (const listener of this.all) listener.stop();
  }
}
