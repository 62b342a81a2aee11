/** How the objects refuse: a ControlError inside, an Outcome to whoever called. */

import { TkaError, type AumHash } from "../tka/index.ts";
import type { ControlErrorCode, Outcome, Refusal } from "../protocol/index.ts";
import { log } from "./log.ts";
import { randomText } from "./random-id.ts";

const FAULT_CHARS = 8;

/** Thrown inside an object, and turned into an Outcome at its border. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  readonly refusal: Refusal;

  constructor(code: ControlErrorCode, message: string, more: Omit<Refusal, "code" | "message"> = {}) {
    super(message);
    this.refusal = { code, message, ...more };
  }
}

function refusalOf(error: unknown, head: AumHash | null): Refusal | null {
  if (error instanceof ControlError) return error.refusal;
  if (!(error instanceof TkaError)) return null;
  const { index, subject } = error.data;
  return {
    code: error.code,
    message: error.message,
    ...(index === undefined ? {} : { index }),
    ...(subject === undefined ? {} : { subject }),
    ...(head === null ? {} : { head }),
  };
}

/** The head that counts; null too where storage is so damaged that nobody can say. */
function headOrNull(head: () => AumHash | null): AumHash | null {
  try {
    return head();
  } catch {
    return null;
  }
}

/**
 * Rule [O53]: what fails for no reason that is known is logged under a number of its own, and the answer names the number.
 *
 * Runs an act of an object and gives what it gives, or why it refuses. What is neither is a bug: it is told without its details, which go to
 * the log, `head` is asked for the head that counts once the act has failed.
 */
export async function outcomeOf<T>(
  act: () => T | Promise<T>,
  head: () => AumHash | null = () => null,
): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await act() };
  } catch (error) {
    const refusal = refusalOf(error, headOrNull(head));
    if (refusal !== null) return { ok: false, error: refusal };
    const fault = randomText(FAULT_CHARS);
    log.error("unexpected failure", { fault }, error);
    return { ok: false, error: { code: "internal", message: `something went wrong here (fault ${fault}): ask again` } };
  }
}
