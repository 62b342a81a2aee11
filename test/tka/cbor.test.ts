/** What the two passes over attacker-controlled CBOR take and refuse: rules [B1] to [B7], at each limit and one past it. */

import { describe, expect, test } from "vitest";
import { MAX_CBOR_ARRAY, MAX_CBOR_DEPTH, MAX_CBOR_PAIRS, decodeAum, type Aum } from "../../src/tka/index.ts";
import { CborReader } from "../../src/tka/cbor-reader.ts";
import { CborWriter } from "../../src/tka/cbor-writer.ts";
import { codeOf, verdictOf } from "../support/expect-code.ts";

const MALFORMED = "malformed_cbor";

/** Heads of lists and maps of so many items, below 65536. */
const list = (count: number): number[] => [0x99, count >> 8, count & 0xff];
const map = (count: number): number[] => [0xb9, count >> 8, count & 0xff];
const repeat = (count: number, item: readonly number[]): number[] => Array.from({ length: count }, () => item).flat();

/** An AUM with one unknown field: its value is looked at by the first pass alone [B2]. */
const inUnknownField = (...value: readonly number[]): Uint8Array => Uint8Array.of(0xa1, 0x18, 0x63, ...value);
const reading = (...bytes: readonly number[]): CborReader => new CborReader(Uint8Array.from(bytes));

