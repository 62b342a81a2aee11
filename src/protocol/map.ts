/**
 * `/machine/map`: what a node sees of its tailnet. Source: Go's `tailcfg.MapRequest` and `MapResponse`; what a field means when absent, null
 * or empty is in bradfitz/reco, notes/map-protocol.md.
 *
 * Rule [M1]: the first response of a session is full: `Node`, `Peers` and TKAInfo are there. Later ones are deltas: an absent field is unchanged.
 * Rule [M2]: a node goes on in its session by sending the handle and the sequence number it was given. A handle that is no longer known begins
 *            a new session, with a full response.
 * Rule [M3]: unsigned peers are in the map: the node filters. The exception is [M6].
 */

import { encodeHex, parseAumHash, parseHexKey, parseNodeKey } from "../tka/index.ts";
import { hostinfo, shownHostinfo } from "./hostinfo.ts";
import { parseMachineKey } from "./machine-key.ts";
import {
  boolean,
  bytes,
  dictionary,
  integer,
  list,
  optional,
  parsed,
  record,
  text,
  withDefault,
  type Shape,
  type ShapeOf,
} from "./shape.ts";

export const MAP_PATH = "/machine/map";

/** The node attribute that tells a client that it may use the lock. */
export const CAP_TAILNET_LOCK = "https://tailscale.com/cap/tailnet-lock";

/** The capability version from which on a streaming request only reads: what it says of the host is not to be taken. */
export const READ_ONLY_STREAMS = 68;

const NO_BYTES = new Uint8Array(0);
const MAX_PEERS = 20_000;
const MAX_ADDRESSES = 256;
const strings = list(text, MAX_ADDRESSES);
/** Endpoints that a request may name; fewer are kept. */
const MAX_ENDPOINTS = 1024;
const DISCO_KEY = "discokey:";

/** `discokey:` and 64 hex digits, in lower case; empty for none. */
export const discoKey: Shape<string> = withDefault(
  parsed((key) => (key === "" ? "" : `${DISCO_KEY}${encodeHex(parseHexKey(key, DISCO_KEY))}`)),
  "",
);

export const mapRequest = record({
  Version: withDefault(integer, 0),
  NodeKey: parsed(parseNodeKey),
  /** Empty for a node that has none, as agents of ours: it says nothing then of where it can be reached, and hears of nobody's moves. */
  DiscoKey: discoKey,
  /** Addresses with ports at which the node can be reached. */
  Endpoints: list(text, MAX_ENDPOINTS),
  Hostinfo: optional(hostinfo),
  MapSessionHandle: withDefault(text, ""),
  MapSessionSeq: withDefault(integer, 0),
  /** True for a stream of responses; false for one response. */
  Stream: withDefault(boolean, false),
  /** "zstd", or empty. */
  Compress: withDefault(text, ""),
  /** True where keep-alives are wanted. */
  KeepAlive: withDefault(boolean, false),
  /** True, without Stream, where a node only says what is new of itself. */
  OmitPeers: withDefault(boolean, false),
  /** Ours, on a WebSocket: the length of all texts taken so far, in UTF-16 units [M9]; null where nothing is said of it. */
  Received: optional(integer),
  /** The node's head; empty where it has none. */
  TKAHead: withDefault(text, ""),
  ReadOnly: withDefault(boolean, false),
});

export const node = record({
  ID: integer,
  StableID: text,
  /** The fully qualified name, with a dot at the end. */
  Name: text,
  User: withDefault(integer, 0),
  Key: parsed(parseNodeKey),
  KeySignature: withDefault(bytes, NO_BYTES),
  Machine: optional(parsed(parseMachineKey)),
  /** Prefixes, as `100.64.0.1/32`. */
  Addresses: strings,
  AllowedIPs: strings,
  DiscoKey: discoKey,
  Endpoints: strings,
  /** `127.3.3.40:N`, for clients before v1.80: the same as HomeDERP. */
  DERP: withDefault(text, ""),
  /** The DERP region at which it is to be found, or 0. */
  HomeDERP: withDefault(integer, 0),
  Hostinfo: optional(shownHostinfo),
  Created: withDefault(text, ""),
  Cap: withDefault(integer, 0),
  Tags: strings,
  /** When it was last connected, RFC 3339; empty while it is, and where it never was. */
  LastSeen: withDefault(text, ""),
  /** Null where nothing is known of it, as of nodes of other tailnets. */
  Online: optional(boolean),
  MachineAuthorized: withDefault(boolean, false),
  /** True where the node key is over. */
  Expired: withDefault(boolean, false),
  /** When the node key is over, RFC 3339; Go's zero time for never. */
  KeyExpiry: withDefault(text, ""),
  /** Names of capabilities; their values are not used yet. */
  CapMap: dictionary(() => null, 256),
  UnsignedPeerAPIOnly: withDefault(boolean, false),
  /** True for a peer that may be reached, and reaches nobody itself: whatever the packet filter says. */
  IsJailed: withDefault(boolean, false),
  /** The addresses under which this peer, of another tailnet, knows the node that is told; empty for its own. */
  SelfNodeV4MasqAddrForThisPeer: withDefault(text, ""),
  SelfNodeV6MasqAddrForThisPeer: withDefault(text, ""),
});

export const tkaInfo = record({
  Head: optional((value: unknown, at: string) => (value === "" ? null : parsed(parseAumHash)(value, at))),
  Disabled: withDefault(boolean, false),
});

/** What has changed in a peer; a field that is null or absent has not. Source: Go's `tailcfg.PeerChange`. */
export const peerChange = record({
  NodeID: integer,
  DERPRegion: withDefault(integer, 0),
  Endpoints: optional(strings),
  DiscoKey: discoKey,
  Online: optional(boolean),
  LastSeen: withDefault(text, ""),
});

const userProfile = record({ ID: integer, LoginName: text, DisplayName: withDefault(text, "") });

/** Whatever it is. */
const anything: Shape<unknown> = (value) => value;

/** A list that may be absent, which is not the same as empty. */
function optionalList<T>(element: Shape<T>): Shape<T[] | null> {
  return optional(list(element, MAX_PEERS));
}

export const mapResponse = record({
  MapSessionHandle: withDefault(text, ""),
  Seq: withDefault(integer, 0),
  KeepAlive: withDefault(boolean, false),
  Node: optional(node),
  Peers: optionalList(node),
  PeersChanged: optionalList(node),
  PeersRemoved: optionalList(integer),
  PeersChangedPatch: optionalList(peerChange),
  Domain: withDefault(text, ""),
  UserProfiles: optionalList(userProfile),
  TKAInfo: optional(tkaInfo),
  /** Go's `[]tailcfg.FilterRule` and `tailcfg.SSHPolicy`: agents move no packets, and read neither. */
  PacketFilter: optional(anything),
  SSHPolicy: optional(anything),
});

export type MapRequest = ShapeOf<typeof mapRequest>;
export type MapResponse = ShapeOf<typeof mapResponse>;
export type MapNode = ShapeOf<typeof node>;
export type PeerChange = ShapeOf<typeof peerChange>;
export type TkaInfo = ShapeOf<typeof tkaInfo>;
export type UserProfile = ShapeOf<typeof userProfile>;
