/** HPACK beyond the examples: [H50], [H51], [H52], [H53], [H54], [H55]. */

import { describe, expect, test } from "vitest";
import { HpackDecoder } from "../../src/protocol/hpack-decoder.ts";
import { encodeResponse } from "../../src/protocol/hpack-encoder.ts";
import { HpackError } from "../../src/protocol/hpack-error.ts";
import { decodeHuffman } from "../../src/protocol/hpack-huffman.ts";
import { STATIC_TABLE } from "../../src/protocol/hpack-static-table.ts";
import { bytesOf, concat } from "../support/http2-frames.ts";

const ENOUGH = { size: 16_384, count: 100 };

/** A literal with incremental indexing, name and value not coded. */
function indexed(name: string, value: string): Uint8Array {
  return concat([0x40, name.length], bytesOf(name), [value.length], bytesOf(value));
}

const huffman = (...octets: number[]): string => decodeHuffman(Uint8Array.from(octets), 0, octets.length);

describe("a Huffman string [H50]", () => {
  test("ends in up to seven ones", () => {
    // "a" is 00011, "&" is 11111000.
    expect(huffman(0b00011_111)).toBe("a");
    expect(huffman(0b11111000)).toBe("&");
    // "w" is 1111000 and "X" 11111100: seven ones after the first, none after the second.
    expect(huffman(0b1111000_1)).toBe("w");
    expect(huffman()).toBe("");
  });

  test.each([
    ["padding with a zero", [0b00011_110]],
    ["padding of eight ones", [0b11111000, 0xff]],
    ["padding of an octet and more", [0b00011_111, 0xff]],
    ["the end of string", [0xff, 0xff, 0xff, 0xff]],
    ["the end of string, and more", [0b00011_111, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ])("is refused with %s", (_, octets) => {
    expect(() => huffman(...octets)).toThrow(HpackError);
  });

  test("holds every octet", () => {
    // The longest codes: 0 is 13 bits of 1111111111000, 255 is 26 bits of 11111111111111111111101110.
    expect(huffman(0xff, 0xc7)).toBe("\0");
    expect(huffman(0xff, 0xff, 0xfb, 0xbf)).toBe("\xff");
  });
});

describe("a block is refused", () => {
  test.each([
    ["with index 0", [0x80]],
    ["with an index past both tables", [0xbe]],
    ["with a name past both tables", [0x7f, 0x00, 0x00]],
    ["cut short in an integer", [0xff]],
    ["cut short in a string", [0x00, 0x05, 0x61]],
    ["cut short before its value", [0x00, 0x01, 0x61]],
    ["with an integer of five octets and more", [0xff, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ["cut short in a value", [0x00, 0x01, 0x61, 0x05, 0x62]],
    ["with a small integer in six octets", [0x3f, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ["with an integer that wraps around", [0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ["with a size update after a field [H53]", [0x82, 0x20]],
    ["with a size above 4,096 [H53]", [0x3f, 0xe2, 0x1f]],
  ])("%s", (_, octets) => {
    expect(() => new HpackDecoder().decode(Uint8Array.from(octets), ENOUGH)).toThrow(HpackError);
  });
});

describe("the dynamic table", () => {
  test("takes 4,096 and gives up entries as it shrinks [H51]", () => {
    const decoder = new HpackDecoder();
    decoder.decode(concat([0x3f, 0xe1, 0x1f], indexed("a", "1"), indexed("b", "2")), ENOUGH);
    expect(decoder.state.entries).toEqual([
      ["b", "2"],
      ["a", "1"],
    ]);
    decoder.decode(Uint8Array.of(0x3f, 34 - 31), ENOUGH);
    expect(decoder.state.entries).toEqual([["b", "2"]]);
    decoder.decode(concat([0x3f, 34 - 31], indexed("name", "too large")), ENOUGH);
    expect(decoder.state.entries).toEqual([]);
  });

  test("may be resized several times at the beginning of a block [H53]", () => {
    const decoder = new HpackDecoder();
    decoder.decode(concat(indexed("a", "1"), indexed("b", "2")), ENOUGH);
    decoder.decode(Uint8Array.of(0x20, 0x3f, 0xe1, 0x1f, 0x82), ENOUGH);
    expect(decoder.state).toEqual({ limit: 4096, capacity: 4096, entries: [] });
  });

  test("is gone once our SETTINGS are acknowledged [H52]", () => {
    const decoder = new HpackDecoder();
    decoder.decode(indexed("a", "1"), ENOUGH);
    expect(decoder.decode(Uint8Array.of(0xbe), ENOUGH)).toEqual([["a", "1"]]);
    decoder.forbidTable();
    expect(() => decoder.decode(Uint8Array.of(0xbe), ENOUGH)).toThrow(HpackError);
    expect(decoder.decode(concat([0x20], indexed("a", "1")), ENOUGH)).toEqual([["a", "1"]]);
    expect(decoder.state).toEqual({ limit: 0, capacity: 0, entries: [] });
    expect(() => decoder.decode(Uint8Array.of(0x21), ENOUGH)).toThrow(HpackError);
  });

  test("is kept right under a list that is too large [H54]", () => {
    const decoder = new HpackDecoder();
    const block = concat(indexed("a", "1"), indexed("b", "2"), indexed("c", "3"));
    expect(decoder.decode(block, { size: 16_384, count: 2 })).toBeNull();
    expect(decoder.decode(Uint8Array.of(0xbe, 0xc0), { size: 67, count: 100 })).toBeNull();
    expect(decoder.decode(Uint8Array.of(0xbe, 0xc0), { size: 68, count: 2 })).toEqual([
      ["c", "3"],
      ["a", "1"],
    ]);
  });
});

describe("the encoder [H55]", () => {
  test("gives the table up in its first block", () => {
    expect(encodeResponse(200, [], true)).toEqual(Uint8Array.of(0x20, 0x88));
    expect(encodeResponse(200, [], false)).toEqual(Uint8Array.of(0x88));
  });

  test("is understood, long values and every status included", () => {
    const decoder = new HpackDecoder({ limit: 0, capacity: 0, entries: [] });
    const fields = [
      ["content-type", "application/json"],
      ["x-long", "é".repeat(5000)],
      ["x-126", "x".repeat(126)],
      ["x-127", "x".repeat(127)],
      ["x-255", "x".repeat(255)],
      ["set-cookie", ""],
    ] as const;
    for (const status of [200, 204, 206, 304, 400, 404, 500, 100, 401, 503])
      expect(decoder.decode(encodeResponse(status, fields, true), ENOUGH)).toEqual([
        [":status", String(status)],
        ...fields,
      ]);
    expect(decoder.state.entries).toEqual([]);
  });

  test("names what the static table names", () => {
    expect(encodeResponse(200, [["content-type", "a"]], false)).toEqual(Uint8Array.of(0x88, 0x0f, 0x10, 1, 0x61));
    expect(STATIC_TABLE).toHaveLength(61);
  });
});
