/**
 * The admin API for what the lock is made of: its keys, its log, its retired chains; and the way in for what was signed elsewhere, a device's signature or AUMs.
 * What comes so is judged as what nodes send, and everybody verifies it again.
 */

import { z } from "zod";
import type { LockKey, LogPage, LoggedAum, RetiredChain } from "../../durable/index.ts";
import { MAX_AUM_BYTES, MAX_BATCH, MAX_SIGNATURE_BYTES, encodeBase64, timeJson } from "../../protocol/index.ts";
import { nodeJson, lockedNode } from "./lock.ts";
import { tailnetRoute, time, type AdminRoute } from "./route.ts";
import { base64, orNull, orZero } from "./shapes.ts";

const PAGE = { most: 500, otherwise: 100 };

const key = { key: z.string(), kind: z.string(), votes: z.int() };

const lockKey = z
  .object({
    ...key,
    metadata: z.record(z.string(), z.string()),
    nodes: z.array(z.string()).meta({ description: "names of the devices whose lock key it is" }),
    signed: z.int().meta({ description: "devices whose signatures rest on it" }),
  })
  .meta({ id: "LockKey" });

function keyJson({ metadata, nodes, ...rest }: LockKey): z.input<typeof lockKey> {
  return { ...rest, metadata: { ...metadata }, nodes: [...nodes] };
}

const update = z
  .object({
    hash: z.string(),
    place: z.int().meta({ description: "how far it is from the genesis" }),
    stored: time,
    kind: z.string(),
    parent: z.string().optional().meta({ description: "absent in a genesis" }),
    key: z.object(key).optional().meta({ description: "the key that it adds" }),
    keyId: z.string().optional().meta({ description: "the key that it removes or changes" }),
    signers: z.array(z.string()),
    aum: z.string().meta({ contentEncoding: "base64", description: "the whole of it, to be verified" }),
  })
  .meta({ id: "LockUpdate" });

function updateJson({ hash, place, stored, kind, parent, key: added, keyId, signers, bytes }: LoggedAum) {
  return {
    hash,
    place,
    stored: timeJson(stored),
    kind,
    ...(parent === "" ? {} : { parent }),
    ...(added === null ? {} : { key: added }),
    ...(keyId === "" ? {} : { keyId }),
    signers: [...signers],
    aum: encodeBase64(bytes),
  } satisfies z.input<typeof update>;
}

const PLACE = /^\d{1,9}$/;
const logQuery = z.object({
  chain: orNull(z.string().max(64)).meta({ description: "the genesis of a retired chain; the active one otherwise" }),
  cursor: orNull(z.string().regex(PLACE, { error: "the cursor of the page before" })),
  limit: orNull(z.string().regex(/^[1-9]\d{0,2}$/, { error: `a number up to ${PAGE.most}` })),
});

function pageJson({ updates, next }: LogPage) {
  return { updates: updates.map(updateJson), ...(next === null ? {} : { cursor: String(next) }) };
}

const retired = z
  .object({ genesis: z.string(), head: z.string(), updates: z.int(), enabled: time, retired: time })
  .meta({ id: "RetiredChain" });

function retiredJson({ enabled, retired: at, ...chain }: RetiredChain): z.input<typeof retired> {
  return { ...chain, enabled: timeJson(enabled), retired: timeJson(at) };
}

const LOCK = "/api/v2/tailnet/:tailnet/lock";

export const LOCK_CHAIN_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "GET",
    path: `${LOCK}/keys`,
    act: "lock.read",
    summary: "The trusted keys, and what rests on each",
    answer: z.object({ head: z.string(), keys: z.array(lockKey) }),
    call: ({ authority }) => authority.lockKeys(),
    format: ({ head, keys }) => ({ head, keys: keys.map(keyJson) }),
  }),
  tailnetRoute({
    method: "GET",
    path: `${LOCK}/log`,
    act: "lock.read",
    summary: "A chain's updates, the newest first, by the page",
    query: logQuery,
    answer: z.object({
      updates: z.array(update),
      cursor: z.string().optional().meta({ description: "of the next page" }),
    }),
    call: ({ authority, query: { chain, cursor, limit } }) =>
      authority.lockLog({
        genesis: chain,
        before: cursor === null ? null : Number(cursor),
        limit: Math.min(PAGE.most, limit === null ? PAGE.otherwise : Number(limit)),
      }),
    format: pageJson,
  }),
  tailnetRoute({
    method: "GET",
    path: `${LOCK}/pending`,
    act: "lock.read",
    summary: "Devices that are locked out until somebody signs them",
    answer: z.object({ devices: z.array(lockedNode) }),
    call: ({ authority }) => authority.lockReport(),
    format: ({ pending }) => ({ devices: pending.map(nodeJson) }),
  }),
  tailnetRoute({
    method: "GET",
    path: `${LOCK}/retired`,
    act: "lock.read",
    summary: "Chains that were turned off, the last first",
    answer: z.object({ chains: z.array(retired) }),
    call: ({ authority }) => authority.retiredChains(),
    format: (chains) => ({ chains: chains.map(retiredJson) }),
  }),
  tailnetRoute({
    method: "POST",
    path: `${LOCK}/signatures`,
    act: "lock.submit",
    summary: "Takes a device's signature that a trusted key has made elsewhere: a direct one",
    body: z.object({ signature: base64(MAX_SIGNATURE_BYTES) }),
    answer: z.object({ nodeId: z.string(), nodeKey: z.string(), signedBy: z.string() }),
    call: ({ authority, by, body }) => authority.submitSignature(by, body.signature),
    format: (signed) => signed,
  }),
  tailnetRoute({
    method: "POST",
    path: `${LOCK}/updates`,
    act: "lock.submit",
    summary: "Takes AUMs that trusted keys have signed elsewhere, the oldest first: all of them, or none",
    body: z.object({
      aums: z.array(base64(MAX_AUM_BYTES)).min(1).max(MAX_BATCH),
      interactive: orZero(z.boolean(), true).meta({
        description:
          "true: somebody's change, refused where it does not go on from the head; false: what may lose, such as a recovery, decided by fork choice",
      }),
    }),
    answer: z.object({ head: z.string() }),
    call: ({ authority, by, body }) => authority.submitUpdates(by, body),
    format: (taken) => taken,
  }),
];
