/** What tests ask of a refusal: its code, its status, a sentence, and for a conflict the head that counts [H1]. */

import { expect } from "vitest";
import { parseRefusal, type ControlErrorCode, type Refusal } from "../../../src/protocol/index.ts";
import type { Answer } from "./test-node.ts";

/** A sentence: some words, and no stack or value of ours in it. */
const SENTENCE = /^[^{}\n]*\w \w[^{}\n]*$/;

/** The refusal, of that code. Fails for any other answer, and for one that is our own fault. */
export function refused(answer: Answer, code: ControlErrorCode): Refusal {
  const refusal = parseRefusal(answer.json);
  expect([answer.status, refusal?.code, refusal?.message]).toEqual([expect.any(Number), code, expect.any(String)]);
  if (refusal === null) throw new Error("no refusal");
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(refusal.message).toMatch(SENTENCE);
  return refusal;
}
