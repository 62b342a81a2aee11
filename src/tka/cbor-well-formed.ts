/**
 * The first pass over attacker-controlled bytes: is this one CBOR item, well-formed and within limits?
 *
 * Rule [B1]: definite lengths only, no tags, nesting, arrays and maps within limits.ts, nothing after the item.
 * Rule [B2]: this pass looks at every byte, those of unknown fields included; the second pass (cbor-reader.ts) may then trust lengths.
 * Source: the strict settings in Go's `tka/tka.go` and the checks of github.com/fxamacker/cbor v2 that they switch on.
 */

import { TkaError } from "./errors.ts";
import { MAX_CBOR_ARRAY, MAX_CBOR_DEPTH, MAX_CBOR_PAIRS } from "./limits.ts";

const INDEFINITE = 31;
const SIMPLE = 7;

function malformed(why: string): TkaError {
  return new TkaError("malformed_cbor", why);
}

interface Head {
  readonly major: number;
  /** The argument; above 2^53 only its size matters here, so a double will do. */
  readonly argument: number;
  readonly next: number;
}

function readHead(bytes: Uint8Array, at: number): Head {
  const initial = bytes[at];
  if (initial === undefined) throw malformed("the message ends in the middle of an item");
  const major = initial >> 5;
  const info = initial & 31;
  if (info < 24) return { major, argument: info, next: at + 1 };
  if (info === INDEFINITE) throw malformed("indefinite lengths and stray breaks are not allowed");
  if (info > 27) throw malformed("reserved additional information");
  const size = 1 << (info - 24);
  if (at + 1 + size > bytes.length) throw malformed("the message ends in the middle of an item");
  let argument = 0;
  for (let i = 1; i <= size; i++) argument = argument * 256 + (bytes[at + i] ?? 0);
  if (major === SIMPLE && info === 24 && argument < 32)
    throw malformed("a simple value in a longer form than it needs");
  return { major, argument, next: at + 1 + size };
}

function skipItem(bytes: Uint8Array, at: number, depth: number): number {
  const { major, argument, next } = readHead(bytes, at);
  switch (major) {
    case 2:
    case 3:
      if (argument > bytes.length - next) throw malformed("a string longer than the message");
      return next + argument;
    case 4:
      if (argument > MAX_CBOR_ARRAY) throw malformed(`an array of more than ${MAX_CBOR_ARRAY} elements`);
      return skipItems(bytes, next, argument, depth + 1);
    case 5:
      if (argument > MAX_CBOR_PAIRS) throw malformed(`a map of more than ${MAX_CBOR_PAIRS} pairs`);
      return skipItems(bytes, next, argument * 2, depth + 1);
    case 6:
      throw malformed("tags are not allowed");
    default:
      return next;
  }
}

function skipItems(bytes: Uint8Array, at: number, count: number, depth: number): number {
  if (depth > MAX_CBOR_DEPTH) throw malformed(`nested more than ${MAX_CBOR_DEPTH} deep`);
  for (let i = 0; i < count; i++) at = skipItem(bytes, at, depth);
  return at;
}

/** Throws `malformed_cbor` unless `bytes` are one item that keeps [B1]. */
export function assertWellFormed(bytes: Uint8Array): void {
  if (skipItem(bytes, 0, 0) !== bytes.length) throw malformed("bytes follow the message");
}
