/** A Tailscale client in Node: the Worker's WebSocket, Noise in it, and Node's own HTTP/2 in that. */

import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { Duplex } from "node:stream";
import WebSocket from "ws";
import {
  CONTROL_SUBPROTOCOL,
  HANDSHAKE_FIELD,
  KEY_PATH,
  TS2021_PATH,
  frameLength,
  type NoiseTransport,
} from "../../src/protocol/index.ts";
import type { NoiseKeyPair } from "../../src/protocol/noise-crypto.ts";
import { NoiseInitiator } from "./noise-initiator.ts";

const RESPONSE_BYTES = 51;
const FRAME_HEADER = 4;

/** A WebSocket whose bytes are Noise's, as a stream of what is inside. */
class NoiseStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #initiator: NoiseInitiator;
  #noise: NoiseTransport | null = null;
  #early: Buffer = Buffer.alloc(0);
  #reading: Promise<void> = Promise.resolve();

  constructor(socket: WebSocket, initiator: NoiseInitiator) {
    super();
    this.#socket = socket;
    this.#initiator = initiator;
    socket.on("message", (data: Buffer) => {
      this.#reading = this.#reading
        .then(() => this.#take(data))
        .catch((error: unknown) => void this.destroy(error as Error));
    });
    socket.on("close", () => this.destroy());
    socket.on("error", (error) => this.destroy(error));
  }

  async #take(data: Buffer): Promise<void> {
    let rest = data;
    if (this.#noise === null) {
      this.#early = Buffer.concat([this.#early, data]);
      if (this.#early.length < RESPONSE_BYTES) return;
      this.#noise = await this.#initiator.finish(new Uint8Array(this.#early.subarray(0, RESPONSE_BYTES)));
      rest = this.#early.subarray(RESPONSE_BYTES);
      this.emit("open");
    }
    const plaintext = this.#noise.receive(new Uint8Array(rest));
    if (plaintext.length > 0) this.push(Buffer.from(plaintext));
  }

  override _read(): void {
    // What comes is pushed as it comes.
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const send = (): void => {
      if (this.#noise !== null) this.#socket.send(this.#noise.seal(new Uint8Array(chunk)));
      done();
    };
    if (this.#noise === null) this.once("open", send);
    else send();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }
}

/** One connection of a machine's. */
export class NativeConnection {
  readonly session: ClientHttp2Session;
  readonly #stream: NoiseStream;

  private constructor(session: ClientHttp2Session, stream: NoiseStream) {
    this.session = session;
    this.#stream = stream;
  }

  /** Why it broke, or null: a NoiseError where a record did not open. */
  get failure(): Error | null {
    return this.#stream.errored;
  }

  static async open(url: URL, machine: NoiseKeyPair): Promise<NativeConnection> {
    const { publicKey } = (await (await fetch(new URL(KEY_PATH, url))).json()) as { publicKey: string };
    const initiator = await NoiseInitiator.start(publicKey, { machine });
    const target = new URL(TS2021_PATH, url);
    target.protocol = "ws:";
    target.searchParams.set(HANDSHAKE_FIELD, initiator.handshake);
    const stream = new NoiseStream(new WebSocket(target, CONTROL_SUBPROTOCOL), initiator);
    const session = connect("http://control.test", { createConnection: () => stream });
    session.on("error", () => undefined);
    await new Promise((resolve, reject) => {
      session.once("remoteSettings", resolve);
      session.once("close", () => reject(new Error("the connection was closed")));
    });
    return new NativeConnection(session, stream);
  }

  request(path: string, fields: object): ClientHttp2Stream {
    const stream = this.session.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
    stream.on("error", () => undefined);
    stream.end(JSON.stringify(fields));
    return stream;
  }

  /** The whole answer, as text. Rejects where its status is not 200. */
  async ask(path: string, fields: object): Promise<string> {
    const stream = this.request(path, fields);
    const status = new Promise<number>((resolve) =>
      stream.once("response", (head) => resolve(Number(head[":status"]))),
    );
    let text = "";
    for await (const chunk of stream.setEncoding("utf8")) text += String(chunk);
    if ((await status) !== 200) throw new Error(`${path}: ${await status} ${text}`);
    return text;
  }

  close(): void {
    this.session.destroy();
  }
}

/** Resolves once a map stream has brought a frame. */
export async function firstFrame(stream: ClientHttp2Stream): Promise<Buffer> {
  let all = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk: Buffer) => {
      all = Buffer.concat([all, chunk]);
      if (all.length >= FRAME_HEADER && all.length >= FRAME_HEADER + frameLength(all)) resolve(all);
    });
    stream.once("close", () => reject(new Error("the map stream ended")));
  });
}
