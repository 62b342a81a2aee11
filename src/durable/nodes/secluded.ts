/** Nodes of a deleted tailnet that are kept, each on its own, until they have heard that the lock is off [W5]. */

import type { Tailnet } from "../authority/tailnet.ts";
import { BY_SYSTEM } from "../audit/events.ts";
import { removeNode } from "./devices.ts";
import type { NodeRecord } from "./nodes.ts";

/** True for a node that may still hold a lock: its head was on a chain, or it was given a genesis and has said nothing since. */
export function mayHoldLock({ tkaHead, seenChain }: NodeRecord): boolean {
  return tkaHead !== "" || seenChain !== null;
}

/** Lets go of the nodes of a deleted tailnet that have said, `asking` aside, that they hold no lock any more. */
export function releaseWoken(tailnet: Tailnet, asking: NodeRecord, now: number): void {
  if (!tailnet.info().deleted) return;
  for (const node of tailnet.nodes.all())
    if (node.id !== asking.id && !mayHoldLock(node)) removeNode(tailnet, BY_SYSTEM, node, now);
}
