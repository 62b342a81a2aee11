/**
 * A client's bytes as frames: the preface, then header and payload, in whatever pieces they come (RFC 9113, sections 3.4 and 4.1).
 *
 * Rule [H56]: a frame's length is judged by its header alone, before its payload is kept. What is kept is less than one frame.
 */

import { FRAME_HEADER, FRAME_PAYLOAD, HTTP2_CODE, PREFACE } from "./http2-codes.ts";
import { ConnectionError } from "./http2-error.ts";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  /** Valid until the next frame is asked for: whoever keeps it copies it. */
  readonly payload: Uint8Array;
}

const NOTHING = new Uint8Array(0);

export class FrameReader {
  /** Octets of the preface still to come. */
  #preface: number;
  /** What was given and not yet read. */
  #input: Uint8Array = NOTHING;
  #at = 0;
  /** The beginning of a frame whose end is not here, and its filled octets. */
  #partial = NOTHING;
  #filled = 0;

  constructor(afterPreface: boolean) {
    this.#preface = afterPreface ? 0 : PREFACE.length;
  }

  get prefaceSeen(): boolean {
    return this.#preface === 0;
  }

  /** True between two frames, and before the first octet. */
  get between(): boolean {
    return (
      this.#filled === 0 && this.#at === this.#input.length && (this.prefaceSeen || this.#preface === PREFACE.length)
    );
  }

  /** Gives bytes, once `next` has said null for the ones before. */
  push(bytes: Uint8Array): void {
    this.#input = bytes;
    this.#at = 0;
  }

  /** The next whole frame, or null. Throws ConnectionError for a wrong preface and for a frame that is too long. */
  next(): Frame | null {
    if (!this.#readPreface()) return null;
    if (this.#filled > 0) return this.#nextOfPartial();
    const rest = this.#input.length - this.#at;
    if (rest >= FRAME_HEADER) {
      const total = FRAME_HEADER + lengthOf(this.#input, this.#at);
      if (rest >= total) {
        const from = this.#at;
        this.#at += total;
        return frameAt(this.#input, from, total);
      }
    }
    if (rest > 0) this.#begin(rest);
    return null;
  }

  #readPreface(): boolean {
    while (this.#preface > 0) {
      if (this.#at === this.#input.length) return false;
      if (this.#input[this.#at++] !== PREFACE[PREFACE.length - this.#preface])
        throw new ConnectionError(HTTP2_CODE.protocolError, "not the preface of HTTP/2");
      this.#preface--;
    }
    return true;
  }

  #begin(rest: number): void {
    const whole = rest >= FRAME_HEADER ? FRAME_HEADER + lengthOf(this.#input, this.#at) : FRAME_HEADER;
    this.#partial = new Uint8Array(whole);
    this.#fill();
  }

  #nextOfPartial(): Frame | null {
    this.#fill();
    if (this.#filled === FRAME_HEADER && this.#partial.length === FRAME_HEADER) {
      const grown = new Uint8Array(FRAME_HEADER + lengthOf(this.#partial, 0));
      grown.set(this.#partial);
      this.#partial = grown;
      this.#fill();
    }
    if (this.#filled < this.#partial.length) return null;
    const frame = frameAt(this.#partial, 0, this.#filled);
    this.#partial = NOTHING;
    this.#filled = 0;
    return frame;
  }

  #fill(): void {
    const take = Math.min(this.#partial.length - this.#filled, this.#input.length - this.#at);
    this.#partial.set(this.#input.subarray(this.#at, this.#at + take), this.#filled);
    this.#filled += take;
    this.#at += take;
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}

/** The length in a frame's header, attacker-controlled. Throws ConnectionError above what we allow. */
function lengthOf(bytes: Uint8Array, at: number): number {
  const length = uint32(bytes, at) >>> 8;
  if (length > FRAME_PAYLOAD) throw new ConnectionError(HTTP2_CODE.frameSizeError, "a frame is too long");
  return length;
}

function frameAt(bytes: Uint8Array, from: number, total: number): Frame {
  return {
    type: bytes[from + 3] ?? 0,
    flags: bytes[from + 4] ?? 0,
    stream: uint32(bytes, from + 5) & 0x7fff_ffff,
    payload: bytes.subarray(from + FRAME_HEADER, from + total),
  };
}
