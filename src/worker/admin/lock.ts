/** The admin API for the lock: ours. An admin reads how it stands, and can spend a disablement secret; what it is made of stands in lock-chain.ts. */

import { z } from "zod";
import type { LockReport, ReportedNode } from "../../durable/index.ts";
import { encodeBase64 } from "../../protocol/index.ts";
import { nothing, noValue, tailnetRoute, type AdminRoute } from "./route.ts";
import { secret } from "./disablement-secret.ts";

const base64 = z.string().meta({ contentEncoding: "base64" });

export const lockedNode = z
  .object({
    nodeId: z.string(),
    name: z.string(),
    nodeKey: z.string(),
    tailnetLockKey: z.string(),
    tailnetLockError: z.string().optional(),
    tailnetLockWarning: z.string().optional(),
    signCommand: z.string().optional(),
  })
  .meta({ id: "LockedNode" });

export function nodeJson({ stableId, name, nodeKey, lockKey, lock }: ReportedNode): z.input<typeof lockedNode> {
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

const lockStatus = z
  .object({
    enabled: z.boolean(),
    head: z.string(),
    trustedKeys: z.array(z.object({ key: z.string(), votes: z.int(), kind: z.string(), nodes: z.array(z.string()) })),
    pendingSignatures: z.array(lockedNode),
    needDirectSignatures: z.array(lockedNode),
    locallyDisabled: z.array(lockedNode),
    hasSupportSecret: z.boolean(),
  })
  .meta({ id: "LockStatus" });

function reportJson({ head, trustedKeys, pending, atRisk, ignoring, hasSupportSecret }: LockReport) {
  return {
    enabled: head !== null,
    head: head ?? "",
    trustedKeys: trustedKeys.map(({ nodes, ...key }) => ({ ...key, nodes: [...nodes] })),
    pendingSignatures: pending.map(nodeJson),
    needDirectSignatures: atRisk.map(nodeJson),
    locallyDisabled: ignoring.map(nodeJson),
    hasSupportSecret,
  };
}

const LOCK = "/api/v2/tailnet/:tailnet/lock";

export const LOCK_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "GET",
    path: `${LOCK}/status`,
    act: "lock.read",
    summary: "How the lock stands: trusted keys, and nodes that somebody should sign",
    answer: lockStatus,
    call: ({ authority }) => authority.lockReport(),
    format: reportJson,
  }),
  tailnetRoute({
    method: "POST",
    path: `${LOCK}/disable`,
    act: "lock.disable",
    summary: "Turns the lock off by a disablement secret",
    body: z.object({ disablementSecret: secret }),
    answer: nothing,
    call: ({ authority, by, body }) => authority.disableBy(by, body.disablementSecret),
    format: noValue,
  }),
  tailnetRoute({
    method: "GET",
    path: `${LOCK}/export`,
    act: "lock.read",
    summary: "The chain and the signatures, for verifying them elsewhere",
    answer: z.object({
      aums: z.array(base64),
      nodes: z.array(z.object({ nodeKey: z.string(), signature: base64.nullable() })),
    }),
    call: ({ authority }) => authority.exportLock(),
    format: ({ aums, nodes }) => ({
      aums: aums.map(encodeBase64),
      nodes: nodes.map(({ nodeKey, signature }) => ({
        nodeKey,
        signature: signature === null ? null : encodeBase64(signature),
      })),
    }),
  }),
  // A POST, since it is an act of its own and on the record.
  tailnetRoute({
    method: "POST",
    path: `${LOCK}/support-secret`,
    act: "lock.support_read",
    summary: "Gives the sealed support secret away, on the record",
    answer: z.object({
      tailnet: z.string(),
      name: z.string(),
      genesis: z.string(),
      head: z.string(),
      nodes: z.int(),
      supportKey: z.string(),
      disablementValue: base64,
      box: base64,
    }),
    call: ({ authority, by }) => authority.readSupport(by),
    format: ({ disablementValue, box, ...sealed }) => ({
      ...sealed,
      disablementValue: encodeBase64(disablementValue),
      box: encodeBase64(box),
    }),
  }),
];
