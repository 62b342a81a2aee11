/**
 * Disablement secrets that are wrong. Whoever has one to try is somebody who is known, and others are to learn of it.
 *
 * Rule [W24]: a wrong disablement secret is on the record, as a refused attempt; never the secret.
 */

import type { Outcome, Refusal } from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import { ControlError } from "../refuse.ts";
import { recordRefused } from "../audit/refused-attempts.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** What came of an act with a secret. A refusal is a value here: what is thrown would take the event with it. */
export type Tried<T> = { readonly value: T } | { readonly refusal: Refusal };

/** Runs an act that has written nothing where it finds the secret wrong, and puts that on the record. */
export function trySecret<T>(tailnet: Tailnet, by: By, act: () => T, now: number): Tried<T> {
  try {
    return { value: act() };
  } catch (error) {
    if (!(error instanceof ControlError) || error.refusal.code !== "incorrect_secret") throw error;
    recordRefused(tailnet, by, { act: "lock.disable", error: error.message, property: "TKA" }, now);
    return { refusal: error.refusal };
  }
}

/** What whoever asked is answered. */
export async function triedOutcome<T>(trying: Promise<Outcome<Tried<T>>>): Promise<Outcome<T>> {
  const outcome = await trying;
  if (!outcome.ok) return outcome;
  const tried = outcome.value;
  return "refusal" in tried ? { ok: false, error: tried.refusal } : { ok: true, value: tried.value };
}