describe("[B1] well-formed, within limits, and one item", () => {
  test.each([
    ["nothing at all", []],
    ["a map that ends early", [0xa1, 0x01]],
    ["a number that ends early", [0xa1, 0x01, 0x19, 0x01]],
    ["bytes that end early", [0xa1, 0x02, 0x42, 0x01]],
    ["bytes longer than any message", [0xa1, 0x02, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ["a byte after the item", [0xa0, 0x00]],
    ["a map of indefinite length", [0xbf, 0xff]],
    ["bytes of indefinite length", [0xa1, 0x02, 0x5f, 0xff]],
    ["a break that ends nothing", [0xff]],
    ["reserved additional information", [0xa1, 0x01, 0x1c]],
    ["a simple value in two bytes that fits one", [0xa1, 0x01, 0xf8, 0x1f]],
  ])("refuses %s", (_, bytes) => {
    expect(codeOf(() => decodeAum(Uint8Array.from(bytes)))).toBe(MALFORMED);
  });

  test("refuses tags, even around a good message", () => {
    expect(codeOf(() => decodeAum(Uint8Array.of(0xc1, 0xa0)))).toBe(MALFORMED);
    expect(codeOf(() => decodeAum(inUnknownField(0xd8, 0x20, 0x00)))).toBe(MALFORMED);
  });

  test("nests 16 deep and no deeper", () => {
    const nested = (levels: number): Uint8Array => inUnknownField(...repeat(levels - 1, [0x81]), 0x00);
    expect(verdictOf(() => decodeAum(nested(MAX_CBOR_DEPTH)))).toBe("ok");
    expect(codeOf(() => decodeAum(nested(MAX_CBOR_DEPTH + 1)))).toBe(MALFORMED);
  });

  test("counts empty lists and maps as levels", () => {
    const nested = (...innermost: readonly number[]): Uint8Array => inUnknownField(...repeat(15, [0x81]), ...innermost);
    expect(verdictOf(() => decodeAum(nested(0x00)))).toBe("ok");
    expect(codeOf(() => decodeAum(nested(0x80)))).toBe(MALFORMED);
    expect(codeOf(() => decodeAum(nested(0xa0)))).toBe(MALFORMED);
  });

  test("takes lists of 4096 and no more", () => {
    const of = (count: number): Uint8Array => inUnknownField(...list(count), ...repeat(count, [0x00]));
    expect(verdictOf(() => decodeAum(of(MAX_CBOR_ARRAY)))).toBe("ok");
    expect(codeOf(() => decodeAum(of(MAX_CBOR_ARRAY + 1)))).toBe(MALFORMED);
  });

  test("takes maps of 1024 pairs and no more", () => {
    const of = (count: number): Uint8Array => inUnknownField(...map(count), ...repeat(count, [0x00, 0x00]));
    expect(verdictOf(() => decodeAum(of(MAX_CBOR_PAIRS)))).toBe("ok");
    expect(codeOf(() => decodeAum(of(MAX_CBOR_PAIRS + 1)))).toBe(MALFORMED);
  });

  test("reads no further than the message for a list that promises more", () => {
    expect(codeOf(() => decodeAum(inUnknownField(0x9a, 0xff, 0xff, 0xff, 0xff)))).toBe(MALFORMED);
  });
});

describe("[B2] the first pass looks into unknown fields", () => {
  test.each([
    ["text that is not UTF-8", [0x61, 0xff]],
    ["a number of 64 bits", [0x1b, ...repeat(8, [0xff])]],
    ["a negative number", [0x3b, ...repeat(8, [0xff])]],
    ["a float", [0xf9, 0x7e, 0x00]],
    ["keys that stand twice", [0xa2, 0x01, 0x01, 0x01, 0x01]],
    ["keys of any type", [0xa1, 0x81, 0x00, 0x00]],
  ])("and passes over %s", (_, value) => {
    expect(verdictOf(() => decodeAum(inUnknownField(...value)))).toBe("ok");
  });

  test("and refuses what is malformed there", () => {
    expect(codeOf(() => decodeAum(inUnknownField(0x42, 0x00)))).toBe(MALFORMED);
  });
});

describe("[B3] null and undefined", () => {
  const ZERO: Aum = {
    kind: 0,
    prevAumHash: null,
    key: null,
    keyId: null,
    state: null,
    votes: null,
    meta: null,
    signatures: null,
  };

  test.each([
    ["an empty map", [0xa0]],
    ["null", [0xf6]],
    ["undefined", [0xf7]],
    ["a null kind", [0xa1, 0x01, 0xf6]],
    ["null in every field", [0xa8, ...[1, 2, 3, 4, 5, 6, 7, 0x17].flatMap((field) => [field, 0xf6])]],
    ["undefined in every field", [0xa8, ...[1, 2, 3, 4, 5, 6, 7, 0x17].flatMap((field) => [field, 0xf7])]],
  ])("%s is an AUM of kind 0 without fields", (_, bytes) => {
    expect(decodeAum(Uint8Array.from(bytes))).toEqual(ZERO);
  });

  test("make a null signature an empty one", () => {
    expect(decodeAum(Uint8Array.of(0xa1, 0x17, 0x81, 0xf6)).signatures).toEqual([{ keyId: null, signature: null }]);
  });

  test("make a null key in a state a key of kind 0", () => {
    const { state } = decodeAum(Uint8Array.of(0xa1, 0x05, 0xa1, 0x03, 0x81, 0xf6));
    expect(state?.keys).toEqual([{ kind: 0, votes: 0n, publicKey: null, meta: null }]);
  });

  test("count as zero in bytes given as a list", () => {
    expect(reading(0x83, 0x01, 0xf6, 0xf7).bytes()).toEqual(Uint8Array.of(1, 0, 0));
  });
});

describe("[B4] integers", () => {
  test.each([
    ["0", [0x00], 0n],
    ["23, the last in the head", [0x17], 23n],
    ["24, the first of one byte", [0x18, 0x18], 24n],
    ["a small number in eight bytes", [0x1b, 0, 0, 0, 0, 0, 0, 0, 1], 1n],
    ["2^53 + 1, past exact doubles", [0x1b, 0, 0x20, 0, 0, 0, 0, 0, 1], 2n ** 53n + 1n],
    ["2^64 - 1, the last", [0x1b, ...repeat(8, [0xff])], 2n ** 64n - 1n],
    ["the simple value 19", [0xf3], 19n],
    ["the simple value 255", [0xf8, 0xff], 255n],
    ["null", [0xf6], 0n],
  ])("reads %s", (_, bytes, value) => {
    expect(reading(...bytes).uint64()).toBe(value);
  });

  test.each([
    ["false", [0xf4]],
    ["true", [0xf5]],
    ["a float", [0xf9, 0x3c, 0x00]],
    ["a negative number", [0x20]],
    ["text", [0x61, 0x31]],
    ["bytes", [0x41, 0x01]],
    ["a list", [0x80]],
  ])("refuses %s", (_, bytes) => {
    expect(codeOf(() => reading(...bytes).uint64())).toBe(MALFORMED);
  });

  test("of 8 bits end at 255", () => {
    expect(reading(0x18, 0xff).uint8()).toBe(255);
    expect(codeOf(() => reading(0x19, 0x01, 0x00).uint8())).toBe(MALFORMED);
    expect(codeOf(() => reading(0x1b, 0, 0, 0, 1, 0, 0, 0, 0).uint8())).toBe(MALFORMED);
  });
});

describe("[B5] byte strings", () => {
  test("may come as a list of small integers", () => {
    expect(reading(0x82, 0x01, 0x18, 0xff).bytes()).toEqual(Uint8Array.of(1, 255));
    expect(reading(0x80).bytes()).toEqual(new Uint8Array(0));
  });

  test.each([
    ["a list with an integer past 255", [0x81, 0x19, 0x01, 0x00]],
    ["a list with text", [0x81, 0x61, 0x31]],
    ["text", [0x61, 0x31]],
    ["a map", [0xa0]],
    ["an integer", [0x01]],
  ])("refuse %s", (_, bytes) => {
    expect(codeOf(() => reading(...bytes).bytes())).toBe(MALFORMED);
  });

  test.each([
    ["shorter ones filled", [0x41, 0x01], [1, 0, 0, 0]],
    ["longer ones cut", [0x45, 1, 2, 3, 4, 5], [1, 2, 3, 4]],
    ["lists filled", [0x81, 0x01], [1, 0, 0, 0]],
    ["lists cut, whatever follows", [0x85, 1, 2, 3, 4, 0x61, 0x31], [1, 2, 3, 4]],
  ])("of fixed length have %s", (_, bytes, fixed) => {
    expect(reading(...bytes).fixedBytes(4)).toEqual(Uint8Array.from(fixed));
  });
});

describe("[B6] structs", () => {
  test.each([
    ["an unknown integer", [0xa1, 0x18, 0x63, 0x01]],
    ["a negative integer", [0xa1, 0x20, 0x01]],
    ["text, though it reads like a field", [0xa1, 0x61, 0x31, 0x01]],
    ["empty text", [0xa1, 0x60, 0x01]],
    ["the largest field number", [0xa1, 0x1b, 0x7f, ...repeat(7, [0xff]), 0x01]],
  ])("pass over the key %s", (_, bytes) => {
    expect(decodeAum(Uint8Array.from(bytes)).kind).toBe(0);
  });

  test.each([
    ["a known key twice", [0xa2, 0x01, 0x01, 0x01, 0x01]],
    ["a known key in two forms", [0xa2, 0x01, 0x01, 0x18, 0x01, 0x01]],
    ["an unknown key twice", [0xa2, 0x18, 0x63, 0x01, 0x18, 0x63, 0x01]],
    ["a text key twice", [0xa2, 0x61, 0x31, 0x01, 0x61, 0x31, 0x01]],
    ["a text key that is not UTF-8", [0xa1, 0x61, 0xff, 0x01]],
    ["bytes as a key", [0xa1, 0x41, 0x01, 0x01]],
    ["null as a key", [0xa1, 0xf6, 0x01]],
    ["a field number of 64 bits", [0xa1, 0x1b, 0x80, ...repeat(7, [0x00]), 0x01]],
    ["a list in place of a struct", [0x80]],
    ["text in place of a struct", [0x60]],
  ])("refuse %s", (_, bytes) => {
    expect(codeOf(() => decodeAum(Uint8Array.from(bytes)))).toBe(MALFORMED);
  });

  test("tell text and integer keys of one look apart", () => {
    expect(decodeAum(Uint8Array.of(0xa2, 0x01, 0x03, 0x61, 0x31, 0x01)).kind).toBe(3);
  });
});

describe("[B7] maps of texts", () => {
  const meta = (...bytes: readonly number[]): ReadonlyMap<string, string> | null => reading(...bytes).textMap();

  test("are read in any order", () => {
    expect(meta(0xa2, 0x61, 0x62, 0x60, 0x61, 0x61, 0x61, 0x78)).toEqual(
      new Map([
        ["b", ""],
        ["a", "x"],
      ]),
    );
  });

  test("repeat the value before a null", () => {
    expect(meta(0xa2, 0x61, 0x61, 0x61, 0x78, 0x61, 0x62, 0xf6)).toEqual(
      new Map([
        ["a", "x"],
        ["b", "x"],
      ]),
    );
  });

  test("take null for a first key or value as empty text", () => {
    expect(meta(0xa1, 0xf6, 0xf6)).toEqual(new Map([["", ""]]));
  });

  test.each([
    ["null as a key after another", [0xa2, 0x61, 0x61, 0x60, 0xf6, 0x60]],
    ["a key twice", [0xa2, 0x61, 0x61, 0x60, 0x61, 0x61, 0x60]],
    ["a value that is not UTF-8", [0xa1, 0x60, 0x61, 0xff]],
    ["an integer key", [0xa1, 0x01, 0x60]],
    ["bytes for text", [0xa1, 0x60, 0x41, 0x78]],
  ])("refuse %s", (_, bytes) => {
    expect(codeOf(() => meta(...bytes))).toBe(MALFORMED);
  });
});

describe("a writer", () => {
  test.each([
    [23, [0x17]],
    [24, [0x18, 0x18]],
    [255, [0x18, 0xff]],
    [256, [0x19, 0x01, 0x00]],
    [65535, [0x19, 0xff, 0xff]],
    [65536, [0x1a, 0x00, 0x01, 0x00, 0x00]],
    [0xffff_ffff, [0x1a, 0xff, 0xff, 0xff, 0xff]],
  ])("writes %d in the shortest form", (value, bytes) => {
    expect([...new CborWriter().uint(value).finish()]).toEqual(bytes);
    expect([...new CborWriter().uint64(BigInt(value)).finish()]).toEqual(bytes);
  });

  test("writes 2^32 in eight bytes", () => {
    expect([...new CborWriter().uint64(2n ** 32n).finish()]).toEqual([0x1b, 0, 0, 0, 1, 0, 0, 0, 0]);
  });

  test("sorts the keys of a text map by their encodings", () => {
    const names = ["aa", "b", "", "\u{1F511}", "é", "z"];
    const bytes = new CborWriter().textMap(new Map(names.map((name) => [name, ""]))).finish();
    expect([...(new CborReader(bytes).textMap() ?? new Map()).keys()]).toEqual(["", "b", "z", "aa", "é", "\u{1F511}"]);
  });

  test("grows past its first buffer", () => {
    const long = new Uint8Array(70_000).fill(7);
    expect(new CborReader(new CborWriter().bytes(long).finish()).bytes()).toEqual(long);
  });
});
