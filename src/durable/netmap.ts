/** What nodes are shown of their tailnet: the authority's half, from which a sessions object keeps its snapshot. */

import type { AumHash } from "../tka/index.ts";
import { addressesOf } from "./node-address.ts";
import { CAP_TAILNET_LOCK, type MapNode } from "../protocol/index.ts";
import type { Awakening, NodeRecord } from "./nodes.ts";
import { homesOf, type HomeView } from "./share-views.ts";
import type { Tailnet } from "./tailnet.ts";

/** A node as its peers see it. */
export interface ShownNode {
  /** The tailnet of a foreign node; null for one of our own. Who sees it stands in the view of that tailnet. */
  readonly home: string | null;
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
  /** The tailnets that have nodes here. */
  readonly homes: readonly HomeView[];
  readonly lock: { readonly changed: number; readonly head: AumHash | null };
}

/** Go's zero time. */
const NEVER = "0001-01-01T00:00:00Z";
const NO_BYTES = new Uint8Array(0);
/** The one user there is until people sign in: the tailnet's owner. */
export const OWNER_USER = { ID: 1, LoginName: "owner", DisplayName: "Owner" } as const;

/** The addresses as prefixes of one address each. */
function prefixesOf(id: number): string[] {
  const [v4, v6] = addressesOf(id);
  return [`${v4}/32`, `${v6}/128`];
}

function shown(record: NodeRecord, domain: string, homes: readonly HomeView[]): ShownNode {
  const home = homes.find((view) => view.home === record.home?.tailnet);
  const addresses = prefixesOf(record.id);
  return {
    changed: record.changed,
    selfChanged: record.selfChanged,
    awakening: record.awakening,
    home: record.home?.tailnet ?? null,
    node: {
      ID: record.id,
      StableID: record.stableId,
      Name: record.home === null ? `${record.name}.${domain}.` : `${record.name}.`,
      User: home?.user.ID ?? OWNER_USER.ID,
      Key: record.nodeKey,
      KeySignature: record.keySignature ?? NO_BYTES,
      Machine: record.home === null ? record.machineKey : null,
      Addresses: addresses,
      AllowedIPs: addresses,
      Hostinfo: {
        Hostname: record.hostname,
        OS: record.os,
        IPNVersion: record.clientVersion,
        ShareeNode: home?.open.includes(record.id) === false,
      },
      Created: new Date(record.created).toISOString(),
      Cap: record.capVersion,
      Tags: [...record.tags],
      MachineAuthorized: record.authorized,
      KeyExpiry: record.keyExpiry === null ? NEVER : new Date(record.keyExpiry).toISOString(),
      CapMap: new Map(),
      UnsignedPeerAPIOnly: false,
      SelfNodeV4MasqAddrForThisPeer: "",
      SelfNodeV6MasqAddrForThisPeer: "",
    },
  };
}

/** A node as it sees itself: with what it may do. */
export function selfOf(node: MapNode): MapNode {
  return { ...node, CapMap: new Map([[CAP_TAILNET_LOCK, null]]) };
}

export function changesSince(tailnet: Tailnet, since: number): Changes {
  const { epoch, name, seq, lockSeq } = tailnet.info();
  const homes = homesOf(tailnet);
  return {
    epoch,
    domain: name,
    seq,
    nodes: tailnet.nodes.changedSince(since).map((record) => shown(record, name, homes)),
    removed: tailnet.nodes.removedSince(since),
    homes,
    lock: { changed: lockSeq, head: tailnet.lock.head() },
  };
}
