/**
 * Tailscale clients as they listen: a connection with Noise and HTTP/2 in it, a map stream in that, and now and then a request beside it. One that loses its
 * connection comes back, and begins anew, as a real one does.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { noiseCrypto } from "../../src/durable/control/native-noise.ts";
import { Backoff, RECONNECT } from "../../src/node/backoff.ts";
import { newNodeKey, publicNodeKey } from "../../src/node/native-crypto.ts";
import { CAPABILITY_VERSION, MAP_PATH, NoiseError, REGISTER_PATH, frameLength } from "../../src/protocol/index.ts";
import type { NodeKey } from "../../src/tka/index.ts";
import { NativeConnection } from "../support/native-http2.ts";
import { zstdText } from "../support/zstd-text.ts";
import { none, type Check } from "./checks.ts";

const FRAME_HEADER = 4;
const LOOK_MS = 200;
/** Milliseconds between two updates of one client. */
const UPDATE_MS = 700;

interface Message {
  readonly Node?: object;
  readonly Seq?: number;
}

export class NativeClient {
  readonly name: string;
  readonly #url: URL;
  readonly #machine = noiseCrypto.newKeyPair();
  readonly #nodeKey: NodeKey = publicNodeKey(newNodeKey());
  readonly #backoff = new Backoff(RECONNECT);
  #connection: NativeConnection | null = null;
  #isStopped = false;
  /** How far it has heard in the stream that it has; 0 while it has none. */
  seq = 0;
  /** Map streams that were answered. */
  streams = 0;
  /** Records that did not open: one was lost, or came twice. */
  broken = 0;
  /** Streams in which a seq was not greater than the one before it. */
  backwards = 0;

  constructor(url: URL, name: string) {
    this.#url = url;
    this.name = name;
  }

  #fields(more: object): object {
    return { Version: CAPABILITY_VERSION, NodeKey: this.#nodeKey, ...more };
  }

  async join(authKey: string): Promise<void> {
    const connection = await NativeConnection.open(this.#url, this.#machine);
    const Hostinfo = { Hostname: this.name, OS: "linux", IPNVersion: "faults" };
    const text = await connection.ask(REGISTER_PATH, this.#fields({ Auth: { AuthKey: authKey }, Hostinfo }));
    connection.close();
    if (!text.includes('"MachineAuthorized":true')) throw new Error(`a client was not let in: ${text}`);
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#listen().catch((error: unknown) => {
        // A connection may be lost at any moment; a map that cannot be read is a fault of ours.
        if (error instanceof SyntaxError) throw error;
      });
      if (this.#connection?.failure instanceof NoiseError) this.broken++;
      if (this.seq > 0) this.#backoff.reset();
      this.seq = 0;
      await sleep(this.#backoff.next(), undefined, { ref: false });
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#connection?.close();
  }

  /** Holds one connection until its map stream ends. */
  async #listen(): Promise<void> {
    const connection = await NativeConnection.open(this.#url, this.#machine);
    this.#connection = connection;
    const stream = connection.request(MAP_PATH, this.#fields({ Stream: true, KeepAlive: true, Compress: "zstd" }));
    const updates = setInterval(() => {
      const asked = this.#fields({ OmitPeers: true, Endpoints: [`192.0.2.1:${1024 + (Date.now() % 60_000)}`] });
      connection.ask(MAP_PATH, asked).catch(() => undefined);
    }, UPDATE_MS);
    let rest = Buffer.alloc(0);
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        rest = Buffer.concat([rest, chunk]);
        while (rest.length >= FRAME_HEADER && rest.length >= FRAME_HEADER + frameLength(rest)) {
          const end = FRAME_HEADER + frameLength(rest);
          this.#take(JSON.parse(zstdText(rest.subarray(FRAME_HEADER, end))) as Message);
          rest = rest.subarray(end);
        }
      }
    } finally {
      clearInterval(updates);
      connection.close();
    }
  }

  #take({ Node, Seq = 0 }: Message): void {
    if (this.seq === 0 && Node !== undefined) this.streams++;
    if (Seq > 0 && Seq < this.seq) this.backwards++;
    this.seq = Math.max(this.seq, Seq);
  }
}

export class NativeClients {
  readonly all: readonly NativeClient[];

  constructor(url: URL, count: number) {
    this.all = Array.from({ length: count }, (_, i) => new NativeClient(url, `native-${i}`));
  }

  async start(authKey: string): Promise<void> {
    for (const client of this.all) {
      await client.join(authKey);
      void client.run();
    }
  }

  stop(): void {
    for (const client of this.all) client.stop();
  }

  async #until(isSo: (client: NativeClient) => boolean, ms: number): Promise<string[]> {
    const end = performance.now() + ms;
    const missing = (): NativeClient[] => this.all.filter((client) => !isSo(client));
    while (missing().length > 0 && performance.now() < end) await sleep(LOOK_MS);
    return missing().map(({ name }) => name);
  }

  /** Everybody has a map. */
  async connected(ms: number): Promise<Check> {
    return none("all clients have their map again", await this.#until(({ seq }) => seq > 0, ms), this.#count());
  }

  /** Everybody has heard of what happened last, and nothing that came to anybody was out of order. */
  async judge(seq: number, ms: number): Promise<Check[]> {
    const of = this.#count();
    const names = (isSo: (client: NativeClient) => boolean): string[] => this.all.filter(isSo).map(({ name }) => name);
    return [
      none("all clients have heard of the last change", await this.#until((client) => client.seq >= seq, ms), of),
      none(
        "every record opens: no nonce comes twice, and none is left out",
        names(({ broken }) => broken > 0),
        of,
      ),
      none(
        "nothing comes out of order",
        names(({ backwards }) => backwards > 0),
        of,
      ),
      none(
        "everybody lost a connection, and came back",
        names(({ streams }) => streams < 2),
        of,
      ),
    ];
  }

  #count(): string {
    return `${this.all.length} clients, ${this.all.reduce((sum, { streams }) => sum + streams, 0)} map streams`;
  }
}
