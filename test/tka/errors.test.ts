/** The one error: [E2] codes are a closed list, and what may be tried again is said apart. */

import { describe, expect, test } from "vitest";
import { RETRYABLE_CODES, TKA_ERROR_CODES, TkaError } from "../../src/tka/index.ts";
import { within } from "../../src/tka/errors.ts";
import { refusal } from "../support/expect-code.ts";

describe("[E2] codes", () => {
  test("are each there once", () => {
    expect(new Set(TKA_ERROR_CODES).size).toBe(TKA_ERROR_CODES.length);
  });

  test("after which trying again may help are the moved head alone", () => {
    expect([...RETRYABLE_CODES]).toEqual(["head_moved"]);
  });
});

describe("a TkaError", () => {
  test("has its code and data as properties of its own, besides a text for people", () => {
    const error = new TkaError("key_exists", "there already", { subject: "tlpub:00" });
    expect(error).toBeInstanceOf(Error);
    expect(Object.fromEntries(Object.entries(error))).toEqual({
      name: "TkaError",
      code: "key_exists",
      data: { subject: "tlpub:00" },
    });
    expect(String(error)).toBe("TkaError: there already");
  });

  test("is told again with the place in front", () => {
    const body = (): never => {
      throw new TkaError("invalid_key", "no votes", { subject: "x" });
    };
    expect(refusal(() => within("key 3", { index: 3 }, body))).toEqual({
      code: "invalid_key",
      message: "key 3: no votes",
      data: { subject: "x", index: 3 },
    });
  });

  test("is what other errors are not made into", () => {
    const body = (): never => {
      throw new RangeError("ours to mend");
    };
    expect(() => within("here", {}, body)).toThrow(RangeError);
    expect(within("here", {}, () => 7)).toBe(7);
  });
});
