/**
 * Frames of a streamed map: four bytes of length, little-endian, then that many bytes: JSON, or one zstd frame of it,
 * or several one after the other. Source: Go's `sendMapRequest`.
 */

/** Bytes of a frame before its payload. */
export const FRAME_HEADER_BYTES = 4;

/** A payload as a frame. It must not be empty: clients take a length of zero for an error. */
export function frame(payload: Uint8Array): Uint8Array {
  const framed = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  new DataView(framed.buffer).setUint32(0, payload.length, true);
  framed.set(payload, FRAME_HEADER_BYTES);
  return framed;
}

/** The length that a frame's attacker-controlled header says, in bytes. */
export function frameLength(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset, FRAME_HEADER_BYTES).getUint32(0, true);
}
