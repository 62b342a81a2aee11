/**
 * Answering a node's sync offer from the places of the chain (places.ts), without a walk: a node a few AUMs behind and one that has slept for
 * thousands cost the same.
 *
 * Rule [Y6]: what a node lacks comes oldest first, from the newest AUM that is known to be common, in batches of MAX_SYNC_AUMS and MAX_SYNC_BYTES
 *            at most. A node that is further behind comes again: it stands on our chain, but not at its head.
 * Rule [Y7]: our offer names the checkpoints of our last 1,000 AUMs, the common AUM, and the genesis last: whoever computes from it what we lack
 *            starts from what both have, also where the common AUM is in the archive.
 *
 * Whom we offer and what we send is what Go's `SyncOffer` and `MissingAUMs` give, as long as one walk and one batch suffice.
 */

import { MAX_SCAN, MAX_SYNC_HEAD, TkaError, parseSyncOffer, type AumHash, type SyncOffer } from "../../tka/index.ts";
import {
  MAX_ANCESTORS,
  MAX_SYNC_AUMS,
  MAX_SYNC_BYTES,
  type SyncOfferRequest,
  type SyncOfferResponse,
} from "../../protocol/index.ts";
import type { ActiveLock } from "./lock.ts";
import type { Places, Placed } from "./places.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** The newest of the AUMs that is on our active chain, or null. */
function newestOf(places: Places, hashes: readonly AumHash[]): Placed | null {
  let newest: Placed | null = null;
  for (const hash of new Set(hashes)) {
    const place = places.of(hash);
    if (place !== null && place > (newest?.place ?? -1)) newest = { hash, place };
  }
  return newest;
}

/**
 * The newest AUM that is on our active chain and, by what the other node offers, on its own.
 *
 *   Us    0 -> 1 -> 2 -> 3        their head 1 is on our chain: they lack 2 and 3.
 *   Them  0 -> 1
 *
 *   Us    0 -> 1 -> 2 -> 3        their ancestor 0 is; where we have their head x, though it lost, we see that it forks off at 1.
 *   Them  0 -> 1 -> x
 *
 * Throws `no_intersection`.
 */
function common(places: Places, remote: SyncOffer): Placed {
  const head = places.of(remote.head);
  if (head !== null) return { hash: remote.head, place: head };
  const ancestor = newestOf(places, remote.ancestors);
  if (ancestor === null) throw new TkaError("no_intersection", "nothing that the offer names is on our chain");
  const fork = places.nearest(remote.head, MAX_SCAN);
  return fork !== null && fork.place > ancestor.place ? fork : ancestor;
}

/** What we offer in turn [Y7], the newest first. */
function ourAncestors(places: Places, start: Placed): AumHash[] {
  const head = places.head();
  const oldest = places.at(0);
  const checkpoints = places.checkpoints(Math.max(0, head - MAX_SYNC_HEAD), MAX_ANCESTORS - 2);
  const named = [...checkpoints, start].sort((a, b) => b.place - a.place).map(({ hash }) => hash);
  return [...new Set([...named, ...(oldest === null ? [] : [oldest])])];
}

/** Throws `lock_not_enabled`, `malformed_text` or `no_intersection`. */
export function syncOffer(tailnet: Tailnet, request: SyncOfferRequest): SyncOfferResponse {
  const { places, authority } = tailnet.lock.require();
  const start = common(places, parseSyncOffer(request.Head, request.Ancestors));
  const MissingAUMs = start.hash === authority.head ? [] : places.batch(start.place, MAX_SYNC_AUMS, MAX_SYNC_BYTES);
  return { Head: authority.head, Ancestors: ourAncestors(places, start), MissingAUMs };
}

/** True if a node that says it stands at `head` has to come again: that is on our chain, and not its end [Y6]. */
export function lagsBehind({ places, authority }: ActiveLock, head: string): boolean {
  return head !== authority.head && places.of(head as AumHash) !== null;
}
