/**
 * The second pass: reads a well-formed item into typed values, with exactly the leniency of Go's decoder into typed fields.
 *
 * Rule [B3]: null and undefined leave a number or a struct at zero, and make a slice, map or pointer nil.
 * Rule [B4]: simple values count as the integers they number; floats, booleans and negative numbers fit no field.
 * Rule [B5]: a byte string may come as an array of small integers; text never stands for bytes, nor bytes for text.
 * Rule [B6]: struct fields have integer keys. Unknown integer or text keys are passed over; a key twice, or of another type, is refused.
 * Rule [B7]: in a map of texts, null repeats the text read before it (Go's decoder reuses its slot); null as a key is refused, the first aside.
 * Source: github.com/fxamacker/cbor v2.9.3, which v1.104.5 of Go's `tka` uses, by its behaviour; the interop fuzzer holds us to it.
 * Everything read here is attacker-controlled.
 */

import { decodeUtf8 } from "./bytes.ts";
import { ARRAY, BYTES, MAP, NEGATIVE, SIMPLE, TEXT, UINT } from "./cbor-major.ts";
import { assertWellFormed } from "./cbor-well-formed.ts";
import { TkaError } from "./errors.ts";

const FALSE = 20;
const TRUE = 21;
const FLOAT16 = 25;

function mismatch(what: string): TkaError {
  return new TkaError("malformed_cbor", `${what} expected`);
}

/** How each known field of a struct is read, by its number, into what is being decoded; the reader stands at the field's value. */
export type FieldReaders<Into> = Readonly<Record<number, (reader: CborReader, into: Into) => void>>;

/** What is being decoded, while it is. */
export type Draft<T> = { -readonly [Field in keyof T]: T[Field] };

