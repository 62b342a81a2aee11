/**
 * Map responses as text, from nodes that are text already: what many receivers are shown is encoded once. Names and what is left out are Go's
 * (`tailcfg.MapResponse`, `tailcfg.Node`): an absent field is a zero one.
 */

import type { MapNode, PeerChange, TkaInfo, UserProfile } from "./map.ts";
import { jsonReplacer } from "./shape.ts";
import { ZERO_TIME } from "./go-time.ts";

/** Fields of a node that Go writes also where they are zero. */
const ALWAYS: ReadonlySet<string> = new Set(["ID", "StableID", "Name", "User", "Key", "Addresses"]);

function isZero(value: unknown): boolean {
  if (value === ZERO_TIME) return true;
  if (value === null || value === undefined || value === "" || value === 0 || value === false) return true;
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  return value instanceof Map && value.size === 0;
}

function withoutZeros(fields: object, always: ReadonlySet<string>): object {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => always.has(name) || !isZero(value)));
}

/** Go's pointer to a truth value: false is not the same as absent. */
function pointer(Online: boolean | null): object {
  return Online === null ? {} : { Online };
}

/** A node as JSON, zero fields left out. */
export function encodeMapNode(node: MapNode): string {
  const Hostinfo = node.Hostinfo === null ? null : withoutZeros(node.Hostinfo, new Set());
  return JSON.stringify({ ...withoutZeros({ ...node, Hostinfo }, ALWAYS), ...pointer(node.Online) }, jsonReplacer);
}

/** A change of a peer as JSON: an empty list of endpoints is written, since it takes them away. */
export function encodePeerChange({ NodeID, DERPRegion, Endpoints, DiscoKey, Online, LastSeen }: PeerChange): string {
  return JSON.stringify({
    NodeID,
    ...withoutZeros({ DERPRegion, DiscoKey, LastSeen }, new Set()),
    ...(Endpoints === null ? {} : { Endpoints }),
    ...pointer(Online),
  });
}

/** A map response whose nodes are JSON already. Absent fields are left out; a list that is there is written also where it is empty. */
export interface MapMessage {
  readonly MapSessionHandle?: string;
  readonly Seq?: number;
  readonly KeepAlive?: true;
  readonly Node?: string | null;
  readonly Peers?: readonly string[] | null;
  readonly PeersChanged?: readonly string[] | null;
  readonly PeersRemoved?: readonly number[] | null;
  readonly PeersChangedPatch?: readonly string[] | null;
  /** JSON each, as Go's types of these names. */
  readonly DERPMap?: string | null;
  readonly DNSConfig?: string | null;
  readonly PacketFilter?: string | null;
  readonly SSHPolicy?: string | null;
  readonly Debug?: string | null;
  readonly Domain?: string;
  readonly UserProfiles?: readonly UserProfile[] | null;
  readonly TKAInfo?: TkaInfo | null;
}

const RAW: ReadonlySet<string> = new Set([
  "Node",
  "Peers",
  "PeersChanged",
  "PeersChangedPatch",
  "DERPMap",
  "DNSConfig",
  "PacketFilter",
  "SSHPolicy",
  "Debug",
]);

function encodeTkaInfo({ Head, Disabled }: TkaInfo): string {
  return JSON.stringify({ ...(Head === null ? {} : { Head }), ...(Disabled ? { Disabled } : {}) });
}

function encodeField(name: string, value: unknown): string {
  if (name === "TKAInfo") return encodeTkaInfo(value as TkaInfo);
  if (!RAW.has(name)) return JSON.stringify(value);
  return Array.isArray(value) ? `[${value.join(",")}]` : (value as string);
}

export function encodeMapMessage(message: MapMessage): string {
  const fields = Object.entries(message)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `"${name}":${encodeField(name, value)}`);
  return `{${fields.join(",")}}`;
}
