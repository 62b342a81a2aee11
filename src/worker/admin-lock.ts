/** The admin API for the lock: ours. An admin reads how it stands, and can spend a disablement secret; all else is for nodes to sign. */

import type { LockReport, ReportedNode } from "../durable/index.ts";
import { record } from "../protocol/index.ts";
import { byOf, nothing, tailnetBodyRoute, tailnetRoute, type AdminRoute } from "./admin-route.ts";
import { secret } from "./admin-secret.ts";

function nodeJson({ stableId, name, nodeKey, lockKey, lock }: ReportedNode) {
  const { error, warning, command } = lock;
  return {
    nodeId: stableId,
    name,
    nodeKey,
    tailnetLockKey: lockKey,
    ...(error === "" ? {} : { tailnetLockError: error }),
    ...(warning === "" ? {} : { tailnetLockWarning: warning }),
    ...(command === "" ? {} : { signCommand: command }),
  };
}

function reportJson({ head, trustedKeys, pending, atRisk, ignoring, hasSupportSecret }: LockReport) {
  return {
    enabled: head !== null,
    head: head ?? "",
    trustedKeys,
    pendingSignatures: pending.map(nodeJson),
    needDirectSignatures: atRisk.map(nodeJson),
    locallyDisabled: ignoring.map(nodeJson),
    hasSupportSecret,
  };
}

const LOCK = "/api/v2/tailnet/:tailnet/lock";
const disableBody = record({ disablementSecret: secret });

export const LOCK_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: `${LOCK}/status`,
    act: "lock.read",
    handle: tailnetRoute((authority) => authority.lockReport(), reportJson),
  },
  {
    method: "POST",
    path: `${LOCK}/disable`,
    act: "lock.disable",
    handle: tailnetBodyRoute(
      disableBody,
      (authority, c, { disablementSecret }) => authority.disableBy(byOf(c), disablementSecret),
      nothing,
    ),
  },
  {
    method: "GET",
    path: `${LOCK}/export`,
    act: "lock.read",
    handle: tailnetRoute(
      (authority) => authority.exportLock(),
      (exported) => exported,
    ),
  },
  // A POST, since it is an act of its own and on the record.
  {
    method: "POST",
    path: `${LOCK}/support-secret`,
    act: "lock.support_read",
    handle: tailnetRoute(
      (authority, c) => authority.readSupport(byOf(c)),
      (sealed) => sealed,
    ),
  },
];
