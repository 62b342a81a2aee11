/** The hash function against RFC 7693's vector, the well-known digest of nothing, and @noble/hashes. */

import { blake2s as reference } from "@noble/hashes/blake2.js";
import { describe, expect, test } from "vitest";
import { blake2s } from "../../src/tka/blake2s.ts";
import { encodeHex } from "../../src/tka/index.ts";

const digestOf = (text: string): string => encodeHex(blake2s(new TextEncoder().encode(text)));

describe("BLAKE2s-256", () => {
  test("abc, as in RFC 7693 appendix B", () => {
    expect(digestOf("abc")).toBe("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
  });

  test("the empty message", () => {
    expect(digestOf("")).toBe("69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9");
  });

  test("every length up to nine blocks, as @noble/hashes has it", () => {
    for (let length = 0; length <= 9 * 64; length++) {
      const message = Uint8Array.from({ length }, (_, i) => (i * 167 + length * 89) & 0xff);
      expect(encodeHex(blake2s(message)), `${length} bytes`).toBe(encodeHex(reference(message)));
    }
  });

  test("a view into a larger buffer", () => {
    const buffer = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff);
    for (const [start, end] of [
      [1, 300],
      [3, 68],
      [7, 135],
    ] as const)
      expect(blake2s(buffer.subarray(start, end))).toEqual(reference(buffer.slice(start, end)));
  });

  test("each bit of two blocks counts", () => {
    const message = new Uint8Array(128);
    const seen = new Set([encodeHex(blake2s(message))]);
    for (let bit = 0; bit < message.length * 8; bit++) {
      const flipped = message.slice();
      flipped[bit >> 3] = 1 << (bit & 7);
      seen.add(encodeHex(blake2s(flipped)));
      expect(blake2s(flipped)).toEqual(reference(flipped));
    }
    expect(seen.size).toBe(message.length * 8 + 1);
  });

  test("the message is left as it was, and calls do not meet", () => {
    const message = Uint8Array.from({ length: 100 }, (_, i) => i);
    const first = blake2s(message);
    expect(message).toEqual(Uint8Array.from({ length: 100 }, (_, i) => i));
    blake2s(new Uint8Array(77));
    expect(blake2s(message)).toEqual(first);
  });
});
