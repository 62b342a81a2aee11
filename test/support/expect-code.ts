/** What tests ask of an error: its code, never its text. */

import { TkaError, type TkaErrorCode, type TkaErrorData } from "../../src/tka/index.ts";

/** The TkaError that `body` throws. Fails where it returns, or throws anything else. */
export function refusal(body: () => unknown): { code: TkaErrorCode; data: TkaErrorData; message: string } {
  let result: unknown;
  try {
    result = body();
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    return { code: error.code, data: error.data, message: error.message };
  }
  throw new Error(`nothing was refused; the result is ${String(result)}`);
}

/** The code of the TkaError that `body` throws. */
export function codeOf(body: () => unknown): TkaErrorCode {
  return refusal(body).code;
}

/** The code of the TkaError that `body` throws, or `"ok"` where it returns. Whatever else is thrown goes on. */
export function verdictOf(body: () => unknown): TkaErrorCode | "ok" {
  try {
    body();
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    return error.code;
  }
  return "ok";
}
