/** Frames on their way out: one buffer, made to measure where a single frame is written, as in a broadcast. */

import { FRAME, FRAME_HEADER, FRAME_PAYLOAD } from "./http2-codes.ts";

const NOTHING = new Uint8Array(0);

export class FrameWriter {
  #buffer = NOTHING;
  #length = 0;

  get empty(): boolean {
    return this.#length === 0;
  }

  /** All that was written since the last call. It is the caller's. */
  take(): Uint8Array {
    const taken = this.#length === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#length);
    this.#buffer = NOTHING;
    this.#length = 0;
    return taken;
  }

  /** Makes room at once for octets of DATA that are about to be written, in frames of the usual size. */
  expect(octets: number): void {
    const length = this.#length;
    this.#reserve(length + octets + FRAME_HEADER * (2 + Math.floor(octets / FRAME_PAYLOAD)));
    this.#length = length;
  }

  /** A frame with the octets of `payload` from `from` to `to`. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array, from = 0, to = payload.length): void {
    const at = this.#header(type, flags, stream, to - from);
    this.#buffer.set(from === 0 && to === payload.length ? payload : payload.subarray(from, to), at);
  }

  /** A frame whose payload is numbers of 32 bits. */
  numbers(type: number, flags: number, stream: number, ...numbers: number[]): void {
    let at = this.#header(type, flags, stream, 4 * numbers.length);
    for (const number of numbers) at = this.#put32(at, number);
  }

  /** GOAWAY: the last stream that is served, a code, and words in ASCII for whoever reads the client's log. */
  goAway(last: number, code: number, words: string): void {
    let at = this.#put32(this.#header(FRAME.goAway, 0, 0, 8 + words.length), last);
    at = this.#put32(at, code);
    for (let from = 0; from < words.length; from++) this.#buffer[at + from] = words.charCodeAt(from);
  }

  settings(...pairs: (readonly [id: number, value: number])[]): void {
    let at = this.#header(FRAME.settings, 0, 0, 6 * pairs.length);
    for (const [id, value] of pairs) {
      this.#buffer[at] = id >>> 8;
      this.#buffer[at + 1] = id;
      at = this.#put32(at + 2, value);
    }
  }

  /** Writes a header, makes room for the payload, and says where it begins. */
  #header(type: number, flags: number, stream: number, length: number): number {
    const at = this.#length;
    this.#reserve(at + FRAME_HEADER + length);
    this.#buffer[at] = length >>> 16;
    this.#buffer[at + 1] = length >>> 8;
    this.#buffer[at + 2] = length;
    this.#buffer[at + 3] = type;
    this.#buffer[at + 4] = flags;
    this.#put32(at + 5, stream);
    return at + FRAME_HEADER;
  }

  #reserve(length: number): void {
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(this.#length === 0 ? length : Math.max(length, 2 * this.#buffer.length));
      if (this.#length > 0) grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#length = length;
  }

  #put32(at: number, value: number): number {
    this.#buffer[at] = value >>> 24;
    this.#buffer[at + 1] = value >>> 16;
    this.#buffer[at + 2] = value >>> 8;
    this.#buffer[at + 3] = value;
    return at + 4;
  }
}
