/** The text of zstd frames, one after the other, as Go's decoder reads them: Node's own call stops after the first. */

import { zstdDecompressSync } from "node:zlib";

/** What Node gives with `info`, which its types leave out. */
interface Unpacked {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

export function zstdText(frames: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at < frames.length;) {
    const { buffer, engine } = zstdDecompressSync(frames.subarray(at), { info: true }) as unknown as Unpacked;
    parts.push(buffer);
    at += engine.bytesWritten;
  }
  return Buffer.concat(parts).toString();
}
