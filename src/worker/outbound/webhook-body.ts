/**
 * What an endpoint is told: Tailscale's JSON, or a line of text in the words of a chat. Source of the names: Tailscale's documentation of webhooks and its
 * example of a consumer, whose `data` is a map of texts: so every value here is one.
 *
 * Beside Tailscale's fields each message carries the head of the log, as of its event: `epoch`, `sequence`, `hash`, and `previousHash`, that of the event
 * before (empty for the first one of an epoch). Whoever keeps them sees if the log is ever another. `requestId` is that of the request behind it.
 */

import type { WebhookAttempt } from "../../durable/index.ts";
import { auditRecord, type AuditRecord, type WebhookProvider, type WebhookType } from "../../protocol/index.ts";
import { encodeHex } from "../../tka/index.ts";

/** One message. */
export interface WebhookMessage {
  /** RFC 3339. */
  readonly timestamp: string;
  readonly version: 1;
  readonly type: WebhookType;
  /** The tailnet's name. */
  readonly tailnet: string;
  /** A sentence for people. */
  readonly message: string;
  readonly data: Readonly<Record<string, string>>;
  readonly epoch: string;
  readonly sequence: number;
  /** Hexadecimal. */
  readonly hash: string;
  readonly previousHash: string;
  readonly requestId: string;
  /** Of an `auditEvent`: the event as the log has it, by which its hash can be made anew. */
  readonly record?: AuditRecord;
}

interface Named {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly login?: string;
}

/** An event with its JSON read. */
interface ReadEvent {
  readonly managedBy: string;
  readonly kind: string;
  readonly tailnet: string;
  readonly actor: Named;
  readonly target: Named;
  readonly old: Readonly<Record<string, unknown>>;
  readonly new: Readonly<Record<string, unknown>>;
}

