/**
 * The early payload: JSON that the server may send over Noise before HTTP/2 begins. Optional; clients read its challenge, and do without.
 * Source: Go's control/ts2021/conn.go.
 *
 * Rule [T6]: five bytes that no HTTP/2 frame begins with (`ff ff ff` and "TS"), the length of the JSON (4, big endian), the JSON.
 */

import { concatBytes, encodeUtf8 } from "../tka/index.ts";

const MAGIC = Uint8Array.of(0xff, 0xff, 0xff, 0x54, 0x53);

/** What the first bytes in a connection are, where there is something to say. */
export function earlyPayload(value: object): Uint8Array {
  const json = encodeUtf8(JSON.stringify(value));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length);
  return concatBytes(MAGIC, length, json);
}
