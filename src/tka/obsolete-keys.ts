/**
 * Node keys that validly signed peers have made obsolete: rotated out, or used by clones. Source: the rotation tracker in Go's
 * `ipn/ipnlocal/tailnet-lock.go`.
 *
 * Rule [O1]: every earlier key that a valid rotation names is obsolete.
 * Rule [O2]: of valid rotations that go back to direct signatures wrapping the same key, the one with the most earlier keys stays; where two
 *            have the most, one of them is a clone, nobody can tell which, and all of them go.
 * Rule [O3]: rotations that go back to a credential are exempt from [O2]: a reusable auth key brings in many nodes.
 */

import type { NodeKey } from "./key-text.ts";
import type { RotationDetails } from "./node-key-authorized.ts";
import { SIG_KIND } from "./node-key-signature.ts";
import { encodeHex } from "./text-encodings.ts";

/** A peer whose signature was proven to be a rotation. */
export interface RotatedPeer {
  readonly nodeKey: NodeKey;
  readonly rotation: RotationDetails;
}

function groupByWrappingKey(peers: readonly RotatedPeer[]): Map<string, RotatedPeer[]> {
  const groups = new Map<string, RotatedPeer[]>();
  for (const peer of peers) {
    const { initial } = peer.rotation;
    if (initial.kind !== SIG_KIND.direct) continue;
    const wrapping = encodeHex(initial.wrappingPubkey ?? new Uint8Array(0));
    groups.set(wrapping, [...(groups.get(wrapping) ?? []), peer]);
  }
  return groups;
}

function losersOf(group: readonly RotatedPeer[]): readonly RotatedPeer[] {
  const most = Math.max(...group.map(({ rotation }) => rotation.previousNodeKeys.length));
  const longest = group.filter(({ rotation }) => rotation.previousNodeKeys.length === most);
  return longest.length > 1 ? group : group.filter((peer) => peer !== longest[0]);
}

/** The node keys, of these peers or not, that must not be talked to. `peers` are all validly rotated peers of the tailnet. */
export function obsoleteNodeKeys(peers: readonly RotatedPeer[]): Set<NodeKey> {
  const obsolete = new Set(peers.flatMap(({ rotation }) => rotation.previousNodeKeys));
  for (const group of groupByWrappingKey(peers).values()) {
    const current = group.filter(({ nodeKey }) => !obsolete.has(nodeKey));
    if (current.length < 2) continue;
    for (const { nodeKey } of losersOf(current)) obsolete.add(nodeKey);
  }
  return obsolete;
}
