/**
 * The map as one streamed answer, for nodes to which no WebSocket gets through. What comes is attacker-controlled: each frame is bounded before it is
 * read, and again as it is unpacked.
 */

import { zstdDecompressSync } from "node:zlib";
import { FRAME_HEADER_BYTES, frameLength, type MapResponse } from "../protocol/index.ts";
import { AgentError, ControlUnreachable } from "./errors.ts";
import type { RequestBody } from "./https-client.ts";
import { MAX_MAP_BYTES, Pieces, parseMapResponse, type MapChannel } from "./map-channel.ts";
import { isKeepAlive } from "./netmap.ts";

/** Milliseconds without a byte after which a stream is given up: keep-alives come well before. */
const SILENCE_MS = 120_000;

/** What a stream is made of: the answer to a map request, and the way to send another one. */
export interface StreamPorts {
  /** Asks for the stream. */
  readonly open: (request: RequestBody, signal: AbortSignal) => Promise<Response>;
  /** Says what is new of the node. */
  readonly update: (request: RequestBody) => Promise<unknown>;
}

/** Bytes of a body in the portions that are asked for. */
class Bytes {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #silenceMs: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(body: ReadableStream<Uint8Array>, silenceMs: number) {
    this.#reader = body.getReader();
    this.#silenceMs = silenceMs;
  }

  async #read(): Promise<Uint8Array | null> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new ControlUnreachable("the control plane has been silent for too long"));
    }, this.#silenceMs);
    try {
      const { done, value } = await Promise.race([this.#reader.read(), promise]);
      return done ? null : value;
    } finally {
      clearTimeout(timer);
    }
  }

  /** That many bytes, or null where the body ends before the first of them. */
  async take(length: number): Promise<Buffer | null> {
    const parts: Uint8Array[] = [this.#rest];
    let have = this.#rest.length;
    while (have < length) {
      const chunk = await this.#read();
      if (chunk === null) {
        if (have === 0) return null;
        throw new ControlUnreachable("the connection to the control plane broke off in the middle of a frame");
      }
      parts.push(chunk);
      have += chunk.length;
    }
    const all = Buffer.concat(parts);
    this.#rest = all.subarray(length);
    return all.subarray(0, length);
  }

  cancel(): void {
    this.#reader.cancel().catch(() => undefined);
  }
}

/** One zstd frame after the other, as long as there are any: Node's own call stops after the first. */
function unpack(payload: Buffer): string {
  try {
    const texts: Buffer[] = [];
    let [at, room] = [0, MAX_MAP_BYTES];
    while (at < payload.length) {
      const unpacked = zstdDecompressSync(payload.subarray(at), { maxOutputLength: room, info: true }) as unknown as {
        readonly buffer: Buffer;
        readonly engine: { readonly bytesWritten: number };
      };
      if (unpacked.engine.bytesWritten === 0) throw new Error("nothing was taken");
      texts.push(unpacked.buffer);
      at += unpacked.engine.bytesWritten;
      room -= unpacked.buffer.length;
    }
    return Buffer.concat(texts).toString("utf8");
  } catch {
    throw new AgentError("bad_answer", "the control plane's map cannot be unpacked");
  }
}

export class MapStreamChannel implements MapChannel {
  readonly #ports: StreamPorts;
  readonly #bytes: Bytes;
  readonly #pieces = new Pieces();
  readonly #stopping: AbortController;
  #told: RequestBody;

  private constructor(
    ports: StreamPorts,
    body: ReadableStream<Uint8Array>,
    hello: RequestBody,
    stopping: AbortController,
    silenceMs: number,
  ) {
    this.#ports = ports;
    this.#bytes = new Bytes(body, silenceMs);
    this.#stopping = stopping;
    this.#told = hello;
  }

  /** Opens the stream by `hello`, a map request. Throws what asking throws. */
  static async open(
    ports: StreamPorts,
    hello: RequestBody,
    signal: AbortSignal,
    silenceMs = SILENCE_MS,
  ): Promise<MapStreamChannel> {
    const stopping = new AbortController();
    const request = { ...hello, Stream: true, KeepAlive: true, Compress: "zstd" };
    const { body } = await ports.open(request, AbortSignal.any([signal, stopping.signal]));
    if (body === null) throw new ControlUnreachable("the control plane's answer is empty");
    return new MapStreamChannel(ports, body, hello, stopping, silenceMs);
  }

  tell(request: RequestBody): void {
    if (request["TKAHead"] === this.#told["TKAHead"]) return;
    this.#told = request;
    const { NodeKey, Version, TKAHead } = request;
    // What is lost here is said again by the next stream.
    this.#ports.update({ NodeKey, Version, TKAHead, OmitPeers: true }).catch(() => undefined);
  }

  async next(): Promise<MapResponse | null> {
    for (;;) {
      const text = await this.#frame();
      if (text === null) return null;
      const parsed = parseMapResponse(text);
      const response = isKeepAlive(parsed) ? null : this.#pieces.take(parsed, text.length);
      if (response !== null) return response;
    }
  }

  async #frame(): Promise<string | null> {
    try {
      const header = await this.#bytes.take(FRAME_HEADER_BYTES);
      if (header === null) return null;
      const length = frameLength(header);
      if (length === 0 || length > MAX_MAP_BYTES) throw new AgentError("bad_answer", `a frame of ${length} bytes`);
      const payload = await this.#bytes.take(length);
      if (payload === null) throw new ControlUnreachable("the connection broke off in the middle of a frame");
      return unpack(payload);
    } catch (error) {
      if (error instanceof AgentError) throw error;
      throw new ControlUnreachable("the connection to the control plane broke off");
    }
  }

  close(): void {
    this.#bytes.cancel();
    this.#stopping.abort();
  }
}
