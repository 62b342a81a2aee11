/** Whatever text arrives, a policy is made of it or a PolicyError thrown, and nothing else. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { PolicyError, parsePolicy } from "../../src/policy/index.ts";
import { anyPolicy } from "./any-policy.ts";
import { PEOPLE } from "./tailnet.ts";

function isJudged(text: string): boolean {
  try {
    parsePolicy(text, PEOPLE);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(PolicyError);
    return true;
  }
}

test("any text is a policy or refused", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 100 }), isJudged));
  fc.assert(fc.property(fc.json(), isJudged));
});

test("any policy with a piece out, in twice or in another's place is a policy or refused", () => {
  fc.assert(
    fc.property(
      anyPolicy,
      fc.nat(),
      fc.nat(40),
      fc.constantFrom("", "}", "]", '"', "/*", "//", ",", "\\", "null", "{"),
      (policy, at, length, piece) => {
        const from = at % policy.length;
        return isJudged(policy.slice(0, from) + piece + policy.slice(from + length));
      },
    ),
    { numRuns: 500 },
  );
});
