/** Golden cases: requests with Go's answers, written down once and checked without Go, in Node and in workerd. */

import { compareAnswers } from "../interop/fuzz/compare.ts";
import type { Answer } from "../interop/oracle-types.ts";
import { answer, type OracleRequest } from "./answer.ts";

export interface GoldenCase {
  /** The kind of case, or the seed and index that found it. */
  readonly from: string;
  readonly request: OracleRequest;
  readonly answer: Answer;
}

/** One file of golden cases, with the version of the Go module that answered. */
export interface GoldenFile {
  readonly module: string;
  readonly cases: readonly GoldenCase[];
}

/** What differs between our answers and the golden ones, in words: nothing, where all is well. */
export function goldenDifferences(file: GoldenFile): string[] {
  return file.cases.flatMap(({ from, request, answer: golden }, index) => {
    const { difference } = compareAnswers(request, golden, answer(request));
    return difference === null ? [] : [`case ${index} (${from}): ${difference}`];
  });
}
