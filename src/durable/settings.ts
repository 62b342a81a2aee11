/** What an admin has set for a tailnet. Source of the first names: Tailscale's `/api/v2/tailnet/{tailnet}/settings`. */

import { DEFAULT_DNS, type DnsSettings } from "./dns-settings.ts";
import type { By } from "./events.ts";
import { ControlError } from "./refuse.ts";
import type { Store } from "./store.ts";
import type { Tailnet } from "./tailnet.ts";

export interface Settings {
  /** New devices wait for an admin's approval. Excludes the lock, both ways [I9]. */
  readonly devicesApprovalOn: boolean;
  /** Days after which a node key is over; tagged nodes aside. */
  readonly devicesKeyDurationDays: number;
  /** Ours: the lock may be turned on though a client is too old for it, and would be cut off. */
  readonly lockAllowsOldClients: boolean;
  /** Ours: days for which events of the audit log are kept; 0 for good [W19]. */
  readonly auditLogRetentionDays: number;
  /** Set by itself (dns-settings.ts). */
  readonly dns: DnsSettings;
}

type Plain = Omit<Settings, "dns">;
export type SettingsPatch = { readonly [Name in keyof Plain]: Plain[Name] | null };

const DEFAULTS: Settings = {
  devicesApprovalOn: false,
  devicesKeyDurationDays: 180,
  lockAllowsOldClients: false,
  auditLogRetentionDays: 0,
  dns: DEFAULT_DNS,
};
/** As at Tailscale. */
const KEY_DAYS = { least: 1, most: 180 };
/** Ten years. */
const MOST_LOG_DAYS = 3650;

export function readSettings(store: Store): Settings {
  const row = store.row("SELECT settings FROM tailnet");
  return { ...DEFAULTS, ...(JSON.parse(row?.text("settings") ?? "{}") as Partial<Settings>) };
}

export function writeSettings(store: Store, settings: Settings): void {
  store.run("UPDATE tailnet SET settings = ?", JSON.stringify(settings));
}

function patched(before: Settings, patch: SettingsPatch): Settings {
  return {
    ...before,
    devicesApprovalOn: patch.devicesApprovalOn ?? before.devicesApprovalOn,
    devicesKeyDurationDays: patch.devicesKeyDurationDays ?? before.devicesKeyDurationDays,
    lockAllowsOldClients: patch.lockAllowsOldClients ?? before.lockAllowsOldClients,
    auditLogRetentionDays: patch.auditLogRetentionDays ?? before.auditLogRetentionDays,
  };
}

/** Changes what the patch names, null for what stays. Throws `malformed_request`, and `lock_enabled` [I9]. */
export function changeSettings(tailnet: Tailnet, by: By, patch: SettingsPatch, now: number): Settings {
  const before = tailnet.settings;
  const after = patched(before, patch);
  const { devicesKeyDurationDays: days } = after;
  if (days < KEY_DAYS.least || days > KEY_DAYS.most)
    throw new ControlError(
      "malformed_request",
      `devicesKeyDurationDays is between ${KEY_DAYS.least} and ${KEY_DAYS.most}`,
    );
  const { auditLogRetentionDays: logDays } = after;
  if (logDays < 0 || logDays > MOST_LOG_DAYS)
    throw new ControlError(
      "malformed_request",
      `auditLogRetentionDays is between 1 and ${MOST_LOG_DAYS}, or 0 for good`,
    );
  if (after.devicesApprovalOn && !before.devicesApprovalOn) refuseWithLock(tailnet);
  if (JSON.stringify(after) === JSON.stringify(before)) return before;
  tailnet.settings = after;
  tailnet.record(by, { kind: "tailnet.settings", target: tailnet.target("SETTINGS"), old: before, new: after }, now);
  return after;
}

/** [I9] */
function refuseWithLock(tailnet: Tailnet): void {
  const head = tailnet.lock.head();
  if (head === null) return;
  throw new ControlError(
    "lock_enabled",
    "tailnet lock is enabled, and excludes device approval: a signature is the approval; disable the lock first",
    { head },
  );
}
