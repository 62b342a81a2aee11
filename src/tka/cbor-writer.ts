/**
 * Canonical CBOR (CTAP2: definite lengths, shortest heads, map keys in bytewise order of their encodings), the only form that the
 * authority writes. A writer knows nothing of AUMs: callers write a map's head and then its pairs, in order.
 */

import { compareBytes, encodeUtf8 } from "./bytes.ts";
import { ARRAY, BYTES, MAP, TEXT, UINT } from "./cbor-major.ts";

const NULL = 0xf6;

/** A larger buffer is not kept: messages of that size are rare. */
const MOST_SPARE = 1 << 16;
const NOTHING = new Uint8Array(0);

/** The buffer that writers hand on to one another, null while one of them has it: making one costs more than filling it. */
let spare: Uint8Array | null = new Uint8Array(4096);

export class CborWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor() {
    this.#buffer = spare ?? new Uint8Array(256);
    spare = null;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + more));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #head(major: number, argument: number): void {
    const type = major << 5;
    if (argument < 24) return this.#byte(type | argument);
    if (argument < 0x100) {
      this.#byte(type | 24);
      return this.#byte(argument);
    }
    if (argument < 0x10000) {
      this.#byte(type | 25);
      this.#byte(argument >> 8);
      return this.#byte(argument & 0xff);
    }
    this.#byte(type | 26);
    for (let shift = 24; shift >= 0; shift -= 8) this.#byte((argument >>> shift) & 0xff);
  }

  /** An unsigned integer below 2^32. */
  uint(value: number): this {
    this.#head(UINT, value);
    return this;
  }

  /** An unsigned integer of 64 bits. */
  uint64(value: bigint): this {
    if (value <= 0xffffffffn) return this.uint(Number(value));
    this.#byte((UINT << 5) | 27);
    for (let shift = 56n; shift >= 0n; shift -= 8n) this.#byte(Number((value >> shift) & 0xffn));
    return this;
  }

  null(): this {
    this.#byte(NULL);
    return this;
  }

  /** A byte string, or null for nil: the two differ on the wire, and so under a signature. */
  bytes(value: Uint8Array | null): this {
    if (value === null) return this.null();
    this.#head(BYTES, value.length);
    this.#append(value);
    return this;
  }

  array(length: number): this {
    this.#head(ARRAY, length);
    return this;
  }

  map(pairs: number): this {
    this.#head(MAP, pairs);
    return this;
  }

  /** A map from text to text, its keys sorted by their encodings: shorter first, then bytewise. */
  textMap(value: ReadonlyMap<string, string>): this {
    const pairs = [...value].map(([key, text]) => [encodeUtf8(key), encodeUtf8(text)] as const);
    pairs.sort(([a], [b]) => a.length - b.length || compareBytes(a, b));
    this.map(pairs.length);
    for (const pair of pairs) {
      for (const text of pair) {
        this.#head(TEXT, text.length);
        this.#append(text);
      }
    }
    return this;
  }

  #release(): void {
    if (this.#buffer.length <= MOST_SPARE) spare = this.#buffer;
    this.#buffer = NOTHING;
    this.#length = 0;
  }

  /** The bytes written. Nothing may be written after that. */
  finish(): Uint8Array {
    const out = this.#buffer.slice(0, this.#length);
    this.#release();
    return out;
  }

  /** What `use` makes of the bytes written, which are gone once it returns. Nothing may be written after that. */
  finishWith<T>(use: (bytes: Uint8Array) => T): T {
    const out = use(this.#buffer.subarray(0, this.#length));
    this.#release();
    return out;
  }
}
