/** One map response on its way to those who are told it: its text, and the frames of it that streams take. What many are told is made once. */

import { frame } from "../protocol/index.ts";
import { zstdFrames } from "./zstd-frames.ts";

export class MapText {
  readonly text: string;
  #plain: Uint8Array | null = null;
  #zstd: Uint8Array | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** The frame of a stream: JSON, or zstd of it. */
  frame(zstd: boolean): Uint8Array {
    const json = (): Uint8Array => new TextEncoder().encode(this.text);
    if (zstd) return (this.#zstd ??= frame(zstdFrames(json())));
    return (this.#plain ??= frame(json()));
  }
}
