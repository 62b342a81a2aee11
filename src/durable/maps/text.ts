/**
 * One map response on its way to those who are told it: its text, and the frames of it that streams take. What many are told is made once; so are the
 * parts that are the same in many responses.
 */

import { frame } from "../../protocol/index.ts";
import { concatBytes } from "../../tka/index.ts";
import { zstdFrames } from "./zstd-frames.ts";

const utf8 = new TextEncoder();

/** A part of many responses: compressed once for all of them. */
export class SharedText {
  readonly text: string;
  #zstd: Uint8Array | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** As zstd frames of its own, which may stand among others. */
  get zstd(): Uint8Array {
    return (this.#zstd ??= zstdFrames(utf8.encode(this.text)));
  }
}

type Part = string | SharedText;

/** The parts, with strings that follow one another put together. */
function merged(parts: readonly Part[]): readonly Part[] {
  const all: Part[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (typeof part === "string" && typeof last === "string") all[all.length - 1] = last + part;
    else all.push(part);
  }
  return all;
}

function zstdOf(parts: readonly Part[]): Uint8Array {
  const whole = parts.map((part) => (typeof part === "string" ? zstdFrames(utf8.encode(part)) : part.zstd));
  return whole.length === 1 && whole[0] !== undefined ? whole[0] : concatBytes(...whole);
}

export class MapText {
  readonly #parts: readonly Part[];
  #text: string | null = null;
  #plain: Uint8Array | null = null;
  #zstd: Uint8Array | null = null;

  /** The parts of the text, in order. */
  constructor(...parts: readonly Part[]) {
    this.#parts = merged(parts);
  }

  get text(): string {
    return (this.#text ??= this.#parts.map((part) => (typeof part === "string" ? part : part.text)).join(""));
  }

  /** True where there is nothing to say. */
  get isEmpty(): boolean {
    return this.#parts.every((part) => part === "");
  }

  /** The frame of a stream: JSON, or zstd of it. */
  frame(zstd: boolean): Uint8Array {
    if (zstd) return (this.#zstd ??= frame(zstdOf(this.#parts)));
    return (this.#plain ??= frame(utf8.encode(this.text)));
  }
}
