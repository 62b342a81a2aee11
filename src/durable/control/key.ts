/** The control plane's own private key, as the deployment gives it. */

import { parseControlKey, type Outcome, type Refusal } from "../../protocol/index.ts";
import { TkaError } from "../../tka/index.ts";
import type { ObjectsEnv } from "../env.ts";

const HOW = "set the secret CONTROL_NOISE_KEY to privkey:<64 hex digits>";

function noKey(why: string): { readonly ok: false; readonly error: Refusal } {
  return { ok: false, error: { code: "no_control_key", message: `${why}: ${HOW}` } };
}

/** The 32 bytes, or `no_control_key`: without it Tailscale's clients cannot be served. */
export function controlKeyOf({ CONTROL_NOISE_KEY }: Pick<ObjectsEnv, "CONTROL_NOISE_KEY">): Outcome<Uint8Array> {
  if (CONTROL_NOISE_KEY === undefined || CONTROL_NOISE_KEY === "")
    return noKey("Tailscale clients are not served here");
  try {
    return { ok: true, value: parseControlKey(CONTROL_NOISE_KEY) };
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    return noKey("the control plane's key cannot be read");
  }
}
