/**
 * What a webhook endpoint may subscribe to, and which events of the record each of these is. Source of the first names and of the categories:
 * Tailscale's API (`client/tailscale/v2`, webhooks.go) and its documentation of webhooks; those of the lock and of the record are ours.
 */

import type { EventKind } from "./audit-kinds.ts";

/** Kinds of message that an endpoint may subscribe to, by the category that brings them all, those to come included. */
const BY_CATEGORY = {
  categoryTailnetManagement: [
    "nodeCreated",
    "nodeNeedsApproval",
    "nodeApproved",
    "nodeKeyExpiringInOneDay",
    "nodeKeyExpired",
    "nodeDeleted",
    "nodeSigned",
    "nodeNeedsSignature",
    "policyUpdate",
    "userCreated",
    "userNeedsApproval",
    "userApproved",
    "userSuspended",
    "userRestored",
    "userDeleted",
    "userRoleUpdated",
    "webhookFailing",
  ],
  // Known, so that what is written for Tailscale goes on; nothing here says so of a node yet.
  categoryDeviceMisconfigurations: ["subnetIPForwardingNotEnabled", "exitNodeIPForwardingNotEnabled"],
  categoryTailnetLock: [
    "nodeSigned",
    "nodeNeedsSignature",
    "nodeIgnoresLock",
    "nodeFollowsLock",
    "lockEnabled",
    "lockChanged",
    "lockDisabled",
    "lockSupportSecretSealed",
    "lockSupportSecretRead",
  ],
  // Every event there is, so that whoever gets them all can follow the chain of their hashes.
  categoryAudit: ["auditEvent"],
} as const;

export type WebhookCategory = keyof typeof BY_CATEGORY;
/** What an endpoint is told of itself, whatever it subscribes to. */
export type OwnWebhookType = "test" | "webhookUpdated" | "webhookDeleted";
export type WebhookType = (typeof BY_CATEGORY)[WebhookCategory][number] | OwnWebhookType;
export type WebhookSubscription = Exclude<WebhookType, OwnWebhookType> | WebhookCategory;

const CATEGORIES = Object.keys(BY_CATEGORY) as WebhookCategory[];

/** All that can be subscribed to. */
export const WEBHOOK_SUBSCRIPTIONS: readonly WebhookSubscription[] = [
  ...new Set<WebhookSubscription>([...CATEGORIES, ...Object.values(BY_CATEGORY).flat()]),
];

export const WEBHOOK_PROVIDERS = ["", "slack", "mattermost", "googlechat", "discord"] as const;
/** In whose words an endpoint is told; empty for Tailscale's own JSON. */
export type WebhookProvider = (typeof WEBHOOK_PROVIDERS)[number];

/** What an event means to whoever subscribes, by its kind; every event is an `auditEvent` besides. */
const BY_KIND: Readonly<Partial<Record<EventKind, WebhookType | ((detail: unknown) => readonly WebhookType[])>>> = {
  "node.joined": (detail) => (isFalse(detail, "authorized") ? ["nodeCreated", "nodeNeedsApproval"] : ["nodeCreated"]),
  "node.authorized": (detail) => (isFalse(detail, "authorized") ? ["nodeNeedsApproval"] : ["nodeApproved"]),
  "node.expiring": "nodeKeyExpiringInOneDay",
  "node.expired": "nodeKeyExpired",
  "node.removed": "nodeDeleted",
  "node.signed": "nodeSigned",
  "node.needs_signature": "nodeNeedsSignature",
  "node.needs_direct_signature": "nodeNeedsSignature",
  "node.ignores_lock": "nodeIgnoresLock",
  "node.follows_lock": "nodeFollowsLock",
  "policy.changed": "policyUpdate",
  "user.created": (detail) => (isFalse(detail, "approved") ? ["userCreated", "userNeedsApproval"] : ["userCreated"]),
  "user.approved": "userApproved",
  "user.suspended": "userSuspended",
  "user.restored": "userRestored",
  "user.removed": "userDeleted",
  "user.role": "userRoleUpdated",
  "lock.enabled": "lockEnabled",
  "lock.changed": "lockChanged",
  "lock.disabled": "lockDisabled",
  "lock.support_sealed": "lockSupportSecretSealed",
  "lock.support_read": "lockSupportSecretRead",
  "webhook.failing": "webhookFailing",
};

/** What an event of a webhook means to that endpoint itself. */
const OWN_BY_KIND: Readonly<Partial<Record<EventKind, OwnWebhookType>>> = {
  "webhook.tested": "test",
  "webhook.changed": "webhookUpdated",
  "webhook.rotated": "webhookUpdated",
  "webhook.deleted": "webhookDeleted",
};

function isFalse(detail: unknown, member: string): boolean {
  return typeof detail === "object" && detail !== null && (detail as Record<string, unknown>)[member] === false;
}

/** What an event is to subscribers. `detail`: its `new`. */
export function webhookTypesOf(kind: string, detail: unknown): readonly WebhookType[] {
  const known = Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind as EventKind] : undefined;
  if (known === undefined) return ["auditEvent"];
  return [...(typeof known === "string" ? [known] : known(detail)), "auditEvent"];
}

/** What an event is to the endpoint that it is about, or null. */
export function ownWebhookTypeOf(kind: string): OwnWebhookType | null {
  return (Object.hasOwn(OWN_BY_KIND, kind) ? OWN_BY_KIND[kind as EventKind] : null) ?? null;
}

/** True if one of the subscriptions brings messages of that type. */
export function isSubscribed(subscriptions: readonly WebhookSubscription[], type: WebhookType): boolean {
  return subscriptions.some(
    (each) => each === type || (Object.hasOwn(BY_CATEGORY, each) && typesIn(each as WebhookCategory).includes(type)),
  );
}

function typesIn(category: WebhookCategory): readonly WebhookType[] {
  return BY_CATEGORY[category];
}
