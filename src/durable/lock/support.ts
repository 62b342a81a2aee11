/**
 * The support secret as it is kept: sealed, beside the chain that it would turn off, and gone with that.
 *
 * Rule [U5]: a secret is taken only if its disablement value is one of the genesis': a box that opens nothing would be found out too late.
 * Rule [U6]: whoever fetches the box is on the record before it leaves; so is the disable that spends it, as one by the support secret.
 */

import { equalBytesConstantTime, type DisablementKdf, type Prepared } from "../../tka/index.ts";
import {
  MAX_SECRET_BYTES,
  formatSupportKey,
  type InitFinishRequest,
  type SealedSupport,
} from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import type { ActiveLock } from "./lock.ts";
import { ControlError } from "../refuse.ts";
import type { SupportBox } from "./support-seal.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** A support secret on its way in: its value and, where it could be sealed, its box. */
export interface OfferedSupport {
  /** 32 bytes, which anybody may see. */
  readonly value: Uint8Array;
  readonly sealed: SupportBox | null;
}

export function supportUnavailable(): ControlError {
  return new ControlError(
    "support_unavailable",
    "this control plane has no key to seal a support secret to: initialize without one",
  );
}

/** What a finish brings, or null where it brings none. Throws `support_unavailable`, and `incorrect_secret` for one that is too long. */
export function offeredSupport(
  { SupportDisablement: secret }: InitFinishRequest,
  sealed: SupportBox | null,
  hasKey: boolean,
  kdf: DisablementKdf,
): OfferedSupport | null {
  if (secret.length === 0) return null;
  if (!hasKey) throw supportUnavailable();
  if (secret.length > MAX_SECRET_BYTES)
    throw new ControlError("incorrect_secret", "the support secret is too long to be one");
  return { value: kdf(secret), sealed };
}

/** The box for a prepared genesis [U5]. Throws `incorrect_secret`, or `try_again` where another init has begun since it was sealed. */
export function boxFor({ head, state }: Prepared, { value, sealed }: OfferedSupport): SupportBox {
  const isNamed = (state.disablementValues ?? []).some(
    (known) => known !== null && equalBytesConstantTime(known, value),
  );
  if (!isNamed)
    throw new ControlError("incorrect_secret", "the support secret is not one of those that the genesis names");
  if (sealed === null) throw supportUnavailable();
  if (sealed.genesis !== head)
    throw new ControlError("try_again", "another initialization has begun in the meantime: finish again");
  return sealed;
}

/** Stores the box with the chain that has just begun, and says so. */
export function storeSupport(tailnet: Tailnet, by: By, box: SupportBox, value: Uint8Array, now: number): void {
  tailnet.store.run(
    "UPDATE chains SET support_key = ?, support_value = ?, support_box = ? WHERE retired IS NULL",
    box.supportKey,
    value,
    box.box,
  );
  const detail = { genesis: box.genesis, supportKey: formatSupportKey(box.supportKey) };
  tailnet.record(by, { kind: "lock.support_sealed", target: tailnet.target("TKA"), new: detail }, now);
}

/** The value of the support secret of a chain, or null where it has none. */
export function supportValue(tailnet: Tailnet, { chain }: ActiveLock): Uint8Array | null {
  const row = tailnet.store.row("SELECT support_value FROM chains WHERE id = ?", chain);
  return row?.bytesOrNull("support_value") ?? null;
}

/** Gives the sealed secret away, on the record [U6]. Throws `lock_not_enabled`, `no_support_secret`. */
export function readSupport(tailnet: Tailnet, by: By, now: number): SealedSupport {
  const { chain, authority } = tailnet.lock.require();
  const row = tailnet.store.row(
    "SELECT genesis, support_key, support_value, support_box FROM chains WHERE id = ?",
    chain,
  );
  const [key, value, box] = ["support_key", "support_value", "support_box"].map((column) => row?.bytesOrNull(column));
  if (!row || !key || !value || !box)
    throw new ControlError("no_support_secret", "this lock was turned on without a support secret");
  const genesis = row.text("genesis");
  const supportKey = formatSupportKey(key);
  const event = { kind: "lock.support_read", target: tailnet.target("TKA"), new: { genesis, supportKey } } as const;
  tailnet.record(by, event, now);
  const { id, name } = tailnet.info();
  const nodes = tailnet.nodes.all().length;
  return { tailnet: id, name, genesis, head: authority.head, nodes, supportKey, disablementValue: value, box };
}
