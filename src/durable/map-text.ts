/** One map response on its way to those who are told it: its text, and the frames of it that streams take. What many are told is made once. */

import { zstdCompressSync } from "node:zlib";
import { frame } from "../protocol/index.ts";

export class MapText {
  readonly text: string;
  #plain: Uint8Array | null = null;
  #zstd: Uint8Array | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** The frame of a stream: JSON, or one zstd frame of it. */
  frame(zstd: boolean): Uint8Array {
    const json = (): Uint8Array => new TextEncoder().encode(this.text);
    if (zstd) return (this.#zstd ??= frame(zstdCompressSync(json())));
    return (this.#plain ??= frame(json()));
  }
}
