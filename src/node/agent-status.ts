/** What the agent tells of itself on its socket: the plain status, and the lock's. Sources: Go's `ipnstate`. */

import {
  boolean,
  list,
  lockStatus,
  nullable,
  parsed,
  record,
  text,
  type LockPeer,
  type LockStatus,
  type MapNode,
  type ShapeOf,
} from "../protocol/index.ts";
import { keyKindText, parseNodeKey, type Authority, type NodeKey } from "../tka/index.ts";
import type { Netmap } from "./netmap.ts";
import type { FilterOutcome } from "./peer-filter.ts";
import { tailnetAddresses } from "./tailnet-address.ts";

const MAX_PEERS = 20_000;

const peerStatus = record({
  name: text,
  addresses: list(text, 64),
  nodeKey: parsed(parseNodeKey),
  visible: boolean,
  /** Why it is locked out, or null. */
  why: nullable(text),
});

export const nodeStatus = record({
  controlUrl: text,
  joined: boolean,
  /** True while the last thing heard of the control plane was an answer. */
  connected: boolean,
  /** Where somebody lets this node in, as the control plane says; empty where nobody need. */
  approvalUrl: text,
  /** True where the tailnet's lock is on, and was turned off on this node alone. */
  lockIgnored: boolean,
  /** False where this node is signed, and its next node key would need a signer again. */
  rotates: boolean,
  /** When this node's key is over, RFC 3339; empty where nothing is known of it, Go's zero time for never. */
  keyExpiry: text,
  /** False where an admin must approve this node before others talk to it. */
  authorized: boolean,
  tailnet: text,
  name: text,
  stableId: text,
  addresses: list(text, 64),
  nodeKey: parsed(parseNodeKey),
  machineKey: text,
  peers: list(peerStatus, MAX_PEERS),
});

export const agentStatus = record({ node: nodeStatus, lock: lockStatus });

export type PeerStatus = ShapeOf<typeof peerStatus>;
export type NodeStatus = ShapeOf<typeof nodeStatus>;
export type AgentStatus = ShapeOf<typeof agentStatus>;

function lockPeer(node: MapNode): LockPeer {
  const { Name, ID, StableID, Addresses, Key, KeySignature } = node;
  return {
    Name,
    ID,
    StableID,
    TailscaleIPs: tailnetAddresses(Addresses),
    NodeKey: Key,
    NodeKeySignature: KeySignature,
  };
}

/** What makes up a LockStatus. */
export interface LockFacts {
  readonly authority: Authority | null;
  readonly nodeKey: NodeKey;
  /** 32 bytes. */
  readonly lockKey: Uint8Array;
  readonly self: MapNode | null;
  readonly selfSigned: boolean;
  readonly peers: FilterOutcome;
}

const LOCK_OFF = { Enabled: false, Head: null, NodeKeySigned: false, NodeKeySignature: null, StateID: 0n } as const;

/** The lock's status, as Go's `TailnetLockStatus` fills it. */
export function lockStatusOf({ authority, nodeKey, lockKey, self, selfSigned, peers }: LockFacts): LockStatus {
  const always = { PublicKey: lockKey, NodeKey: nodeKey };
  if (authority === null) return { ...always, ...LOCK_OFF, TrustedKeys: [], VisiblePeers: [], FilteredPeers: [] };
  return {
    ...always,
    Enabled: true,
    Head: authority.head,
    NodeKeySigned: selfSigned,
    NodeKeySignature: self?.KeySignature ?? new Uint8Array(0),
    TrustedKeys: (authority.state.keys ?? []).map(({ kind, publicKey, meta, votes }) => ({
      Kind: keyKindText(kind),
      Key: wholeKey(publicKey),
      Metadata: meta === null ? null : new Map(meta),
      Votes: votes,
    })),
    VisiblePeers: peers.visible.map(lockPeer),
    FilteredPeers: peers.filtered.map(({ peer }) => lockPeer(peer)),
    StateID: authority.state.stateId1,
  };
}

/** A trusted key may have any length [K2]; to show it, it is filled or cut to 32 bytes, as in Go. */
function wholeKey(publicKey: Uint8Array | null): Uint8Array {
  const whole = new Uint8Array(32);
  whole.set((publicKey ?? whole).subarray(0, 32));
  return whole;
}

/** The peers as `tailward status` lists them: visible ones first. */
export function peerStatuses({ visible, filtered }: FilterOutcome): PeerStatus[] {
  const shown = (node: MapNode, why: string | null): PeerStatus => ({
    name: node.Name,
    addresses: tailnetAddresses(node.Addresses),
    nodeKey: node.Key,
    visible: why === null,
    why,
  });
  return [...visible.map((node) => shown(node, null)), ...filtered.map(({ peer, why }) => shown(peer, why))];
}

/** What the map says of the node itself. */
export function selfFacts({
  self,
  domain,
}: Netmap): Pick<NodeStatus, "tailnet" | "name" | "stableId" | "addresses" | "keyExpiry" | "authorized"> {
  return {
    keyExpiry: self?.KeyExpiry ?? "",
    authorized: self?.MachineAuthorized ?? true,
    tailnet: domain,
    name: self?.Name ?? "",
    stableId: self?.StableID ?? "",
    addresses: tailnetAddresses(self?.Addresses ?? []),
  };
}
