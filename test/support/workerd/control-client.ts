/**
 * A Tailscale client's connection as the tests play it: a WebSocket of the Worker's, Noise in it, HTTP/2 in that. It acknowledges what it is sent as an honest
 * client does, unless told to be deaf.
 */

import { env, exports } from "cloudflare:workers";
import { noiseCrypto } from "../../../src/durable/index.ts";
import {
  CAPABILITY_VERSION,
  CONTROL_SUBPROTOCOL,
  controlPublicKey,
  jsonReplacer,
  mapResponse,
  parseControlKey,
  parseJson,
  type MapResponse,
} from "../../../src/protocol/index.ts";
import { HpackDecoder } from "../../../src/protocol/hpack-decoder.ts";
import type { NoiseKeyPair } from "../../../src/protocol/noise-crypto.ts";
import type { NoiseTransport } from "../../../src/protocol/noise-transport.ts";
import { unpackZstd } from "./unpack-zstd.ts";
import { concatBytes, decodeUtf8, encodeUtf8, nodeKeyFromRaw, type NodeKey } from "../../../src/tka/index.ts";
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  PREFACE,
  SETTINGS_ACK,
  TYPE,
  block,
  frame,
  readFrames,
  setting,
  u32,
  type RawFrame,
} from "../http2-frames.ts";
import { NoiseInitiator } from "../noise-initiator.ts";
import { ORIGIN, randomBytes } from "./signed-request.ts";

const FRAME_HEADER = 9;
const RESPONSE_BYTES = 51;
const MAX_DATA = 16_384;
const FRAMES_A_MESSAGE = 16;

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** What has come on one HTTP/2 stream. */
export class ClientStream {
  status = 0;
  headers: ReadonlyMap<string, string> = new Map();
  body: Uint8Array = new Uint8Array(0);
  isEnded = false;
  /** The code of its reset, or null. */
  reset: number | null = null;
  #read = 0;
  readonly #client: ControlClient;
  readonly id: number;

  constructor(client: ControlClient, id: number) {
    this.#client = client;
    this.id = id;
  }

  get json(): Record<string, unknown> {
    return JSON.parse(this.text) as Record<string, unknown>;
  }

  get text(): string {
    return decodeUtf8(this.body) ?? "";
  }

  /** Once the answer is whole. */
  async whole(): Promise<this> {
    await this.#client.until(() => this.isEnded || this.reset !== null);
    return this;
  }

