/**
 * The address of a webhook or a collector: judged when it is given, kept sealed, and shown to whoever may read it. It may have a secret in it.
 *
 * Rule [W35]: an address is stored sealed [W30]; events, the log and the record name it by its host or origin alone.
 */

import { openSecret, sealSecret, type SealedFor } from "../../durable/index.ts";
import type { ControlErrorCode, Outcome } from "../../protocol/index.ts";
import type { WorkerEnv } from "../env.ts";
import { judgeAddress } from "./guarded-post.ts";

/** An address that was taken. */
export interface TakenAddress {
  readonly box: Uint8Array;
  /** What could not be found out of it, for whoever has given it; or null. */
  readonly warning: string | null;
}

/**
 * Judges an address [W31][W32] and seals it. One that leads to where nothing is sent is refused with `code`, named as `field`; one of which that cannot be
 * said now is taken, with a warning: each attempt judges it again. Refuses with `no_storage_key`.
 */
export async function takeAddress(
  env: WorkerEnv,
  what: SealedFor,
  text: string,
  { code, field }: { readonly code: ControlErrorCode; readonly field: string },
): Promise<Outcome<TakenAddress>> {
  const judgement = await judgeAddress(env, text);
  if (judgement.verdict === "closed") return { ok: false, error: { code, message: `${field}: ${judgement.why}` } };
  const box = await sealSecret(env, what, text);
  if (!box.ok) return box;
  const warning = judgement.verdict === "open" ? null : `${judgement.why}; it is looked up again before each attempt`;
  return { ok: true, value: { box: box.value, warning } };
}

/** The address in a box; of one that does not open, `known`: what people are shown of it without. */
export async function shownAddress(env: WorkerEnv, what: SealedFor, box: Uint8Array, known: string): Promise<string> {
  const opened = await openSecret(env, what, box);
  return opened.ok ? opened.value : `${known}/…`;
}
