/** A stream of map responses, as a node reads it that has no WebSocket. */

import {
  FRAME_HEADER_BYTES,
  frameLength,
  mapResponse,
  parseJson,
  type MapResponse,
} from "../../../src/protocol/index.ts";
import type { Answer } from "./test-node.ts";
import { unpackZstd } from "./unpack-zstd.ts";

export class MapStream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #zstd: boolean;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(body: ReadableStream, zstd = false) {
    this.#reader = (body as ReadableStream<Uint8Array>).getReader();
    this.#zstd = zstd;
  }

  /** That many bytes, or null at the end of the stream. */
  async #take(length: number): Promise<Uint8Array | null> {
    while (this.#rest.length < length) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      const joined = new Uint8Array(this.#rest.length + value.length);
      joined.set(this.#rest);
      joined.set(value, this.#rest.length);
      this.#rest = joined;
    }
    const taken = this.#rest.slice(0, length);
    this.#rest = this.#rest.slice(length);
    return taken;
  }

  /** The JSON of the next frame, or null at the end. */
  async json(): Promise<string | null> {
    const header = await this.#take(FRAME_HEADER_BYTES);
    const payload = header === null ? null : await this.#take(frameLength(header));
    if (payload === null) return null;
    return new TextDecoder().decode(this.#zstd ? unpackZstd(payload) : payload);
  }

  /** The next response, keep-alives included. Fails at the end of the stream. */
  async next(): Promise<MapResponse> {
    const json = await this.json();
    if (json === null) throw new Error("the stream has ended");
    return parseJson(json, mapResponse, "frame");
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}

/** An answer that holds one frame. */
export async function oneFrame({ status, headers, body }: Response): Promise<Answer> {
  if (body === null) throw new Error("no body");
  const stream = new MapStream(body);
  const json = JSON.parse((await stream.json()) ?? "null") as Answer["json"];
  if ((await stream.json()) !== null) throw new Error("more than one frame");
  return { status, json, list: [], headers };
}
