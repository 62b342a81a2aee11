/**
 * What an admin does to devices, and how the admin API lists them. Source of the names: Tailscale's `/api/v2/device/{deviceId}`.
 *
 * Rule [G14]: a device that waits for approval sees no peer, and no peer sees it; of the lock it may read, and change nothing.
 */

import { formatLockKey } from "../../tka/index.ts";
import type { MachineKey } from "../../protocol/index.ts";
import type { NodeKey } from "../../tka/index.ts";
import { refuseOtherTags } from "../people/client-tags.ts";
import { whyDirectly } from "../lock/direct-signature.ts";
import type { By } from "../audit/events.ts";
import { expireKey, expiryOf, isExpired, timeText } from "./key-expiry.ts";
import { isSigned, signCommand } from "../lock/standing.ts";
import { addressesOf } from "../node-address.ts";
import { labelOf } from "./node-facts.ts";
import { nodeTarget, type NodeRecord } from "./nodes.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** A device as the admin API shows it. Times in milliseconds since the epoch. */
export interface DeviceInfo {
  readonly stableId: string;
  readonly name: string;
  readonly domain: string;
  /** True for a node of another tailnet, whose name is a full one. */
  readonly external: boolean;
  /** Without prefix lengths. */
  readonly addresses: readonly string[];
  readonly hostname: string;
  readonly os: string;
  readonly clientVersion: string;
  readonly tags: readonly string[];
  /** The login of whose it is; null with tags, and for a node of another tailnet. */
  readonly user: string | null;
  readonly ephemeral: boolean;
  readonly authorized: boolean;
  readonly created: number;
  /** Null for never. */
  readonly keyExpiry: number | null;
  readonly expired: boolean;
  readonly connected: boolean;
  /** When it was last connected, where it is not; null where it never was. */
  readonly lastSeen: number | null;
  readonly machineKey: MachineKey;
  readonly nodeKey: NodeKey;
  /** `tlpub:…`, or empty. */
  readonly lockKey: string;
  readonly lock: DeviceLock;
  /** True if it lets nobody in. */
  readonly blocksIncoming: boolean;
  /** Prefixes that it would route. */
  readonly advertisedRoutes: readonly string[];
  /** True if it serves Tailscale SSH. */
  readonly sshEnabled: boolean;
  /** Addresses with ports, and the DERP region that it is to be found at, 0 for none. */
  readonly endpoints: readonly string[];
  readonly homeDerp: number;
  readonly osVersion: string;
  readonly distro: { readonly name: string; readonly version: string };
}

/** How a device stands with the lock; all empty where there is none. */
export interface DeviceLock {
  /** Why it is locked out, or empty. */
  readonly error: string;
  /** What will lock it out, or empty [G12]. */
  readonly warning: string;
  /** The command that signs it, where there is an error or a warning. */
  readonly command: string;
  /** True if it ignores the lock by its owner's choice [A6]. */
  readonly ignored: boolean;
}

const NO_LOCK: DeviceLock = { error: "", warning: "", command: "", ignored: false };

/** How a node stands with the lock. */
export function lockOf(tailnet: Tailnet, node: NodeRecord): DeviceLock {
  const active = tailnet.lock.active();
  if (active === null) return NO_LOCK;
  const signed = isSigned(active.authority.state, node);
  const error = signed ? "" : "the node key is not signed by a trusted key: the device is locked out";
  const warning = signed ? (whyDirectly(node) ?? "") : "";
  const command = error === "" && warning === "" ? "" : signCommand(node);
  return { error, warning, command, ignored: node.ignoresLock };
}

