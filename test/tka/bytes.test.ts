/** Byte strings and UTF-8: the folder has no TextEncoder, so what it has instead is held against the host's. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equalBytes, equalBytesConstantTime } from "../../src/tka/index.ts";
import { compareBytes, concatBytes, decodeUtf8, decodeUtf8Lossy, encodeUtf8 } from "../../src/tka/bytes.ts";

const of = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);
const strict = (bytes: Uint8Array): string | null => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
};

describe("comparison", () => {
  test("tells nil and empty apart", () => {
    expect(equalBytes(null, null)).toBe(true);
    expect(equalBytes(null, of())).toBe(false);
    expect(equalBytes(of(), of())).toBe(true);
  });

  test.each([
    [of(), of(), true],
    [of(1, 2), of(1, 2), true],
    [of(1, 2), of(1, 3), false],
    [of(1, 2), of(1, 2, 0), false],
  ])("of %s and %s", (a, b, equal) => {
    expect(equalBytes(a, b)).toBe(equal);
    expect(equalBytesConstantTime(a, b)).toBe(equal);
    expect(compareBytes(a, b) === 0).toBe(equal);
  });

  test("sorts bytewise, a beginning before the whole", () => {
    const sorted = [of(), of(0), of(0, 1), of(1), of(0x80), of(0xff)];
    expect([...sorted].reverse().sort(compareBytes)).toEqual(sorted);
  });

  test("joins", () => {
    expect(concatBytes(of(1), of(), of(2, 3))).toEqual(of(1, 2, 3));
  });
});

describe("UTF-8", () => {
  test.each([
    ["a lone continuation byte", [0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["an overlong sequence of three", [0xe0, 0x80, 0xaf]],
    ["an overlong sequence of four", [0xf0, 0x80, 0x80, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["a point past U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["a first byte that starts nothing", [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ["a sequence cut short", [0xe2, 0x82]],
    ["a continuation that is none", [0xe2, 0x28, 0xa1]],
  ])("refuses %s", (_, bytes) => {
    expect(decodeUtf8(of(...bytes))).toBeNull();
  });

  test.each([
    ["", ""],
    ["a\u0000b", "a\u0000b"],
    ["\ufeffmark", "\ufeffmark"],
    ["\u{10ffff}", "\u{10ffff}"],
  ])("keeps %j", (text, same) => {
    expect(decodeUtf8(encodeUtf8(text))).toBe(same);
  });

  test("writes a lone surrogate as U+FFFD", () => {
    expect(decodeUtf8(encodeUtf8("a\ud800b"))).toBe("a\ufffdb");
  });

  test("shows each byte that is not valid as one U+FFFD", () => {
    expect(decodeUtf8Lossy(of(0x61, 0xe2, 0x82, 0x62))).toBe("a\ufffd\ufffdb");
  });

  test("encodes and decodes as the host does", () => {
    const bytes = fc.uint8Array({ maxLength: 12 });
    fc.assert(
      fc.property(bytes, (some) => decodeUtf8(some) === strict(some)),
      { seed: 20261101, numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
      }),
      { seed: 20261102, numRuns: 500 },
    );
  });
});
