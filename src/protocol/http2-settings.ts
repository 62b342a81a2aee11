/** A client's SETTINGS: RFC 9113, section 6.5. What concerns a server that has no dynamic table and sends short frames is one window. */

import { HTTP2_CODE, MAX_WINDOW, SETTING } from "./http2-codes.ts";
import { ConnectionError } from "./http2-error.ts";

const PAIR = 6;
const MIN_FRAME_SIZE = 16_384;
const MAX_FRAME_SIZE = 16_777_215;

/**
 * The initial window that an attacker-controlled payload sets, or null: the last where it sets several, so that one frame changes the windows
 * once. Throws ConnectionError where a setting has a value that it may not have.
 */
export function initialWindow(payload: Uint8Array): number | null {
  if (payload.length % PAIR !== 0) throw new ConnectionError(HTTP2_CODE.frameSizeError, "SETTINGS cut short");
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  let window: number | null = null;
  for (let at = 0; at < payload.length; at += PAIR) {
    const id = view.getUint16(at);
    const value = view.getUint32(at + 2);
    if (id === SETTING.enablePush && value > 1) throw bad(HTTP2_CODE.protocolError);
    if (id === SETTING.maxFrameSize && (value < MIN_FRAME_SIZE || value > MAX_FRAME_SIZE))
      throw bad(HTTP2_CODE.protocolError);
    if (id === SETTING.initialWindowSize) {
      if (value > MAX_WINDOW) throw bad(HTTP2_CODE.flowControlError);
      window = value;
    }
  }
  return window;
}

function bad(code: number): ConnectionError {
  return new ConnectionError(code, "a setting out of its range");
}
