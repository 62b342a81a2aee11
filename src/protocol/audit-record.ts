/**
 * An event of the record as it goes out: Tailscale's configuration-log JSON, and beside it what links the events. The two ways round it loses
 * nothing, so that whoever holds the JSON can check the hashes. Source of the names: Tailscale's public API, `ConfigurationAuditLog`.
 *
 * Rule [W17]: the hash of an event is the SHA-256 of the hash before it, of the same epoch, and the UTF-8 of its preimage: a JSON array of its
 *            epoch, sequence number, time, kind, actor, origin, target, old, new and event group; actor, target, old and new are texts of JSON.
 * Rule [W18]: those four texts are canonical JSON, so that a record survives whatever orders its members anew. An event without a group was
 *            stored before there were groups: its preimage ends with `new`, and its texts are JSON in the order in which they came.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { decodeHex, encodeHex, encodeUtf8 } from "../tka/index.ts";
import { actionOf } from "./audit-kinds.ts";
import { canonicalJson } from "./canonical-json.ts";
import { ZERO_TIME } from "./go-time.ts";
import { ShapeError, integer, record, text, type Shape } from "./shape.ts";

/** The parts of an event over which its hash is. `at` in milliseconds since the epoch; actor, target, old and new are JSON. */
export interface AuditFields {
  readonly epoch: string;
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly actor: string;
  readonly origin: string;
  readonly target: string;
  readonly old: string;
  readonly new: string;
  readonly group: string | null;
}

/** What an event's hash is over, beside the hash before it [W17][W18]. */
export function auditPreimage(event: AuditFields): string {
  const { epoch, seq, at, kind, actor, origin, target, group } = event;
  const fields = [epoch, seq, at, kind, actor, origin, target, event.old, event.new];
  return JSON.stringify(group === null ? fields : [...fields, group]);
}

/** An event that there is, and its hash. */
export interface AuditEvent extends AuditFields {
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

export interface AuditRecordActor {
  readonly id: string;
  readonly type: string;
  readonly loginName?: string;
  readonly displayName: string;
  readonly tags?: readonly string[];
}

export interface AuditRecordTarget {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly isEphemeral?: boolean;
  readonly property?: string;
}

/** The record's JSON. */
export interface AuditRecord {
  /** RFC 3339, to the millisecond. */
  readonly eventTime: string;
  readonly type: "CONFIG";
  /** None: nothing is ever held back here. */
  readonly deferredAt: typeof ZERO_TIME;
  /** Empty in an event from before there were groups. */
  readonly eventGroupID: string;
  readonly origin: string;
  readonly actor: AuditRecordActor;
  readonly target: AuditRecordTarget;
  readonly action: string;
  readonly old: unknown;
  readonly new: unknown;
  /** What a person gave as the reason. */
  readonly actionDetails?: string;
  /** Why it was refused. */
  readonly error?: string;
  readonly kind: string;
  readonly epoch: string;
  readonly sequence: number;
  /** Hexadecimal. */
  readonly hash: string;
}

/** For a kind that this program does not know. */
const UNKNOWN_ACTION = "UPDATE";

/** A text member of a detail, under the name that goes out, or nothing. */
function textOf(detail: unknown, member: string, name: string): Readonly<Record<string, string>> {
  if (typeof detail !== "object" || detail === null) return {};
  const value = (detail as Readonly<Record<string, unknown>>)[member];
  return typeof value === "string" && value !== "" ? { [name]: value } : {};
}

/** An event by Tailscale's name for it: what it is about, what was done, and to which property; such as `NODE.UPDATE.TKA`. */
export function auditEventName({ kind, target }: Pick<AuditFields, "kind" | "target">): string {
  const { type, property } = JSON.parse(target) as AuditRecordTarget;
  const name = `${type}.${actionOf(kind) ?? UNKNOWN_ACTION}`;
  return property === undefined ? name : `${name}.${property}`;
}

/** The parts of the record that follow from the rest, and that no hash needs to cover: whoever checks it makes them anew. */
function derived(kind: string, detail: unknown): Pick<AuditRecord, "action" | "actionDetails" | "error"> {
  return {
    action: actionOf(kind) ?? UNKNOWN_ACTION,
    ...(kind === "node.reported" ? textOf(detail, "details", "actionDetails") : {}),
    ...(kind === "attempt.refused" ? textOf(detail, "error", "error") : {}),
  };
}

type Members = Readonly<Record<string, unknown>>;

/** An actor's members under the names that go out, and back. They stay in their places [W18]. */
const SENT: Readonly<Record<string, string>> = { name: "displayName", login: "loginName" };
const KEPT: Readonly<Record<string, string>> = { displayName: "name", loginName: "login" };

function renamed(value: Members, names: Readonly<Record<string, string>>): Members {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [names[name] ?? name, member]));
}

