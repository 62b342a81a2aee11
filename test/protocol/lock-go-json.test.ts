/** JSON as Go writes it [J1] [J2]. The expected texts are what Go's encoder gives; lock-json.interop.test.ts asks it. */

import { describe, expect, test } from "vitest";
import { encodeGoJson, goMap, goObject } from "../../src/protocol/index.ts";

describe("texts [J1]", () => {
  test.each([
    ["plain", '"plain"'],
    ["<a> & b", '"\\u003ca\\u003e \\u0026 b"'],
    ["\u2028\u2029", '"\\u2028\\u2029"'],
    ['"\\/', '"\\"\\\\/"'],
    ["\b\f\n\r\t", '"\\b\\f\\n\\r\\t"'],
    ["\u0000\u001f\u007f", '"\\u0000\\u001f\u007f"'],
    ["é 漢 🙂", '"é 漢 🙂"'],
    ["\ud800x", '"\ufffdx"'],
  ])("%j", (text, json) => {
    expect(encodeGoJson(text)).toBe(`${json}\n`);
  });
});

describe("values [J2]", () => {
  test("integers are exact", () => {
    expect(encodeGoJson([18446744073709551615n, 0n])).toBe("[\n  18446744073709551615,\n  0\n]\n");
  });

  test("empty lists and objects stand on one line", () => {
    expect(
      encodeGoJson(
        goObject([
          ["a", []],
          ["b", goObject([])],
          ["c", null],
          ["d", true],
        ]),
      ),
    ).toBe('{\n  "a": [],\n  "b": {},\n  "c": null,\n  "d": true\n}\n');
  });

  test("undefined fields are left out, and nesting is indented by two", () => {
    expect(
      encodeGoJson(
        goObject([
          ["x", undefined],
          ["y", [goObject([["z", 1n]])]],
        ]),
      ),
    ).toBe('{\n  "y": [\n    {\n      "z": 1\n    }\n  ]\n}\n');
  });

  test("maps stand in the order of their names' UTF-8 bytes, numbers like others", () => {
    const map = new Map([
      ["b", "1"],
      ["10", "2"],
      ["9", "3"],
      ["\u{1f642}", "4"],
      ["\uff5e", "5"],
      ["", "6"],
    ]);
    const names = [...encodeGoJson(goMap(map)).matchAll(/"(.*)": /g)].map(([, name]) => name);
    expect(names).toEqual(["", "10", "9", "b", "\uff5e", "\u{1f642}"]);
  });
});