export class CborReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  // The head read last: major type, additional information, and the argument as two halves.
  #major = 0;
  #info = 0;
  #high = 0;
  #low = 0;

  /** Throws `malformed_cbor` where the bytes are not one well-formed item within limits. */
  constructor(bytes: Uint8Array) {
    assertWellFormed(bytes);
    this.#bytes = bytes;
  }

  #u8(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  #u16(): number {
    return this.#u8() * 0x100 + this.#u8();
  }

  #u32(): number {
    return this.#u16() * 0x10000 + this.#u16();
  }

  #head(): void {
    const initial = this.#u8();
    this.#major = initial >> 5;
    this.#info = initial & 31;
    this.#high = 0;
    if (this.#info < 24) this.#low = this.#info;
    else if (this.#info === 24) this.#low = this.#u8();
    else if (this.#info === 25) this.#low = this.#u16();
    else {
      if (this.#info === 27) this.#high = this.#u32();
      this.#low = this.#u32();
    }
  }

  #nextMajor(): number {
    return (this.#bytes[this.#at] ?? 0) >> 5;
  }

  /** Passes over null or undefined, and says whether one stood there. */
  nil(): boolean {
    const next = this.#bytes[this.#at];
    if (next !== 0xf6 && next !== 0xf7) return false;
    this.#at++;
    return true;
  }

  #skip(): void {
    this.#head();
    if (this.#major === BYTES || this.#major === TEXT) this.#at += this.#low;
    const items = this.#major === ARRAY ? this.#low : this.#major === MAP ? this.#low * 2 : 0;
    for (let i = 0; i < items; i++) this.#skip();
  }

  /** Reads an integer's head, null and undefined counting as zero [B3][B4]. */
  #integer(): void {
    if (this.nil()) {
      this.#high = 0;
      this.#low = 0;
      return;
    }
    this.#head();
    const simple = this.#major === SIMPLE && this.#info < FLOAT16 && this.#info !== FALSE && this.#info !== TRUE;
    if (this.#major !== UINT && !simple) throw mismatch("an unsigned integer");
  }

  /** An integer of 8 bits. */
  uint8(): number {
    this.#integer();
    if (this.#high !== 0 || this.#low > 0xff) throw mismatch("an integer below 256");
    return this.#low;
  }

  /** An integer of 64 bits. */
  uint64(): bigint {
    this.#integer();
    return this.#high === 0 ? BigInt(this.#low) : (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  #slice(): Uint8Array {
    const start = this.#at;
    this.#at += this.#low;
    return this.#bytes.slice(start, this.#at);
  }

  /** A byte string, or null for nil [B3][B5]. */
  bytes(): Uint8Array | null {
    if (this.nil()) return null;
    this.#head();
    if (this.#major === BYTES) return this.#slice();
    if (this.#major !== ARRAY) throw mismatch("a byte string");
    return Uint8Array.from({ length: this.#low }, () => this.uint8());
  }

  /** Exactly `length` bytes: what is longer is cut, what is shorter is filled with zeros, as Go fills an array. Null for nil. */
  fixedBytes(length: number): Uint8Array | null {
    if (this.nil()) return null;
    const out = new Uint8Array(length);
    this.#head();
    if (this.#major === BYTES) {
      out.set(this.#slice().subarray(0, length));
      return out;
    }
    if (this.#major !== ARRAY) throw mismatch("a byte string");
    const count = this.#low;
    for (let i = 0; i < count; i++) {
      if (i < length) out[i] = this.uint8();
      else this.#skip();
    }
    return out;
  }

  #text(): string {
    this.#head();
    if (this.#major !== TEXT) throw mismatch("text");
    const text = decodeUtf8(this.#slice());
    if (text === null) throw new TkaError("malformed_cbor", "text that is not UTF-8");
    return text;
  }

  /** A list, or null for nil; `element` reads one element. */
  array<T>(element: () => T): T[] | null {
    if (this.nil()) return null;
    this.#head();
    if (this.#major !== ARRAY) throw mismatch("a list");
    const out: T[] = [];
    for (let left = this.#low; left > 0; left--) out.push(element());
    return out;
  }

  /** A map from text to text, or null for nil [B7]. */
  textMap(): Map<string, string> | null {
    if (this.nil()) return null;
    this.#head();
    if (this.#major !== MAP) throw mismatch("a map of texts");
    const out = new Map<string, string>();
    let key = "";
    let value = "";
    for (let left = this.#low; left > 0; left--) {
      if (!this.nil()) key = this.#text();
      if (!this.nil()) value = this.#text();
      if (out.has(key)) throw new TkaError("malformed_cbor", "a key twice in one map");
      out.set(key, value);
    }
    return out;
  }

  /** Reads one key of a struct: an integer as a number, a text with `"` in front, so that the two never meet. */
  #fieldKey(): number | string {
    const major = this.#nextMajor();
    if (major === TEXT) return `"${this.#text()}`;
    if (major !== UINT && major !== NEGATIVE) throw mismatch("a field number");
    this.#head();
    if (this.#high > 0x7fffffff) throw mismatch("a field number of 63 bits");
    if (this.#high !== 0) return `${major}:${this.#high}:${this.#low}`;
    return major === UINT ? this.#low : -1 - this.#low;
  }

  /** A struct: reads each known field that is there into `into`. Null and undefined are an empty struct [B3][B6]. */
  struct<Into>(fields: FieldReaders<Into>, into: Into): void {
    if (this.nil()) return;
    this.#head();
    if (this.#major !== MAP) throw mismatch("a map of fields");
    // Almost all keys are small numbers: a bit each.
    let seenSmall = 0;
    let seen: Set<number | string> | null = null;
    for (let left = this.#low; left > 0; left--) {
      const key = this.#fieldKey();
      const bit = typeof key === "number" && key >= 0 && key < 31 ? 1 << key : 0;
      if ((seenSmall & bit) !== 0 || seen?.has(key) === true)
        throw new TkaError("malformed_cbor", "a key twice in one map");
      if (bit === 0) seen = (seen ?? new Set()).add(key);
      seenSmall |= bit;
      const read = typeof key === "number" ? fields[key] : undefined;
      if (read === undefined) this.#skip();
      else read(this, into);
    }
  }
}
