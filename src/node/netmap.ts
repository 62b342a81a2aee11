/**
 * What the control plane says of the tailnet: kept up to date by full responses and deltas, and believed in nothing (peer-filter.ts decides).
 *
 * Rule [M4]: a response with a handle other than ours, or with a handle and a list of peers, begins a session: its peers replace all others. In a
 *            session, a list of peers that is there and not empty does so too, and its deltas are then passed over.
 * Rule [M5]: TKAInfo that is absent is unchanged, also across sessions.
 */

import type { MapNode, MapResponse, TkaInfo } from "../protocol/index.ts";

/** One moment of the map. */
export interface Netmap {
  readonly self: MapNode | null;
  readonly peers: ReadonlyMap<number, MapNode>;
  readonly domain: string;
  /** What was said last of the lock, or null. */
  readonly lock: TkaInfo | null;
  /** The session to go on in; an empty handle begins one. */
  readonly handle: string;
  readonly seq: number;
}

export const EMPTY_NETMAP: Netmap = { self: null, peers: new Map(), domain: "", lock: null, handle: "", seq: 0 };

function byId(peers: readonly MapNode[]): Map<number, MapNode> {
  return new Map(peers.map((peer) => [peer.ID, peer]));
}

function peersAfter(map: Netmap, response: MapResponse, isNewSession: boolean): ReadonlyMap<number, MapNode> {
  const { Peers, PeersChanged, PeersRemoved } = response;
  if (Peers !== null && (isNewSession || Peers.length > 0)) return byId(Peers);
  const peers = isNewSession ? new Map<number, MapNode>() : new Map(map.peers);
  for (const peer of PeersChanged ?? []) peers.set(peer.ID, peer);
  for (const id of PeersRemoved ?? []) peers.delete(id);
  return peers;
}

/** The map after a response. */
export function applyMapResponse(map: Netmap, response: MapResponse): Netmap {
  const handle = response.MapSessionHandle === "" ? map.handle : response.MapSessionHandle;
  const begins = response.MapSessionHandle !== "" && response.Peers !== null;
  const isNewSession = begins || handle !== map.handle || map.handle === "";
  return {
    self: response.Node ?? map.self,
    peers: peersAfter(map, response, isNewSession),
    domain: response.Domain === "" ? map.domain : response.Domain,
    lock: response.TKAInfo ?? map.lock,
    handle,
    seq: isNewSession ? response.Seq : Math.max(map.seq, response.Seq),
  };
}

/** True where a response changes nothing that a person or a peer could see. */
export function isKeepAlive(response: MapResponse): boolean {
  const { Node, Peers, PeersChanged, PeersRemoved, TKAInfo } = response;
  const given = [Node, Peers, PeersChanged, PeersRemoved, TKAInfo].some((field) => field !== null);
  return response.KeepAlive && !given;
}
