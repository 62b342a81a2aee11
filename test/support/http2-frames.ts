/** A client of HTTP/2 that writes its frames by hand, right and wrong, and reads the server's. */

import { Http2Server, type Http2Event } from "../../src/protocol/index.ts";

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  update: 8,
  continuation: 9,
} as const;

export const END_STREAM = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const ACK = 1;

/** RFC 9113, section 7. */
export const CODE = {
  none: 0,
  protocol: 1,
  flow: 3,
  closed: 5,
  size: 6,
  refused: 7,
  compression: 9,
  calm: 11,
} as const;

/** A frame as it was read, or is to be written. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function u32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array | readonly number[] = [],
): Uint8Array {
  const { length } = payload;
  return concat([length >>> 16, (length >>> 8) & 0xff, length & 0xff, type, flags], u32(stream), payload);
}

/** The frames in bytes of the server's: whole ones only. */
export function readFrames(bytes: Uint8Array): RawFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frames: RawFrame[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at) >>> 8;
    const payload = bytes.subarray(at + 9, at + 9 + length);
    frames.push({ type: view.getUint8(at + 3), flags: view.getUint8(at + 4), stream: view.getUint32(at + 5), payload });
    at += 9 + length;
  }
  return frames;
}

export function setting(id: number, value: number): number[] {
  return [id >>> 8, id & 0xff, ...u32(value)];
}

export const PREFACE = bytesOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const SETTINGS = frame(TYPE.settings, 0, 0);
export const SETTINGS_ACK = frame(TYPE.settings, ACK, 0);

function string(text: string): number[] {
  if (text.length < 127) return [text.length, ...bytesOf(text)];
  const rest = text.length - 127;
  const length = [127];
  let left = rest;
  for (; left >= 128; left >>>= 7) length.push((left & 127) | 128);
  return [...length, left, ...bytesOf(text)];
}

/** A header block of literals that no table takes. */
export function block(...fields: readonly (readonly [string, string])[]): Uint8Array {
  return Uint8Array.from(fields.flatMap(([name, value]) => [0, ...string(name), ...string(value)]));
}

/** The fields of a POST to a path. */
export function post(...more: readonly (readonly [string, string])[]): Uint8Array {
  return block([":method", "POST"], [":scheme", "https"], [":path", "/p"], [":authority", "control"], ...more);
}

/** The HEADERS of a request without a body. */
export function request(stream: number, ...more: readonly (readonly [string, string])[]): Uint8Array {
  return frame(TYPE.headers, END_HEADERS | END_STREAM, stream, post(...more));
}

/** The HEADERS of a request that has a body. */
export function begin(stream: number, ...more: readonly (readonly [string, string])[]): Uint8Array {
  return frame(TYPE.headers, END_HEADERS, stream, post(...more));
}

/** What came of some bytes. */
export interface Came {
  readonly events: readonly Http2Event[];
  readonly frames: readonly RawFrame[];
}

/** 2026, in milliseconds. */
export const NOW = 1_795_000_000_000;

export class RawClient {
  server = new Http2Server();
  now = NOW;

  /** Sends bytes, and takes what comes back. */
  send(...parts: readonly Uint8Array[]): Came {
    const events = this.server.receive(concat(...parts), this.now);
    return { events, frames: readFrames(this.server.take()) };
  }

  /** The frames that the server has to send. */
  take(): readonly RawFrame[] {
    return readFrames(this.server.take());
  }
}

/** A client whose preface and SETTINGS, acknowledged both ways, are behind it. */
export function opened(): RawClient {
  const client = new RawClient();
  client.send(PREFACE, SETTINGS, SETTINGS_ACK);
  return client;
}

/** The code of the GOAWAY among frames, or null. */
export function goneWith(frames: readonly RawFrame[]): number | null {
  const away = frames.find(({ type }) => type === TYPE.goAway);
  return away === undefined ? null : code(away.payload, 4);
}

/** The codes of the RST_STREAMs among frames, by their streams. */
export function resets(frames: readonly RawFrame[]): [stream: number, code: number][] {
  return frames.filter(({ type }) => type === TYPE.reset).map(({ stream, payload }) => [stream, code(payload, 0)]);
}

function code(payload: Uint8Array, at: number): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint32(at);
}
