/**
 * What ends by itself, with time: node keys. The alarm of the tailnet's object rings for the next of it.
 *
 * Rule [G18]: a node key that runs out is on the record when it does, and peers are told; once, also where the object was away at that time.
 */

import { BY_SYSTEM } from "./events.ts";
import { noteTold, timeText } from "./key-expiry.ts";
import { nodeOf, nodeTarget, type NodeRecord } from "./nodes.ts";
import type { Tailnet } from "./tailnet.ts";

/** Nodes that are dealt with in one turn; the rest follow in the next ones. */
const MOST_AT_ONCE = 200;

/** Keys of our own nodes of whose end nothing was told yet. */
const UNTOLD = "home IS NULL AND key_expiry IS NOT NULL AND key_expiry IS NOT expiry_told";

/** When the next of it ends, in milliseconds since the epoch, or null for never. */
export function nextEnd(tailnet: Tailnet): number | null {
  if (tailnet.find()?.deleted !== false) return null;
  return tailnet.store.row(`SELECT MIN(key_expiry) AS due FROM nodes WHERE ${UNTOLD}`)?.integerOrNull("due") ?? null;
}

function tellExpired(tailnet: Tailnet, node: NodeRecord, now: number): void {
  const details = { old: { keyExpiry: timeText(node.keyExpiry) }, new: { keyExpiry: timeText(node.keyExpiry) } };
  const seq = tailnet.record(BY_SYSTEM, { kind: "node.expired", target: nodeTarget(node), ...details }, now);
  tailnet.nodes.setKeyExpiry(node, node.keyExpiry, seq);
  noteTold(tailnet, node, node.keyExpiry);
}

/** Ends what is over by now, or the first of it, inside the caller's transaction [G18]. */
export function endWhatIsOver(tailnet: Tailnet, now: number): void {
  const sql = `SELECT * FROM nodes WHERE ${UNTOLD} AND key_expiry <= ? ORDER BY key_expiry LIMIT ?`;
  for (const row of tailnet.store.rows(sql, now, MOST_AT_ONCE)) tellExpired(tailnet, nodeOf(row), now);
}