export function deviceOf(tailnet: Tailnet, node: NodeRecord, now: number): DeviceInfo {
  const { online, lastSeen, endpoints, homeDerp, host } = tailnet.presences.of(node.id);
  return {
    connected: online,
    lastSeen,
    stableId: node.stableId,
    name: node.name,
    hostname: node.hostname,
    os: node.os,
    clientVersion: node.clientVersion,
    tags: node.tags,
    user: node.user === null ? null : (tailnet.users.byId(node.user)?.login ?? null),
    ephemeral: node.ephemeral,
    authorized: node.authorized,
    created: node.created,
    keyExpiry: node.keyExpiry,
    machineKey: node.machineKey,
    nodeKey: node.nodeKey,
    lockKey: node.lockKey === null ? "" : formatLockKey(node.lockKey),
    domain: tailnet.info().name,
    external: node.home !== null,
    addresses: addressesOf(node.id),
    expired: isExpired(node, now),
    lock: lockOf(tailnet, node),
    blocksIncoming: host.ShieldsUp,
    advertisedRoutes: host.RoutableIPs,
    sshEnabled: host.sshHostKeys.length > 0,
    endpoints,
    homeDerp,
    osVersion: host.OSVersion,
    distro: { name: host.Distro, version: host.DistroVersion },
  };
}

/** Devices of a page: as much of it as nodes can make large crosses to the Worker at once, whatever they say of themselves. */
const PAGE = 1000;

export interface DevicePage {
  readonly devices: readonly DeviceInfo[];
  /** Where the next page begins; null where there is none. */
  readonly next: number | null;
}

/** The devices after a place, 0 for the first. */
export function devicePage(tailnet: Tailnet, after: number, now: number): DevicePage {
  const nodes = tailnet.nodes.page(after, PAGE);
  const next = nodes.length < PAGE ? null : (nodes.at(-1)?.id ?? null);
  return { devices: nodes.map((node) => deviceOf(tailnet, node, now)), next };
}

/** What an admin can do to a device. */
export type DeviceChange =
  | { readonly kind: "expire" }
  | { readonly kind: "remove" }
  | { readonly kind: "authorized"; readonly authorized: boolean }
  | { readonly kind: "tags"; readonly tags: readonly string[] }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "expiry"; readonly disabled: boolean };

const MAX_TAGS = 64;
const TAG = /^tag:[a-zA-Z][a-zA-Z0-9-]{0,62}$/;

/** Throws `malformed_request` for a tag of another form than `tag:name`. */
export function refuseBadTags(tags: readonly string[]): void {
  const bad = tags.find((tag) => !TAG.test(tag));
  if (bad !== undefined || tags.length > MAX_TAGS)
    throw new ControlError("malformed_request", `tags are of the form tag:name, ${MAX_TAGS} at most`);
}

function setAuthorized(tailnet: Tailnet, by: By, node: NodeRecord, authorized: boolean, now: number): void {
  if (node.authorized === authorized) return;
  if (!authorized && !tailnet.settings.devicesApprovalOn)
    throw new ControlError(
      "device_approval_off",
      "device approval is off: turn devicesApprovalOn on first, or remove the device",
    );
  const details = { old: { authorized: node.authorized }, new: { authorized } };
  const seq = tailnet.record(by, { kind: "node.authorized", target: nodeTarget(node), ...details }, now);
  tailnet.nodes.setAuthorized(node, authorized, seq);
}

/**
 * A device that gets its first tags is nobody's any more, and its key is good for ever; one that loses them counts anew [G8], and is whose act
 * that is, or an owner's.
 */
function setTags(tailnet: Tailnet, by: By, node: NodeRecord, given: readonly string[], now: number): void {
  refuseBadTags(given);
  refuseOtherTags(tailnet, by, given);
  const tags = [...new Set(given)].sort();
  if (JSON.stringify(tags) === JSON.stringify(node.tags)) return;
  const isOther = tags.length > 0 !== node.tags.length > 0;
  const keyExpiry = isOther ? expiryOf(tailnet, tags, now) : node.keyExpiry;
  const user = tags.length > 0 ? null : (node.user ?? tailnet.users.standIn(by.actor)?.id ?? null);
  const old = { tags: node.tags, user: node.user, keyExpiry: timeText(node.keyExpiry) };
  const event = { kind: "node.tagged", target: nodeTarget(node), old } as const;
  const seq = tailnet.record(by, { ...event, new: { tags, user, keyExpiry: timeText(keyExpiry) } }, now);
  tailnet.nodes.setTags(node, tags, user, seq);
  if (isOther) tailnet.nodes.setKeyExpiry(node, keyExpiry, seq);
}

