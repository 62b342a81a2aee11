/**
 * The first pass over attacker-controlled bytes: is this one CBOR item, well-formed and within limits?
 *
 * Rule [B1]: definite lengths only, no tags, nesting, arrays and maps within limits.ts, nothing after the item.
 * Rule [B2]: this pass looks at every byte, those of unknown fields included; the second pass (cbor-reader.ts) may then trust lengths.
 * Source: the strict settings in Go's `tka/tka.go` and the checks of github.com/fxamacker/cbor v2 that they switch on.
 */

import { ARRAY, BYTES, MAP, SIMPLE, TAG, TEXT } from "./cbor-major.ts";
import { TkaError } from "./errors.ts";
import { MAX_CBOR_ARRAY, MAX_CBOR_DEPTH, MAX_CBOR_PAIRS } from "./limits.ts";

const INDEFINITE = 31;

function malformed(why: string): TkaError {
  return new TkaError("malformed_cbor", why);
}

/** Goes through a message item by item, the head read last in its fields. */
class Scan {
  readonly #bytes: Uint8Array;
  #at = 0;
  #major = 0;
  /** Above 2^53 only its size matters here, so a double will do. */
  #argument = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  #head(): void {
    const initial = this.#bytes[this.#at++];
    if (initial === undefined) throw malformed("the message ends in the middle of an item");
    const info = initial & 31;
    this.#major = initial >> 5;
    this.#argument = info;
    if (info < 24) return;
    if (info === INDEFINITE) throw malformed("indefinite lengths and stray breaks are not allowed");
    if (info > 27) throw malformed("reserved additional information");
    const end = this.#at + (1 << (info - 24));
    if (end > this.#bytes.length) throw malformed("the message ends in the middle of an item");
    this.#argument = 0;
    while (this.#at < end) this.#argument = this.#argument * 256 + (this.#bytes[this.#at++] ?? 0);
    if (this.#major === SIMPLE && info === 24 && this.#argument < 32)
      throw malformed("a simple value in a longer form than it needs");
  }

  #items(count: number, depth: number): void {
    if (depth > MAX_CBOR_DEPTH) throw malformed(`nested more than ${MAX_CBOR_DEPTH} deep`);
    for (let i = 0; i < count; i++) this.#item(depth);
  }

  #item(depth: number): void {
    this.#head();
    switch (this.#major) {
      case BYTES:
      case TEXT:
        if (this.#argument > this.#bytes.length - this.#at) throw malformed("a string longer than the message");
        this.#at += this.#argument;
        return;
      case ARRAY:
        if (this.#argument > MAX_CBOR_ARRAY) throw malformed(`an array of more than ${MAX_CBOR_ARRAY} elements`);
        this.#items(this.#argument, depth + 1);
        return;
      case MAP:
        if (this.#argument > MAX_CBOR_PAIRS) throw malformed(`a map of more than ${MAX_CBOR_PAIRS} pairs`);
        this.#items(this.#argument * 2, depth + 1);
        return;
      case TAG:
        throw malformed("tags are not allowed");
    }
  }

  /** One item, and nothing after it. */
  message(): void {
    this.#item(0);
    if (this.#at !== this.#bytes.length) throw malformed("bytes follow the message");
  }
}

/** Throws `malformed_cbor` unless `bytes` are one item that keeps [B1]. */
export function assertWellFormed(bytes: Uint8Array): void {
  new Scan(bytes).message();
}
