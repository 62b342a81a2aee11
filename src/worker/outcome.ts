/** What an object gave, for callers that have nobody to answer to. */

import type { Outcome } from "../protocol/index.ts";

/** The value. Throws where the object refused, with its code. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
}
