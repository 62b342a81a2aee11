/** Text forms: hex, base32, base64, hashes and keys, read with Go's leniency and no more. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareHashes,
  decodeBase32,
  decodeHex,
  encodeBase32,
  encodeHex,
  formatLockKey,
  formatLockKeyJson,
  formatLockPrivateKey,
  hashFromBytes,
  hashToBytes,
  nodeKeyFromBinary,
  nodeKeyFromRaw,
  nodeKeyToBinary,
  nodeKeyToRaw,
  parseAumHash,
  parseHexKey,
  parseLockKey,
  parseLockPrivateKey,
  parseNodeKey,
  type NodeKey,
} from "../../src/tka/index.ts";
import { decodeBase64Raw, encodeBase64Raw } from "../../src/tka/text-encodings.ts";
import { lockKey, nodeKey } from "../support/chains-keys.ts";
import { codeOf, refusal } from "../support/expect-code.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const MALFORMED = "malformed_text";

describe("hex", () => {
  test.each([
    ["", []],
    ["00ff", [0, 255]],
    ["AbCd", [0xab, 0xcd]],
  ])("reads %j", (text, bytes) => {
    expect(decodeHex(text)).toEqual(Uint8Array.from(bytes));
  });

  test.each(["0", "0g", " 00", "00 ", "0x00", "00\n", "é0", "０0", "@@", "``"])("refuses %j", (text) => {
    expect(decodeHex(text)).toBeNull();
  });
});

describe("base32 and base64", () => {
  test.each([
    ["", "", ""],
    ["f", "MY", "Zg"],
    ["fo", "MZXQ", "Zm8"],
    ["foo", "MZXW6", "Zm9v"],
    ["foob", "MZXW6YQ", "Zm9vYg"],
    ["fooba", "MZXW6YTB", "Zm9vYmE"],
    ["foobar", "MZXW6YTBOI", "Zm9vYmFy"],
  ])("write %j as RFC 4648 does, unpadded", (text, base32, base64) => {
    expect([encodeBase32(ascii(text)), encodeBase64Raw(ascii(text))]).toEqual([base32, base64]);
    expect([decodeBase32(base32), decodeBase64Raw(base64)]).toEqual([ascii(text), ascii(text)]);
  });

  test.each(["MY======", "my", "M1", "M=", "MZXW 6", "MÄ"])("base32 refuses %j", (text) => {
    expect(decodeBase32(text)).toBeNull();
  });

  test.each(["Z", "Zm9vY", "Zg==", "Zm8=", "Z-", "Z_", "Zm 8", "Zä"])("base64 refuses %j", (text) => {
    expect(decodeBase64Raw(text)).toBeNull();
  });

  test.each(["M", "MZX", "MZXW6Y"])("base32 takes nothing of a last group that no encoder writes: %j", (group) => {
    expect(decodeBase32(group)).toEqual(new Uint8Array(0));
    expect(decodeBase32(`MZXW6YTB${group}`)).toEqual(ascii("fooba"));
  });

  test("pass over line breaks, and ignore spare bits", () => {
    expect(decodeBase32("MZ\r\nXQ\n")).toEqual(ascii("fo"));
    expect(decodeBase32("MZXR")).toEqual(ascii("fo"));
    expect(decodeBase64Raw("Z\nm8")).toEqual(ascii("fo"));
    expect(decodeBase64Raw("Zm9")).toEqual(ascii("fo"));
  });

  test("give back what they were given", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(decodeHex(encodeHex(bytes))).toEqual(bytes);
        expect(decodeBase32(encodeBase32(bytes))).toEqual(bytes);
        expect(decodeBase64Raw(encodeBase64Raw(bytes))).toEqual(bytes);
      }),
      { seed: 20261104, numRuns: 200 },
    );
  });
});

describe("an AUM hash", () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
  const text = hashFromBytes(bytes);

  test("is 52 characters of base32", () => {
    expect(text).toHaveLength(52);
    expect(parseAumHash(text)).toBe(text);
    expect(hashToBytes(text)).toEqual(bytes);
  });

  test("is compared by its bytes", () => {
    const greater = hashFromBytes(new Uint8Array(32).fill(0xff));
    const smaller = hashFromBytes(new Uint8Array(32));
    expect(greater < smaller).toBe(true);
    expect(compareHashes(smaller, greater)).toBeLessThan(0);
    expect(compareHashes(text, text)).toBe(0);
  });

  test("is read with spare bits, and written without", () => {
    expect(parseAumHash("A".repeat(51) + "B")).toBe("A".repeat(52));
  });

  test("of 52 characters may hold line breaks: then it is shorter, and filled with zeros", () => {
    expect(parseAumHash("\n\n" + "A".repeat(50))).toBe("A".repeat(52));
    expect(parseAumHash("77" + "\n".repeat(50))).toBe(hashFromBytes(Uint8Array.of(0xff)));
    expect(parseAumHash("7".repeat(9) + "\n".repeat(43))).toBe(hashFromBytes(new Uint8Array(5).fill(0xff)));
  });

  test.each([
    ["shorter", "A".repeat(51)],
    ["longer", "A".repeat(53)],
    ["empty", ""],
    ["padded", `${"A".repeat(48)}====`],
    ["lower-case", "a".repeat(52)],
  ])("malformed_text: %s", (_, bad) => {
    expect(codeOf(() => parseAumHash(bad))).toBe(MALFORMED);
  });
});

describe("keys", () => {
  const lower = "0123456789abcdef".repeat(4);
  const raw = decodeHex(lower) ?? new Uint8Array(0);

  test("of nodes", () => {
    expect(parseNodeKey(`nodekey:${lower}`)).toBe(`nodekey:${lower}`);
    expect(parseNodeKey(`nodekey:${lower.toUpperCase()}`)).toBe(`nodekey:${lower}`);
    expect(nodeKeyToRaw(nodeKeyFromRaw(raw))).toEqual(raw);
  });

  test("of nodes in binary begin with np", () => {
    const binary = nodeKeyToBinary(nodeKey("n"));
    expect([binary.length, binary[0], binary[1]]).toEqual([34, 0x6e, 0x70]);
    expect(nodeKeyFromBinary(binary)).toBe(nodeKey("n"));
  });

  test.each([
    ["too short", nodeKeyToBinary(nodeKey("n")).slice(0, 33)],
    ["too long", Uint8Array.of(...nodeKeyToBinary(nodeKey("n")), 0)],
    ["empty", new Uint8Array(0)],
    ["of another prefix", Uint8Array.of(0x6e, 0x6f, ...raw)],
    ["without prefix", Uint8Array.of(...raw, 0, 0)],
  ])("of nodes in binary: malformed_text where %s", (_, binary) => {
    expect(codeOf(() => nodeKeyFromBinary(binary))).toBe(MALFORMED);
  });

  test("of the lock have a form for people and one for JSON, both read", () => {
    expect(formatLockKey(raw)).toBe(`tlpub:${lower}`);
    expect(formatLockKeyJson(raw)).toBe(`nlpub:${lower}`);
    expect([parseLockKey(`tlpub:${lower}`), parseLockKey(`nlpub:${lower.toUpperCase()}`)]).toEqual([raw, raw]);
  });

  test("of the lock, private, are 64 bytes", () => {
    const { privateKey } = lockKey("alice");
    expect(parseLockPrivateKey(formatLockPrivateKey(privateKey))).toEqual(privateKey);
    expect(codeOf(() => parseLockPrivateKey(`nlpriv:${lower}`))).toBe(MALFORMED);
  });

  test.each<[string, (text: string) => unknown, string]>([
    ["no prefix", parseNodeKey, lower],
    ["a prefix in upper case", parseNodeKey, `NODEKEY:${lower}`],
    ["another prefix", parseNodeKey, `mkey:${lower}`],
    ["a byte too few", parseNodeKey, `nodekey:${lower.slice(2)}`],
    ["a byte too many", parseNodeKey, `nodekey:${lower}00`],
    ["half a byte", parseNodeKey, `nodekey:${lower}0`],
    ["a space before", parseNodeKey, ` nodekey:${lower}`],
    ["a line break after", parseNodeKey, `nodekey:${lower}\n`],
    ["nothing", parseNodeKey, ""],
    ["a lock key of another prefix", parseLockKey, `nodekey:${lower}`],
    ["a lock key without prefix", parseLockKey, lower],
    ["a private key as a public one", parseLockKey, formatLockPrivateKey(lockKey("alice").privateKey)],
    ["a broken node key", (text) => nodeKeyToRaw(text as NodeKey), "nodekey:zz"],
  ])("malformed_text: %s", (_, parse, text) => {
    expect(codeOf(() => parse(text))).toBe(MALFORMED);
  });

  test("are not repeated in errors: they may be secrets", () => {
    const secret = `nlpriv:${"ab".repeat(63)}`;
    const { message, data } = refusal(() => parseHexKey(secret, "nlpriv:", 64));
    expect(message + JSON.stringify(data)).not.toContain("abab");
  });
});
