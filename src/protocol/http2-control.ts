/**
 * A client's control frames, read: where each may stand, how long it is, and the one number that matters of it (RFC 9113, sections 6.3 to 6.9).
 * Everything here is attacker-controlled, and what breaks a rule is a ConnectionError.
 */

import { FLAG, FRAME, HTTP2_CODE, MAX_WINDOW, SETTING } from "./http2-codes.ts";
import { ConnectionError } from "./http2-error.ts";
import type { Frame } from "./http2-frame-reader.ts";

const RESET_OCTETS = 4;
const SETTING_OCTETS = 6;
const PING_OCTETS = 8;
const GO_AWAY_OCTETS = 8;
const UPDATE_OCTETS = 4;
const MIN_FRAME_SIZE = 16_384;
const MAX_FRAME_SIZE = 16_777_215;
const HIGH = 2 ** 32;

/** Throws where a frame stands on a stream and may not, or the other way round, or has a length that it may not have. Other kinds pass. */
export function checkControl({ type, flags, stream, payload: { length } }: Frame): void {
  switch (type) {
    case FRAME.priority:
      return check(stream !== 0, true);
    case FRAME.resetStream:
      return check(stream !== 0, length === RESET_OCTETS);
    case FRAME.settings:
      return check(stream === 0, (flags & FLAG.ack) === 0 ? length % SETTING_OCTETS === 0 : length === 0);
    case FRAME.ping:
      return check(stream === 0, length === PING_OCTETS);
    case FRAME.goAway:
      return check(stream === 0, length >= GO_AWAY_OCTETS);
    case FRAME.windowUpdate:
      return check(true, length === UPDATE_OCTETS);
    case FRAME.pushPromise:
      throw new ConnectionError(HTTP2_CODE.protocolError, "a client pushes nothing");
    default:
      return;
  }
}

/**
 * The initial window that SETTINGS set, or null: the last where they set several, so that one frame changes the windows once. Throws where a
 * setting has a value that it may not have. What else they say is no concern of a server that has no table and sends short frames.
 */
export function initialWindow(payload: Uint8Array): number | null {
  const view = viewOf(payload);
  let window: number | null = null;
  for (let at = 0; at < payload.length; at += SETTING_OCTETS) {
    const id = view.getUint16(at);
    const value = view.getUint32(at + 2);
    if (id === SETTING.enablePush && value > 1) throw outOfRange(HTTP2_CODE.protocolError);
    if (id === SETTING.maxFrameSize && (value < MIN_FRAME_SIZE || value > MAX_FRAME_SIZE))
      throw outOfRange(HTTP2_CODE.protocolError);
    if (id === SETTING.initialWindowSize) {
      if (value > MAX_WINDOW) throw outOfRange(HTTP2_CODE.flowControlError);
      window = value;
    }
  }
  return window;
}

/** Octets by which WINDOW_UPDATE widens a window; 0 is an error of the stream's or the connection's. */
export function widening(payload: Uint8Array): number {
  return viewOf(payload).getUint32(0) & MAX_WINDOW;
}

/** The number in a PING, as `pingNumbers` writes it; null where it is none of ours. */
export function pingNumber(payload: Uint8Array): number | null {
  const view = viewOf(payload);
  const number = view.getUint32(0) * HIGH + view.getUint32(4);
  return Number.isSafeInteger(number) ? number : null;
}

/** A safe integer as the two halves of a PING. */
export function pingNumbers(number: number): readonly [high: number, low: number] {
  return [Math.floor(number / HIGH), number % HIGH];
}

function viewOf(payload: Uint8Array): DataView {
  return new DataView(payload.buffer, payload.byteOffset, payload.length);
}

function check(inPlace: boolean, rightLength: boolean): void {
  if (!inPlace) throw new ConnectionError(HTTP2_CODE.protocolError, "a frame where it may not stand");
  if (!rightLength) throw new ConnectionError(HTTP2_CODE.frameSizeError, "a frame of a wrong length");
}

function outOfRange(code: number): ConnectionError {
  return new ConnectionError(code, "a setting out of its range");
}
