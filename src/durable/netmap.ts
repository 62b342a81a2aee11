/** What nodes are shown of their tailnet: the authority's half, from which a sessions object keeps its snapshot. */

import type { AumHash } from "../tka/index.ts";
import { CAP_TAILNET_LOCK, type MapNode } from "../protocol/index.ts";
import type { Awakening, NodeRecord } from "./nodes.ts";
import type { Tailnet } from "./tailnet.ts";

/** A node as its peers see it. */
export interface ShownNode {
  readonly changed: number;
  /** The seq at the last change that the node itself can see, and its peers cannot. */
  readonly selfChanged: number;
  /** How far the node is that slept through the end of a lock; 0 for one that did not (awakening.ts). */
  readonly awakening: Awakening;
  readonly node: MapNode;
}

/** Everything that has changed since some seq. */
export interface Changes {
  readonly epoch: string;
  readonly domain: string;
  readonly seq: number;
  readonly nodes: readonly ShownNode[];
  /** IDs of the nodes that went. */
  readonly removed: readonly number[];
  readonly lock: { readonly changed: number; readonly head: AumHash | null };
}

/** Go's zero time. */
const NEVER = "0001-01-01T00:00:00Z";
const NO_BYTES = new Uint8Array(0);
/** The one user there is until people sign in: the tailnet's owner. */
export const OWNER_USER = { ID: 1, LoginName: "owner", DisplayName: "Owner" } as const;

/** 100.64.0.0/10, the n-th address of it; and the same number in Tailscale's range of IPv6. */
export function addressesOf(id: number): string[] {
  const low = [(id >> 16) & 0x3f, (id >> 8) & 0xff, id & 0xff] as const;
  const hex = (value: number): string => value.toString(16);
  return [`100.${64 + low[0]}.${low[1]}.${low[2]}/32`, `fd7a:115c:a1e0::${hex(id >>> 16)}:${hex(id & 0xffff)}/128`];
}

function shown(record: NodeRecord, domain: string): ShownNode {
  const addresses = addressesOf(record.id);
  return {
    changed: record.changed,
    selfChanged: record.selfChanged,
    awakening: record.awakening,
    node: {
      ID: record.id,
      StableID: record.stableId,
      Name: `${record.name}.${domain}.`,
      User: OWNER_USER.ID,
      Key: record.nodeKey,
      KeySignature: record.keySignature ?? NO_BYTES,
      Machine: record.machineKey,
      Addresses: addresses,
      AllowedIPs: addresses,
      Hostinfo: { Hostname: record.hostname, OS: record.os, IPNVersion: record.clientVersion },
      Created: new Date(record.created).toISOString(),
      Cap: record.capVersion,
      Tags: [...record.tags],
      MachineAuthorized: record.authorized,
      KeyExpiry: record.keyExpiry === null ? NEVER : new Date(record.keyExpiry).toISOString(),
      CapMap: new Map(),
      UnsignedPeerAPIOnly: false,
    },
  };
}

/** A node as it sees itself: with what it may do. */
export function selfOf(node: MapNode): MapNode {
  return { ...node, CapMap: new Map([[CAP_TAILNET_LOCK, null]]) };
}

export function changesSince(tailnet: Tailnet, since: number): Changes {
  const { epoch, name, seq, lockSeq } = tailnet.info();
  return {
    epoch,
    domain: name,
    seq,
    nodes: tailnet.nodes.changedSince(since).map((record) => shown(record, name)),
    removed: tailnet.nodes.removedSince(since),
    lock: { changed: lockSeq, head: tailnet.lock.head() },
  };
}
