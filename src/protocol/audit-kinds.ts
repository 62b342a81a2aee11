/**
 * The kinds of event that a tailnet's record has, each with its action in Tailscale's words. Source of the words: Tailscale's public API,
 * `ConfigurationAuditLog`. A kind that is new is put in here, and nowhere else.
 */

/** Tailscale's, as far as they are used here; READ, REPORT and REFUSE are ours. */
export type AuditAction =
  | "LOGIN"
  | "LOGOUT"
  | "CREATE"
  | "UPDATE"
  | "DELETE"
  | "CANCEL"
  | "REVOKE"
  | "APPROVE"
  | "SUSPEND"
  | "RESTORE"
  | "ENABLE"
  | "DISABLE"
  | "ACCEPT"
  | "EXPIRED"
  | "VERIFY"
  | "INVITE"
  | "DISCONNECT_NODE"
  | "READ"
  | "REFUSE";

export const EVENT_ACTIONS = {
  "tailnet.created": "CREATE",
  "tailnet.deleted": "DELETE",
  "tailnet.settings": "UPDATE",
  "policy.changed": "UPDATE",
  // The object is an older copy of itself: what came after it is not part of the tailnet's history any more.
  "tailnet.restored": "RESTORE",
  "authkey.created": "CREATE",
  "authkey.revoked": "REVOKE",
  "login.approved": "APPROVE",
  "login.denied": "CANCEL",
  // A node joined, came back with another key, or said something new of itself.
  "node.joined": "CREATE",
  "node.rekeyed": "LOGIN",
  "node.described": "UPDATE",
  "node.expiring": "UPDATE",
  "node.expired": "EXPIRED",
  "node.expiry": "UPDATE",
  "node.authorized": "APPROVE",
  "node.tagged": "UPDATE",
  "node.renamed": "UPDATE",
  "node.removed": "DELETE",
  // A person has said something on the node that is to be kept: why it was disconnected.
  "node.reported": "DISCONNECT_NODE",
  // What the lock means for one node.
  "node.signed": "UPDATE",
  "node.needs_signature": "UPDATE",
  "node.needs_direct_signature": "UPDATE",
  "node.waking": "UPDATE",
  "node.ignores_lock": "UPDATE",
  "node.follows_lock": "UPDATE",
  // The lock itself.
  "lock.enabled": "ENABLE",
  "lock.changed": "UPDATE",
  "lock.disabled": "DISABLE",
  "lock.support_sealed": "CREATE",
  "lock.support_read": "READ",
  "share.created": "CREATE",
  "share.accepting": "UPDATE",
  "share.accepted": "ACCEPT",
  "share.withdrawn": "DELETE",
  "share.addressed": "UPDATE",
  // People.
  "user.created": "CREATE",
  "user.approved": "APPROVE",
  "user.role": "UPDATE",
  "user.suspended": "SUSPEND",
  "user.restored": "RESTORE",
  "user.removed": "DELETE",
  // Somebody is invited to be one.
  "invite.created": "CREATE",
  "invite.accepted": "ACCEPT",
  "invite.withdrawn": "DELETE",
  // They sign in, or are made a one-time link to sign in by.
  "person.signed_in": "LOGIN",
  "person.link_made": "INVITE",
  // Their API tokens, and clients that act by themselves.
  "token.created": "CREATE",
  "token.revoked": "REVOKE",
  "client.created": "CREATE",
  "client.changed": "UPDATE",
  "client.revoked": "REVOKE",
  "client.granted": "LOGIN",
  // The record itself: its oldest events were let go of, or it is sent elsewhere.
  "log.trimmed": "DELETE",
  "stream.set": "UPDATE",
  "stream.removed": "DELETE",
  "stream.failing": "UPDATE",
  // Endpoints that are told of events.
  "webhook.created": "CREATE",
  "webhook.changed": "UPDATE",
  "webhook.rotated": "UPDATE",
  "webhook.deleted": "DELETE",
  "webhook.tested": "VERIFY",
  "webhook.replayed": "UPDATE",
  "webhook.failing": "UPDATE",
  "webhook.recovered": "UPDATE",
  // Somebody known has asked for what they may not do.
  "attempt.refused": "REFUSE",
} as const satisfies Readonly<Record<string, AuditAction>>;

/** Which property of its target an event is about, in Tailscale's words, where the target does not say. */
const PROPERTIES: Readonly<Record<string, string>> = {
  "node.tagged": "ACL_TAGS",
  "node.renamed": "MACHINE_NAME",
  "node.expiry": "KEY_EXPIRY_TIME",
  "node.expiring": "KEY_EXPIRY_TIME",
  "node.expired": "KEY_EXPIRY_TIME",
  "node.reported": "CLIENT_LOG",
  "user.role": "USER_ROLE",
  "webhook.changed": "SUBSCRIBED_EVENTS",
  "webhook.rotated": "SECRET",
};

/** Null for none. */
export function propertyOf(kind: EventKind): string | null {
  return PROPERTIES[kind] ?? null;
}

export type EventKind = keyof typeof EVENT_ACTIONS;

export const EVENT_KINDS = Object.keys(EVENT_ACTIONS) as readonly EventKind[];

/** Null for a kind that this program does not know. */
export function actionOf(kind: string): AuditAction | null {
  return Object.hasOwn(EVENT_ACTIONS, kind) ? EVENT_ACTIONS[kind as EventKind] : null;
}