/** The first label of a name that is given whole or in part; what it calls itself, where none is given. */
function nameFor(tailnet: Tailnet, node: NodeRecord, given: string): string {
  if (given === "") return labelOf(node.hostname) === node.name ? node.name : tailnet.nodes.freeName(node.hostname);
  const suffix = `.${tailnet.info().name}`;
  const label = given.replace(/\.$/, "").toLowerCase();
  const first = label.endsWith(suffix) ? label.slice(0, -suffix.length) : label;
  if (first !== labelOf(first)) throw new ControlError("malformed_request", "a device's name is one DNS label");
  return first;
}

function setName(tailnet: Tailnet, by: By, node: NodeRecord, given: string, now: number): void {
  const name = nameFor(tailnet, node, given);
  if (name === node.name) return;
  if (tailnet.nodes.byName(name) !== null)
    throw new ControlError("name_taken", "another device of this tailnet has that name", { subject: name });
  const details = { old: { name: node.name }, new: { name } };
  const seq = tailnet.record(by, { kind: "node.renamed", target: nodeTarget(node), ...details }, now);
  tailnet.nodes.setName(node, name, seq);
}

/** Switches off that the key is ever over, or on again: it then counts from now. */
function setExpiry(tailnet: Tailnet, by: By, node: NodeRecord, disabled: boolean, now: number): void {
  if (disabled === (node.keyExpiry === null)) return;
  const keyExpiry = disabled ? null : expiryOf(tailnet, [], now);
  const details = { old: { keyExpiry: timeText(node.keyExpiry) }, new: { keyExpiry: timeText(keyExpiry) } };
  const seq = tailnet.record(by, { kind: "node.expiry", target: nodeTarget(node), ...details }, now);
  tailnet.nodes.setKeyExpiry(node, keyExpiry, seq);
}

/** Takes a node out. Its machine may join again; its key stays its own [G1]. */
export function removeNode(tailnet: Tailnet, by: By, node: NodeRecord, now: number): void {
  const old = { nodeKey: node.nodeKey, tags: node.tags };
  const seq = tailnet.record(by, { kind: "node.removed", target: nodeTarget(node), old }, now);
  tailnet.nodes.remove(node, seq);
}

/**
 * Does it, once: a change that changes nothing is a no-op, also the removal of a device that was removed. Throws `unknown_device`,
 * `malformed_request`, `name_taken`, `device_approval_off`, `foreign_node`.
 */
export function changeDevice(tailnet: Tailnet, by: By, stableId: string, change: DeviceChange, now: number): void {
  if (change.kind === "remove" && tailnet.nodes.wasRemoved(stableId)) return;
  const node = requireDevice(tailnet, stableId);
  if (node.home !== null)
    throw new ControlError("foreign_node", "this device is of another tailnet: only its share can be withdrawn");
  switch (change.kind) {
    case "expire":
      return expireKey(tailnet, by, node, now);
    case "remove":
      return removeNode(tailnet, by, node, now);
    case "authorized":
      return setAuthorized(tailnet, by, node, change.authorized, now);
    case "tags":
      return setTags(tailnet, by, node, change.tags, now);
    case "name":
      return setName(tailnet, by, node, change.name, now);
    case "expiry":
      return setExpiry(tailnet, by, node, change.disabled, now);
  }
}

/** Throws `unknown_device`. */
export function requireDevice(tailnet: Tailnet, stableId: string): NodeRecord {
  const node = tailnet.nodes.byStableId(stableId);
  if (node === null) throw new ControlError("unknown_device", "there is no such device");
  return node;
}

/** [G14] */
export function refuseWaiting(node: NodeRecord): void {
  if (!node.authorized)
    throw new ControlError("not_approved", "this device waits for an admin's approval", { subject: node.nodeKey });
}