  /** The JSON of the next frame of a map stream. */
  async frame(): Promise<string> {
    const end = (): number => {
      const rest = this.body.subarray(this.#read);
      if (rest.length < 4) return Infinity;
      return this.#read + 4 + new DataView(rest.buffer, rest.byteOffset).getUint32(0, true);
    };
    await this.#client.until(() => this.body.length >= end() || this.isEnded || this.reset !== null);
    if (this.body.length < end()) throw new Error(`the stream is over: reset ${this.reset}`);
    const payload = this.body.subarray(this.#read + 4, end());
    this.#read = end();
    const isZstd = payload[0] === 0x28 && payload[1] === 0xb5;
    return decodeUtf8(isZstd ? unpackZstd(payload) : payload) ?? "";
  }

  async next(): Promise<MapResponse> {
    return parseJson(await this.frame(), mapResponse, "map");
  }

  /** Bytes that have come and were not read. */
  get unread(): number {
    return this.body.length - this.#read;
  }
}

export class ControlClient {
  readonly hostname: string;
  readonly initiator: NoiseInitiator;
  readonly streams = new Map<number, ClientStream>();
  readonly closed: Promise<Closed>;
  nodeKey: NodeKey;
  isClosed = false;
  /** True once the server has told it to come back. */
  isSentAway = false;
  /** True where it acknowledges nothing: neither PINGs nor what it has read. */
  isDeaf = false;
  /** PINGs that it has not answered. */
  readonly unanswered: Uint8Array[] = [];
  /** Types of all frames that came. */
  readonly frameTypes: number[] = [];
  /** Bytes of the largest message that came. */
  largest = 0;
  /** Records that were read. */
  records = 0;
  readonly #socket: WebSocket;
  readonly #decoder = new HpackDecoder();
  #noise: NoiseTransport | null = null;
  #raw: Uint8Array = new Uint8Array(0);
  #plain: Uint8Array = new Uint8Array(0);
  #next = 1;
  #wakers: (() => void)[] = [];
  /** What comes is read in order. */
  #reading: Promise<void> = Promise.resolve();
  error: unknown = null;

  private constructor(hostname: string, socket: WebSocket, initiator: NoiseInitiator, nodeKey: NodeKey) {
    this.hostname = hostname;
    this.initiator = initiator;
    this.nodeKey = nodeKey;
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      const bytes = new Uint8Array(data as ArrayBuffer);
      this.largest = Math.max(this.largest, bytes.length);
      this.#reading = this.#reading
        .then(() => this.#read(bytes))
        .catch((error: unknown) => {
          this.error = error;
          this.#wake();
        });
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        void this.#reading.then(() => {
          this.isClosed = true;
          this.#wake();
          resolve({ code, reason });
        });
      });
    });
    socket.accept();
  }

  /** The handshake of a machine. */
  static async handshake(machine: NoiseKeyPair): Promise<NoiseInitiator> {
    const control = controlPublicKey(parseControlKey(env.CONTROL_NOISE_KEY), noiseCrypto);
    return NoiseInitiator.start(control, { machine });
  }

  static async open(initiator: NoiseInitiator): Promise<WebSocket> {
    const query = `X-Tailscale-Handshake=${encodeURIComponent(initiator.handshake)}`;
    const headers = { upgrade: "websocket", "sec-websocket-protocol": CONTROL_SUBPROTOCOL };
    const response = await exports.default.fetch(new Request(`${ORIGIN}/ts2021?${query}`, { headers }));
    if (response.webSocket === null) throw new Error(`refused: ${response.status} ${await response.text()}`);
    return response.webSocket;
  }

  /** Connects a machine, with windows as large as Go's client has. */
  static async connect(
    hostname: string,
    machine = noiseCrypto.newKeyPair(),
    nodeKey?: NodeKey,
  ): Promise<ControlClient> {
    const initiator = await ControlClient.handshake(machine);
    const socket = await ControlClient.open(initiator);
    const client = new ControlClient(hostname, socket, initiator, nodeKey ?? nodeKeyFromRaw(randomBytes(32)));
    await client.until(() => client.#noise !== null);
    client.send(
      PREFACE,
      frame(TYPE.settings, 0, 0, setting(4, 4 << 20)),
      frame(TYPE.update, 0, 0, u32(1 << 30)),
      SETTINGS_ACK,
    );
    return client;
  }

  /** Sends frames, as one message. */
  send(...parts: readonly Uint8Array[]): void {
    this.sendRaw(this.seal(...parts));
  }

  seal(...parts: readonly Uint8Array[]): Uint8Array {
    if (this.#noise === null) throw new Error("no connection yet");
    return this.#noise.seal(concatBytes(...parts));
  }

  sendRaw(bytes: Uint8Array | string): void {
    this.#socket.send(bytes);
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** Begins a request; its fields as they are given. */
  request(
    method: string,
    path: string,
    body: Uint8Array | null,
    ...more: readonly (readonly [string, string])[]
  ): ClientStream {
    const { stream, frames } = this.frames(method, path, body, ...more);
    // As bridges do: no message is large.
    for (let at = 0; at < frames.length; at += FRAMES_A_MESSAGE) this.send(...frames.slice(at, at + FRAMES_A_MESSAGE));
    return stream;
  }

  /** The frames of a request, unsent. */
  frames(
    method: string,
    path: string,
    body: Uint8Array | null,
    ...more: readonly (readonly [string, string])[]
  ): { stream: ClientStream; frames: Uint8Array[] } {
    const id = this.#next;
    this.#next += 2;
    const stream = new ClientStream(this, id);
    this.streams.set(id, stream);
    const fields = block(
      [":method", method],
      [":scheme", "https"],
      [":path", path],
      [":authority", "some.where"],
      ...more,
    );
    if (body === null) return { stream, frames: [frame(TYPE.headers, END_HEADERS | END_STREAM, id, fields)] };
    const frames = [frame(TYPE.headers, END_HEADERS, id, fields)];
    for (let at = 0; at === 0 || at < body.length; at += MAX_DATA) {
      const isLast = at + MAX_DATA >= body.length;
      frames.push(frame(TYPE.data, isLast ? END_STREAM : 0, id, body.subarray(at, at + MAX_DATA)));
    }
    return { stream, frames };
  }

  post(path: string, fields: Readonly<Record<string, unknown>> = {}, method = "POST"): ClientStream {
    const body = JSON.stringify({ Version: CAPABILITY_VERSION, NodeKey: this.nodeKey, ...fields }, jsonReplacer);
    return this.request(method, path, encodeUtf8(body), ["content-type", "application/json"]);
  }

  register(authKey: string, fields: Readonly<Record<string, unknown>> = {}): Promise<ClientStream> {
    const Hostinfo = { Hostname: this.hostname, OS: "linux", IPNVersion: "1.102.5" };
    return this.post("/machine/register", { Auth: { AuthKey: authKey }, Hostinfo, ...fields }).whole();
  }

  map(fields: Readonly<Record<string, unknown>> = {}): ClientStream {
    return this.post("/machine/map", { Stream: true, KeepAlive: true, Compress: "zstd", ...fields });
  }

  /** Waits until something is so; fails where the connection ends before that, or is broken. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.error !== null) throw new Error("the connection is broken", { cause: this.error });
      if (this.isClosed) throw new Error(`closed: ${JSON.stringify(await this.closed)}`);
      await new Promise<void>((resolve) => void this.#wakers.push(resolve));
    }
  }

  /** Answers the PINGs that were not answered. */
  acknowledge(): void {
    this.send(...this.unanswered.splice(0).map((payload) => frame(TYPE.ping, ACK, 0, payload)));
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }

  async #read(bytes: Uint8Array): Promise<void> {
    this.#raw = concatBytes(this.#raw, bytes);
    if (this.#noise === null) {
      if (this.#raw.length < RESPONSE_BYTES) return;
      this.#noise = await this.initiator.finish(this.#raw.subarray(0, RESPONSE_BYTES));
      this.#raw = this.#raw.slice(RESPONSE_BYTES);
    }
    this.#plain = concatBytes(this.#plain, this.#noise.receive(this.#raw));
    this.records++;
    this.#raw = new Uint8Array(0);
    const answers: Uint8Array[] = [];
    for (let length = this.#frameLength(); length <= this.#plain.length; length = this.#frameLength()) {
      const [one] = readFrames(this.#plain.subarray(0, length));
      this.#plain = this.#plain.slice(length);
      if (one !== undefined) answers.push(...this.#frame(one));
    }
    if (answers.length > 0 && !this.isClosed && this.#socket.readyState === WebSocket.OPEN) this.send(...answers);
    this.#wake();
  }

  #frameLength(): number {
    if (this.#plain.length < FRAME_HEADER) return Infinity;
    const view = new DataView(this.#plain.buffer, this.#plain.byteOffset);
    return FRAME_HEADER + (view.getUint32(0) >>> 8);
  }

  /** Takes a frame, and gives those that acknowledge it. */
  #frame({ type, flags, stream: id, payload }: RawFrame): Uint8Array[] {
    const stream = this.streams.get(id);
    this.frameTypes.push(type);
    if (type === TYPE.goAway) this.isSentAway = true;
    if (type === TYPE.ping && (flags & ACK) === 0) {
      if (!this.isDeaf) return [frame(TYPE.ping, ACK, 0, payload)];
      this.unanswered.push(payload.slice());
    }
    if (stream === undefined) return [];
    if ((flags & END_STREAM) !== 0 && (type === TYPE.data || type === TYPE.headers)) stream.isEnded = true;
    if (type === TYPE.reset) stream.reset = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
    if (type === TYPE.headers) this.#headers(stream, payload);
    if (type !== TYPE.data) return [];
    stream.body = concatBytes(stream.body, payload);
    if (this.isDeaf || payload.length === 0) return [];
    const update = u32(payload.length);
    return [frame(TYPE.update, 0, 0, update), ...(stream.isEnded ? [] : [frame(TYPE.update, 0, id, update)])];
  }

  #headers(stream: ClientStream, payload: Uint8Array): void {
    const headers = new Map(this.#decoder.decode(payload, { size: 16_384, count: 100 }));
    stream.headers = headers;
    stream.status = Number(headers.get(":status"));
  }
}
