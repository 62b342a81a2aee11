/** Every case that ever showed a difference between Go and ours, with Go's answer: found by the fuzzer, kept by test/interop/fuzz/pin.ts. */

import { describe, expect, test } from "vitest";

import { goldenDifferences, type GoldenFile } from "../support/golden.ts";
import pinned from "./pinned-cases.json" with { type: "json" };

const { module, cases } = pinned as GoldenFile;

describe(`pinned cases, answered by ${module}`, () => {
  test.each(cases.map((one, index) => [`${index}: ${one.from}, ${one.request.op}`, one] as const))(
    "%s",
    (_name, one) => {
      expect(goldenDifferences({ module, cases: [one] })).toEqual([]);
    },
  );
});
