/**
 * Nodes that slept through the end of a lock, and nodes that ignore one.
 *
 *   a lock is on; a node says that its head is on a retired chain        1: it is told that the lock is off
 *   it asks why, and is given the secret that retired that chain;        2: it is told the new head
 *   or it says that it has no head any more
 *   it says after all that its head is on a retired chain                1: the secret did not arrive, and it is told again that the lock is off
 *   it asks for the new genesis, and is given it                         0: it is a node like all others
 *
 * Rule [A5]: until it has been given the genesis of the lock that is on, such a node is shown no unsigned peer: for a moment it has no lock by
 *            which it could filter them. From then on it is shown all peers, whatever head it says it has.
 * Rule [A6]: a node that had the active chain, and says that it has no head, was told by its owner to ignore the lock: it stays so, and is listed
 *            as such until it says that it has a head again.
 */

import { parseAumHash, TkaError, type AumHash } from "../../tka/index.ts";
import type { ActiveLock } from "./lock.ts";
import { byNode, nodeTarget, type Awakening, type NodeRecord } from "../nodes/nodes.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** An attacker-controlled head as a hash, or null for none that could be one. */
function headOf(text: string): AumHash | null {
  try {
    return text === "" ? null : parseAumHash(text);
  } catch (error) {
    if (error instanceof TkaError) return null;
    throw error;
  }
}

function wake(tailnet: Tailnet, node: NodeRecord, to: Awakening, now: number): void {
  const details = { old: { awakening: node.awakening }, new: { awakening: to } };
  const seq = tailnet.record(byNode(node), { kind: "node.waking", target: nodeTarget(node, "TKA"), ...details }, now);
  tailnet.nodes.setAwakening(node, to, seq);
}

function judgeIgnoring(tailnet: Tailnet, node: NodeRecord, ignores: boolean, now: number): void {
  if (ignores === node.ignoresLock) return;
  const kind = ignores ? "node.ignores_lock" : "node.follows_lock";
  const seq = tailnet.record(byNode(node), { kind, target: nodeTarget(node, "TKA") }, now);
  tailnet.nodes.setIgnoring(node, ignores, seq);
}

function judgeHead(tailnet: Tailnet, node: NodeRecord, active: ActiveLock, head: AumHash | null, now: number): void {
  if (head === null) {
    const had = headOf(node.tkaHead);
    if (had !== null && active.places.knows(had)) judgeIgnoring(tailnet, node, true, now);
    if (node.awakening === 1) wake(tailnet, node, 2, now);
    return;
  }
  judgeIgnoring(tailnet, node, false, now);
  if (active.places.knows(head)) {
    if (node.awakening !== 0) wake(tailnet, node, 0, now);
    tailnet.nodes.setSeenChain(node, active.chain);
  } else if (node.awakening !== 1 && node.seenChain !== active.chain && tailnet.lock.secretFor(head) !== null)
    wake(tailnet, node, 1, now);
}

/** Takes the head that a node says it has [A5][A6]. */
export function noteHead(tailnet: Tailnet, node: NodeRecord, said: string, now: number): void {
  const head = headOf(said);
  tailnet.nodes.recordHead(node, head ?? "");
  const active = tailnet.lock.active();
  if (active !== null) judgeHead(tailnet, node, active, head, now);
  else if (head === null) tailnet.nodes.setSeenChain(node, null);
}

/** Notes that a node was given the secret that retired its chain, while another lock is on. */
export function noteSecretGiven(tailnet: Tailnet, node: NodeRecord, now: number): void {
  const active = tailnet.lock.active();
  if (active !== null && node.awakening === 1) wake(tailnet, node, 2, now);
}

/** Notes that a node was given the genesis of the lock that is on. */
export function noteGenesisGiven(tailnet: Tailnet, node: NodeRecord, now: number): void {
  const { chain } = tailnet.lock.require();
  tailnet.nodes.setSeenChain(node, chain);
  if (node.awakening !== 0) wake(tailnet, node, 0, now);
}
