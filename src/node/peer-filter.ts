/**
 * Which peers a node talks to while its tailnet is locked. Source: Go's `tkaFilterNetmapLocked`, whose rules are kept for deltas as well.
 *
 * Rule [Z11]: a peer without a signature that proves its node key under the local chain is never visible, whatever else is said of it;
 *            `UnsignedPeerAPIOnly` is no exception.
 * Rule [Z12]: node keys that validly signed peers have rotated out, and keys of clones, are not visible either [O1] to [O3].
 * Rule [Z13]: both hold after every change, of a peer or of the chain.
 */

import type { MapNode } from "../protocol/index.ts";
import {
  AuthorizationCache,
  TkaError,
  obsoleteNodeKeys,
  type RotatedPeer,
  type SignatureVerifier,
  type State,
} from "../tka/index.ts";

export interface FilteredPeer {
  readonly peer: MapNode;
  /** Why it is locked out, for people. */
  readonly why: string;
}

export interface FilterOutcome {
  readonly visible: readonly MapNode[];
  readonly filtered: readonly FilteredPeer[];
}

export class PeerFilter {
  readonly #cache: AuthorizationCache;

  constructor(verifier: SignatureVerifier) {
    this.#cache = new AuthorizationCache(verifier);
  }

  /** Why `node` is not let in under `state`, or null where it is; a valid rotation is added to `rotated`. */
  #refusal(state: State, node: MapNode, rotated: RotatedPeer[]): string | null {
    if (node.KeySignature.length === 0) return "its node key is not signed";
    try {
      const { rotation } = this.#cache.authorize(state, node.Key, node.KeySignature);
      if (rotation !== null) rotated.push({ nodeKey: node.Key, rotation });
      return null;
    } catch (error) {
      if (error instanceof TkaError) return `its signature does not count: ${error.message}`;
      throw error;
    }
  }

  /** True if the node's own signature, as the control plane tells it, lets it in. */
  isAuthorized(state: State, node: MapNode): boolean {
    return this.#refusal(state, node, []) === null;
  }

  /**
   * Judges all peers under the chain's `state`, or shows them all where `state` is null: no lock. What was proven of them is remembered, and
   * of the node itself; of all others it is forgotten.
   */
  apply(state: State | null, peers: Iterable<MapNode>, self: MapNode | null = null): FilterOutcome {
    const all = [...peers];
    if (state === null) return { visible: all, filtered: [] };
    this.#cache.retain(new Set([...all, ...(self === null ? [] : [self])].map(({ Key }) => Key)));
    const rotated: RotatedPeer[] = [];
    const judged = all.map((peer) => ({ peer, refusal: this.#refusal(state, peer, rotated) }));
    const obsolete = obsoleteNodeKeys(rotated);
    const visible: MapNode[] = [];
    const filtered: FilteredPeer[] = [];
    for (const { peer, refusal } of judged) {
      const why = refusal ?? (obsolete.has(peer.Key) ? "its node key was rotated out, or belongs to a clone" : null);
      if (why === null) visible.push(peer);
      else filtered.push({ peer, why });
    }
    return { visible, filtered };
  }
}
