/** zstd frames, one after the other, as one run of bytes: workerd's own call stops after the first. */

import { zstdDecompressSync } from "node:zlib";
import { concatBytes } from "../../../src/tka/index.ts";

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;

/** Where frames may begin: compressed data may hold the same four bytes by chance. */
function starts(payload: Uint8Array): number[] {
  return [...payload.keys()].filter((at) => MAGIC.every((byte, i) => payload[at + i] === byte));
}

function unpacked(frame: Uint8Array): Uint8Array | null {
  try {
    return new Uint8Array(zstdDecompressSync(frame));
  } catch {
    return null;
  }
}

export function unpackZstd(payload: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const to of [...starts(payload).slice(1), payload.length]) {
    const part = unpacked(payload.subarray(from, to));
    if (part === null) continue;
    parts.push(part);
    from = to;
  }
  if (from !== payload.length) throw new Error("no whole zstd frames");
  return concatBytes(...parts);
}