/** An event as the record's JSON has it. */
export function auditRecord(event: AuditEvent): AuditRecord {
  const detail: unknown = JSON.parse(event.new);
  return {
    eventTime: new Date(event.at).toISOString(),
    type: "CONFIG",
    deferredAt: ZERO_TIME,
    eventGroupID: event.group ?? "",
    origin: event.origin,
    actor: renamed(JSON.parse(event.actor) as Members, SENT) as unknown as AuditRecordActor,
    target: JSON.parse(event.target) as AuditRecordTarget,
    ...derived(event.kind, detail),
    old: JSON.parse(event.old),
    new: detail,
    kind: event.kind,
    epoch: event.epoch,
    sequence: event.seq,
    hash: encodeHex(event.hash),
  };
}

const members: Shape<Members> = (value, at) => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ShapeError(`${at}: an object expected`);
  return value as Members;
};
/** An actor as it goes out. One that has a member under the stored name too would be shown as one person, and its hash be that of another. */
const sentActor: Shape<Members> = (value, at) => {
  const actor = members(value, at);
  const stored = Object.keys(SENT).find((name) => Object.hasOwn(actor, name));
  if (stored !== undefined) throw new ShapeError(`${at}: no ${stored} expected`);
  return actor;
};
const anything: Shape<unknown> = (value, at) => {
  if (value === undefined) throw new ShapeError(`${at}: a value expected`);
  return value;
};
const time: Shape<number> = (value, at) => {
  const given = text(value, at);
  const parsed = Date.parse(given);
  if (Number.isNaN(parsed) || new Date(parsed).toISOString() !== given)
    throw new ShapeError(`${at}: a time such as 2026-01-02T03:04:05.678Z expected`);
  return parsed;
};
const hash: Shape<Uint8Array> = (value, at) => {
  const digest = decodeHex(text(value, at));
  if (digest?.length !== 32) throw new ShapeError(`${at}: 64 hexadecimal digits expected`);
  return digest;
};

const sentRecord = record({
  eventTime: time,
  eventGroupID: text,
  origin: text,
  actor: sentActor,
  target: members,
  old: anything,
  new: anything,
  kind: text,
  epoch: text,
  sequence: integer,
  hash,
});

/** The event that an attacker-controlled record tells of, unverified: nothing is said of its hash. Throws ShapeError. */
export function unverifiedAuditEvent(value: unknown, at: string): AuditEvent {
  const given = sentRecord(value, at);
  const group = given.eventGroupID === "" ? null : given.eventGroupID;
  const json = group === null ? JSON.stringify : canonicalJson;
  return {
    epoch: given.epoch,
    seq: given.sequence,
    at: given.eventTime,
    kind: given.kind,
    actor: json(renamed(given.actor, KEPT)),
    origin: given.origin,
    target: json(given.target),
    old: json(given.old),
    new: json(given.new),
    group,
    hash: given.hash,
  };
}

const FOLLOWING = ["type", "deferredAt", "action", "actionDetails", "error"] as const;

/** True where those parts of the record that no hash covers are what follows from the rest. An action of an unknown kind may be any. */
export function isConsistent(value: unknown, event: AuditEvent): boolean {
  const given = value as Members;
  const made: Members = { ...auditRecord(event) };
  return FOLLOWING.every((name) => given[name] === made[name] || (name === "action" && actionOf(event.kind) === null));
}

/** The hash that the event should have, after one with the hash `before`; of the first one of an epoch it is empty [W17]. */
export function auditHash(before: Uint8Array, event: AuditFields): Uint8Array {
  return sha256
    .create()
    .update(before)
    .update(encodeUtf8(auditPreimage(event)))
    .digest();
}
