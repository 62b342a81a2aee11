/** How a tailnet's lock stands, for its admins. */

import { formatLockKey, type AumHash, type NodeKey } from "../../tka/index.ts";
import { lockOf, type DeviceLock } from "../nodes/devices.ts";
import { lockDetail, type KeyDetail } from "./standing.ts";
import type { NodeRecord } from "../nodes/nodes.ts";
import { supportValue } from "./support.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** A node that somebody should look at. */
export interface ReportedNode {
  readonly stableId: string;
  readonly name: string;
  readonly nodeKey: NodeKey;
  /** `tlpub:…`, or empty. */
  readonly lockKey: string;
  readonly lock: DeviceLock;
}

export interface LockReport {
  readonly head: AumHash | null;
  readonly trustedKeys: readonly (KeyDetail & { readonly nodes: readonly string[] })[];
  /** Nodes that are locked out. */
  readonly pending: readonly ReportedNode[];
  /** Nodes that will be locked out unless they are signed directly [G12]. */
  readonly atRisk: readonly ReportedNode[];
  /** Nodes that ignore the lock by their owners' choice [A6]. */
  readonly ignoring: readonly ReportedNode[];
  /** True if a sealed support secret is kept. */
  readonly hasSupportSecret: boolean;
}

function reported(tailnet: Tailnet, node: NodeRecord): ReportedNode {
  const { stableId, name, nodeKey, lockKey } = node;
  const text = lockKey === null ? "" : formatLockKey(lockKey);
  return { stableId, name, nodeKey, lockKey: text, lock: lockOf(tailnet, node) };
}

export function lockReport(tailnet: Tailnet): LockReport {
  const active = tailnet.lock.active();
  if (active === null)
    return { head: null, trustedKeys: [], pending: [], atRisk: [], ignoring: [], hasSupportSecret: false };
  const { head, state } = active.authority;
  const nodes = tailnet.nodes.all().map((node) => reported(tailnet, node));
  // Another tailnet's node may say that it has anybody's lock key.
  const own = tailnet.nodes.own().map((node) => reported(tailnet, node));
  const ownersOf = (key: string): string[] => own.filter(({ lockKey }) => lockKey === key).map(({ name }) => name);
  return {
    head,
    trustedKeys: lockDetail(head, state).trustedKeys.map((key) => ({ ...key, nodes: ownersOf(key.key) })),
    pending: nodes.filter(({ lock }) => lock.error !== ""),
    atRisk: nodes.filter(({ lock }) => lock.warning !== ""),
    ignoring: nodes.filter(({ lock }) => lock.ignored),
    hasSupportSecret: supportValue(tailnet, active) !== null,
  };
}