function members(json: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(json);
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function read({ event, tailnetName, managedBy }: WebhookAttempt): ReadEvent {
  return {
    kind: event.kind,
    tailnet: tailnetName,
    managedBy,
    actor: JSON.parse(event.actor) as Named,
    target: JSON.parse(event.target) as Named,
    old: members(event.old),
    new: members(event.new),
  };
}

function nameOf({ login, name, id }: Named): string {
  return login ?? (name === "" ? id : name);
}

function deviceOf({ target, tailnet }: ReadEvent): string {
  return target.name === "" ? target.id : `${target.name}.${tailnet}`;
}

/** Sentences by type: who has done it stands at the end. */
const SENTENCES: Readonly<Record<WebhookType, (event: ReadEvent) => string>> = {
  nodeCreated: (event) => `Node ${deviceOf(event)} was created`,
  nodeNeedsApproval: (event) => `Node ${deviceOf(event)} needs approval`,
  nodeApproved: (event) => `Node ${deviceOf(event)} was approved`,
  nodeKeyExpiringInOneDay: (event) => `The key of node ${deviceOf(event)} expires in one day`,
  nodeKeyExpired: (event) => `The key of node ${deviceOf(event)} has expired`,
  nodeDeleted: (event) => `Node ${deviceOf(event)} was deleted`,
  nodeSigned: (event) => `Node ${deviceOf(event)} was signed`,
  nodeNeedsSignature: (event) => `Node ${deviceOf(event)} needs a signature`,
  nodeIgnoresLock: (event) => `Node ${deviceOf(event)} ignores the tailnet lock`,
  nodeFollowsLock: (event) => `Node ${deviceOf(event)} follows the tailnet lock again`,
  policyUpdate: () => "The policy file was changed",
  userCreated: ({ target }) => `User ${nameOf(target)} was created`,
  userNeedsApproval: ({ target }) => `User ${nameOf(target)} needs approval`,
  userApproved: ({ target }) => `User ${nameOf(target)} was approved`,
  userSuspended: ({ target }) => `User ${nameOf(target)} was suspended`,
  userRestored: ({ target }) => `User ${nameOf(target)} was restored`,
  userDeleted: ({ target }) => `User ${nameOf(target)} was deleted`,
  userRoleUpdated: ({ target }) => `The role of user ${nameOf(target)} was changed`,
  subnetIPForwardingNotEnabled: (event) => `Node ${deviceOf(event)} forwards no packets of its subnets`,
  exitNodeIPForwardingNotEnabled: (event) => `Node ${deviceOf(event)} forwards no packets as an exit node`,
  lockEnabled: () => "The tailnet lock was enabled",
  lockChanged: () => "The tailnet lock was changed",
  lockDisabled: () => "The tailnet lock was disabled",
  lockSupportSecretSealed: () => "A disablement secret was sealed for support",
  lockSupportSecretRead: () => "The sealed disablement secret for support was read",
  webhookFailing: ({ target }) => `The webhook to ${target.name} (${target.id}) has failed for a day`,
  webhookUpdated: () => "This webhook was changed",
  webhookDeleted: () => "This webhook was deleted",
  auditEvent: ({ kind, target }) => `${kind}: ${nameOf(target)}`,
  test: () => "This is a test of a webhook",
};

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Those members of a detail that are there, under the names that go out. */
function some(detail: Readonly<Record<string, unknown>>, names: Readonly<Record<string, string>>) {
  const found = Object.entries(names).flatMap(([member, name]) => {
    const value = detail[member];
    return value === undefined || value === null ? [] : [[name, textOf(value)] as const];
  });
  return Object.fromEntries(found);
}

function nodeData(event: ReadEvent): Record<string, string> {
  const names = { nodeKey: "nodeKey", keyExpiry: "expiration", tags: "tags", why: "reason", command: "command" };
  const managedBy = event.managedBy === "" ? {} : { managedBy: event.managedBy };
  return {
    nodeID: event.target.id,
    deviceName: deviceOf(event),
    ...managedBy,
    ...some({ ...event.old, ...event.new }, names),
  };
}

function userData(event: ReadEvent): Record<string, string> {
  const { target, old } = event;
  return {
    user: nameOf(target),
    userID: target.id,
    ...some(old, { role: "oldRoles" }),
    ...some(event.new, { role: "newRoles" }),
  };
}

function otherData(event: ReadEvent): Record<string, string> {
  return {
    target: nameOf(event.target),
    targetID: event.target.id,
    ...some(event.old, { head: "oldHead", etag: "oldETag" }),
    ...some(event.new, { head: "newHead", etag: "newETag", error: "error", creator: "creatorLoginName" }),
  };
}

function dataOf(type: WebhookType, event: ReadEvent): Record<string, string> {
  const actor = { actor: nameOf(event.actor), actorType: event.actor.type };
  if (type === "auditEvent")
    return { kind: event.kind, target: nameOf(event.target), targetID: event.target.id, ...actor };
  switch (event.target.type) {
    case "NODE":
      return { ...nodeData(event), ...actor };
    case "USER":
      return { ...userData(event), ...actor };
    default:
      return { ...otherData(event), ...actor };
  }
}

/** The message of an attempt: the same at every attempt, but for what is looked up of a node that has changed since. */
export function messageOf(attempt: WebhookAttempt): WebhookMessage {
  const { type, event, hashBefore, tailnetName } = attempt;
  const known = read(attempt);
  return {
    timestamp: new Date(event.at).toISOString(),
    version: 1,
    type,
    tailnet: tailnetName,
    message: SENTENCES[type](known),
    data: dataOf(type, known),
    epoch: event.epoch,
    sequence: event.seq,
    hash: encodeHex(event.hash),
    previousHash: encodeHex(hashBefore),
    requestId: event.group ?? "",
    ...(type === "auditEvent" ? { record: auditRecord(event) } : {}),
  };
}

/** A line for a chat, and no more than one: another would pass for a message of its own. Names in it may be a node's own word: attacker-controlled. */
function line({ tailnet, message, data, sequence }: WebhookMessage): string {
  const text = `[${tailnet}] ${message} (by ${data["actor"] ?? "nobody"}; log entry ${sequence})`;
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ");
}

/** No link, and nobody who is called: chats that mark their commands with `<…>`. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The same for chats that call whom an `@` names: a space of no width stands after it. */
function uncalled(text: string): string {
  return text.replaceAll("@", "@\u{200b}");
}

/** Characters that Discord takes. */
const DISCORD_CHARS = 2000;

/** The body of a request, in the words of its receiver. */
export function webhookBody(provider: WebhookProvider, message: WebhookMessage): string {
  switch (provider) {
    case "":
      return JSON.stringify([message]);
    case "slack":
    case "googlechat":
      return JSON.stringify({ text: escaped(line(message)) });
    case "mattermost":
      return JSON.stringify({ text: uncalled(line(message)) });
    case "discord":
      return JSON.stringify({ content: line(message).slice(0, DISCORD_CHARS), allowed_mentions: { parse: [] } });
  }
}
