/** Turning the lock off with a disablement secret. The chain is retired, not deleted; the secret is public from then on. */

import { equalBytes, validDisablement, type DisablementKdf } from "../../tka/index.ts";
import { MAX_SECRET_BYTES, type EmptyResponse } from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import { lockDetail } from "./standing.ts";
import { ControlError } from "../refuse.ts";
import { supportValue } from "./support.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Throws `lock_not_enabled`, `incorrect_secret`. The same secret again, after it has worked, is answered with success. */
export function disable(tailnet: Tailnet, by: By, secret: Uint8Array, kdf: DisablementKdf, now: number): EmptyResponse {
  if (secret.length > MAX_SECRET_BYTES)
    throw new ControlError("incorrect_secret", "the disablement secret is too long to be one");
  if (tailnet.lock.active() === null && tailnet.lock.retiredBy(secret)) return {};
  const active = tailnet.lock.require();
  tailnet.countSecret(by, now);
  const value = kdf(secret);
  if (!validDisablement(active.authority.state, secret, () => value))
    throw new ControlError("incorrect_secret", "this is not one of the disablement secrets of this tailnet's lock");
  const { head, state } = active.authority;
  const known = supportValue(tailnet, active);
  const isSupport = known !== null && equalBytes(known, value);
  tailnet.lock.retire(active, secret, now);
  const detail = isSupport ? { new: { secret: "support" } } : {};
  const seq = tailnet.recordLock(by, { kind: "lock.disabled", old: lockDetail(head, state), ...detail }, now);
  tailnet.nodes.clearSignatures(seq);
  return {};
}
