/** What an admin has set for a tailnet. Source of the first names: Tailscale's `/api/v2/tailnet/{tailnet}/settings`. */

import type { Store } from "./store.ts";

export interface Settings {
  /** New devices wait for an admin's approval. Excludes the lock, both ways. */
  readonly devicesApprovalOn: boolean;
  /** Days after which a node key is over; tagged nodes aside. */
  readonly devicesKeyDurationDays: number;
  /** Ours: the lock may be turned on though a client is too old for it, and would be cut off. */
  readonly lockAllowsOldClients: boolean;
}

const DEFAULTS: Settings = { devicesApprovalOn: false, devicesKeyDurationDays: 180, lockAllowsOldClients: false };

export function readSettings(store: Store): Settings {
  const row = store.row("SELECT settings FROM tailnet");
  return { ...DEFAULTS, ...(JSON.parse(row?.text("settings") ?? "{}") as Partial<Settings>) };
}

export function writeSettings(store: Store, settings: Settings): void {
  store.run("UPDATE tailnet SET settings = ?", JSON.stringify(settings));
}
