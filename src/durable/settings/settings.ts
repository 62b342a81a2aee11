/**
 * What an admin has set for a tailnet. Source of the first names: Tailscale's `/api/v2/tailnet/{tailnet}/settings`.
 *
 * Rule [W25]: that events are kept for less long is said by an owner or the operator: whoever else may change settings could undo what the log tells of
 *             them.
 */

import type { Contacts } from "./contacts.ts";
import { DEFAULT_DNS, type DnsSettings } from "./dns-settings.ts";
import type { By } from "../audit/events.ts";
import { ControlError } from "../refuse.ts";
import type { Store } from "../store.ts";
import type { Tailnet } from "../authority/tailnet.ts";

export interface Settings {
  /** New devices wait for an admin's approval. Excludes the lock, both ways [I9]. */
  readonly devicesApprovalOn: boolean;
  /** People who come by an invite wait for an admin's approval [P62]. */
  readonly usersApprovalOn: boolean;
  /** Days after which a node key is over; tagged nodes aside. */
  readonly devicesKeyDurationDays: number;
  /** Ours: the lock may be turned on though a client is too old for it, and would be cut off. */
  readonly lockAllowsOldClients: boolean;
  /** Ours: days for which events of the audit log are kept; 0 for good [W19]. */
  readonly auditLogRetentionDays: number;
  /** The policy file is kept elsewhere: whoever would change it by hand is told where. It is a note, and keeps nobody from it. */
  readonly aclsExternallyManagedOn: boolean;
  readonly aclsExternalLink: string;
  /** Set by itself (dns-settings.ts). */
  readonly dns: DnsSettings;
  /** Set by themselves (contacts.ts): those that were. */
  readonly contacts: Partial<Contacts>;
}

type Plain = Omit<Settings, "dns" | "contacts">;
export type SettingsPatch = { readonly [Name in keyof Plain]: Plain[Name] | null };

const DEFAULTS: Settings = {
  devicesApprovalOn: false,
  usersApprovalOn: false,
  devicesKeyDurationDays: 180,
  lockAllowsOldClients: false,
  auditLogRetentionDays: 0,
  aclsExternallyManagedOn: false,
  aclsExternalLink: "",
  dns: DEFAULT_DNS,
  contacts: {},
};
const MAX_LINK_CHARS = 2048;
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
    usersApprovalOn: patch.usersApprovalOn ?? before.usersApprovalOn,
    devicesKeyDurationDays: patch.devicesKeyDurationDays ?? before.devicesKeyDurationDays,
    lockAllowsOldClients: patch.lockAllowsOldClients ?? before.lockAllowsOldClients,
    auditLogRetentionDays: patch.auditLogRetentionDays ?? before.auditLogRetentionDays,
    aclsExternallyManagedOn: patch.aclsExternallyManagedOn ?? before.aclsExternallyManagedOn,
    aclsExternalLink: patch.aclsExternalLink ?? before.aclsExternalLink,
  };
}

/** A link that a page may show: none, or one of the web. */
function isLink(text: string): boolean {
  return text === "" || (text.length <= MAX_LINK_CHARS && /^https?:\/\//.test(text) && URL.canParse(text));
}

/** Throws `malformed_request`. The settings are attacker-controlled. */
function refuseWrong(after: Settings): void {
  const refuse = (message: string): never => {
    throw new ControlError("malformed_request", message);
  };
  const { devicesKeyDurationDays: days, auditLogRetentionDays: logDays } = after;
  if (days < KEY_DAYS.least || days > KEY_DAYS.most)
    refuse(`devicesKeyDurationDays is between ${KEY_DAYS.least} and ${KEY_DAYS.most}`);
  if (logDays < 0 || logDays > MOST_LOG_DAYS)
    refuse(`auditLogRetentionDays is between 1 and ${MOST_LOG_DAYS}, or 0 for good`);
  if (!isLink(after.aclsExternalLink)) refuse("aclsExternalLink is a URL, or empty");
}

/** [W25] */
function refuseForgetting({ users }: Tailnet, { actor }: By, before: Settings, after: Settings): void {
  const days = ({ auditLogRetentionDays }: Settings): number => auditLogRetentionDays || Infinity;
  if (days(after) >= days(before) || actor.type === "OPERATOR" || users.behind(actor)?.role === "owner") return;
  throw new ControlError("forbidden", "only an owner may have events of the audit log kept for less long");
}

/** Changes what the patch names, null for what stays. Throws `malformed_request`, `lock_enabled` [I9], and `forbidden` [W25]. */
export function changeSettings(tailnet: Tailnet, by: By, patch: SettingsPatch, now: number): Settings {
  const before = tailnet.settings;
  const after = patched(before, patch);
  refuseWrong(after);
  refuseForgetting(tailnet, by, before, after);
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
