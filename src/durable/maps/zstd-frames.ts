/**
 * zstd for maps, around an error of workerd (its issue 6769, on Cloudflare too): `zstdCompressSync` throws "Unexpected end of file" for valid input whose
 * frame is larger than some 40 KB. So a large map goes out as several zstd frames, one after the other: decoders take these for one text, as the format
 * says (RFC 8878, section 3), and Tailscale's clients do.
 */

import { zstdCompressSync } from "node:zlib";
import { concatBytes } from "../../tka/index.ts";

/** Bytes of input in one frame: the JSON of a map becomes a quarter of it. */
const PIECE_BYTES = 96 * 1024;
/** Bytes of input whose frame is small enough whatever they are. */
const SAFE_BYTES = 32 * 1024;

function addFrames(frames: Uint8Array[], bytes: Uint8Array): void {
  try {
    frames.push(zstdCompressSync(bytes));
  } catch (error) {
    if (bytes.length <= SAFE_BYTES) throw error;
    const half = bytes.length >> 1;
    addFrames(frames, bytes.subarray(0, half));
    addFrames(frames, bytes.subarray(half));
  }
}

/** The bytes as one zstd frame or several. */
export function zstdFrames(bytes: Uint8Array): Uint8Array {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += PIECE_BYTES)
    addFrames(frames, bytes.subarray(at, at + PIECE_BYTES));
  return frames.length === 1 && frames[0] !== undefined ? frames[0] : concatBytes(...frames);
}
