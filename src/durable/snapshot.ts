/** What a sessions object knows of one tailnet, and the map responses that follow from it. Pure. */

import type { MapNode, MapResponse, TkaInfo } from "../protocol/index.ts";
import { addressesThere, isVisible } from "./share-views.ts";
import { OWNER_USER, selfOf, type Changes, type ShownNode } from "./netmap.ts";

const NOTHING = {
  MapSessionHandle: "",
  Seq: 0,
  KeepAlive: false,
  Node: null,
  Peers: null,
  PeersChanged: null,
  PeersRemoved: null,
  Domain: "",
  UserProfiles: null,
  TKAInfo: null,
} satisfies MapResponse;

export const KEEP_ALIVE: MapResponse = { ...NOTHING, KeepAlive: true };

export class Snapshot {
  #epoch = "";
  #domain = "";
  #seq = 0;
  #homes: Changes["homes"] = [];
  #lock: Changes["lock"] = { changed: 0, head: null };
  readonly #nodes = new Map<number, ShownNode>();

  get seq(): number {
    return this.#seq;
  }

  /** True if the changes are of the same history as the snapshot; those of another must be all that there are. */
  follows({ epoch }: Changes): boolean {
    return this.#epoch === "" || epoch === this.#epoch;
  }

  /** True if it holds what the authority of that epoch had at `seq`. */
  reaches(epoch: string, seq: number): boolean {
    return this.#epoch === epoch && this.#seq >= seq;
  }

  /** Takes changes in; older ones than it has are passed over. True if there was anything new that a node can see. */
  apply(changes: Changes): boolean {
    const isNew = changes.epoch !== this.#epoch || changes.seq > this.#seq;
    if (!isNew) return false;
    const isAnother = !this.follows(changes);
    if (isAnother) this.#nodes.clear();
    const lockBefore = this.#lock.changed;
    this.#epoch = changes.epoch;
    this.#domain = changes.domain;
    this.#seq = changes.seq;
    this.#homes = changes.homes;
    this.#lock = changes.lock;
    for (const shown of changes.nodes) this.#nodes.set(shown.node.ID, shown);
    for (const id of changes.removed) this.#nodes.delete(id);
    return isAnother || changes.nodes.length > 0 || changes.removed.length > 0 || lockBefore !== changes.lock.changed;
  }

  /** True if a session that was last told `since` has missed anything. */
  hasNews(since: number): boolean {
    if (this.#lock.changed > since) return true;
    for (const { changed } of this.#nodes.values()) if (changed > since) return true;
    return false;
  }

  /** True if a session with that handle and sequence number can go on by deltas. */
  continues(handle: string, seq: number): boolean {
    return handle !== "" && handle === this.#epoch && seq <= this.#seq;
  }

  #tkaInfo(): TkaInfo {
    return { Head: this.#lock.head, Disabled: this.#lock.head === null };
  }

  #peers(nodeId: number, since: number): MapNode[] {
    const peers: MapNode[] = [];
    for (const shown of this.#nodes.values()) {
      const peer = shown.node.ID !== nodeId && shown.changed > since ? this.#asSeenBy(shown, nodeId) : null;
      if (peer !== null) peers.push(peer);
    }
    return peers;
  }

  /** A peer as a node sees it; null where it does not [M7]. */
  #asSeenBy({ home, node }: ShownNode, viewer: number): MapNode | null {
    if (home === null) return node;
    const view = this.#homes.find((each) => each.home === home);
    if (view === undefined || !isVisible(view, node.ID, viewer)) return null;
    const there = addressesThere(view, viewer);
    if (there === null) return node;
    const [SelfNodeV4MasqAddrForThisPeer, SelfNodeV6MasqAddrForThisPeer] = there;
    return { ...node, SelfNodeV4MasqAddrForThisPeer, SelfNodeV6MasqAddrForThisPeer };
  }

  #self(nodeId: number): MapNode | null {
    const shown = this.#nodes.get(nodeId);
    return shown === undefined ? null : selfOf(shown.node);
  }

  /** The first response of a session [M1]; null where the node is not in the snapshot. */
  full(nodeId: number): MapResponse | null {
    const self = this.#self(nodeId);
    if (self === null) return null;
    return {
      ...NOTHING,
      MapSessionHandle: this.#epoch,
      Seq: this.#seq,
      Node: self,
      Peers: this.#peers(nodeId, -1),
      Domain: this.#domain,
      UserProfiles: [OWNER_USER, ...this.#homes.map(({ user }) => user)],
      TKAInfo: this.#tkaInfo(),
    };
  }

  /** What a session that was last told `since` has missed. */
  delta(nodeId: number, since: number): MapResponse {
    const changedSelf = (this.#nodes.get(nodeId)?.changed ?? 0) > since;
    const peers = this.#peers(nodeId, since);
    return {
      ...NOTHING,
      MapSessionHandle: this.#epoch,
      Seq: this.#seq,
      Node: changedSelf ? this.#self(nodeId) : null,
      PeersChanged: peers.length > 0 ? peers : null,
      TKAInfo: this.#lock.changed > since ? this.#tkaInfo() : null,
    };
  }
}
