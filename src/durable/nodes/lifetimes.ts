/**
 * What ends by itself, with time: node keys, and ephemeral nodes. The alarm of the tailnet's object rings for the next of it.
 *
 * Rule [G18]: a node key that runs out is on the record when it does, and peers are told; once, also where the object was away at that time.
 * Rule [G20]: a day before a node key runs out it is on the record that it will; once.
 * Rule [G19]: an ephemeral node that has been out of touch for half an hour is removed, within half an hour more; one that logs out, at once.
 */

import { removeNode } from "./devices.ts";
import { BY_SYSTEM } from "../audit/events.ts";
import { noteTold, timeText } from "./key-expiry.ts";
import { nodeOf, nodeTarget, type NodeRecord } from "./nodes.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Nodes that are dealt with in one turn; the rest follow in the next ones. */
const MOST_AT_ONCE = 200;

/** Keys of our own nodes of whose end nothing was told yet. */
const UNTOLD = "home IS NULL AND key_expiry IS NOT NULL AND key_expiry IS NOT expiry_told";

/** The same of which nothing was told a day before. */
const UNWARNED = "home IS NULL AND key_expiry IS NOT NULL AND key_expiry IS NOT expiring_told";
const WARNING_MS = 24 * 60 * 60_000;

/** Milliseconds for which an ephemeral node may be out of touch, and between two looks at them all. */
export const EPHEMERAL_MS = 30 * 60_000;
/** The same after it was made, for one that asks for single maps: nobody tells of it as connected. */
const POLLING_MS = 24 * 60 * 60_000;

/** True where any node is ephemeral: somebody has to look after them. */
export function hasEphemerals(tailnet: Tailnet): boolean {
  if (tailnet.find()?.deleted !== false) return false;
  return tailnet.store.row("SELECT 1 FROM nodes WHERE ephemeral = 1 LIMIT 1") !== null;
}

/** Removes the ephemeral nodes that are out of touch, or the first of them, inside the caller's transaction [G19]; gives how many those were. */
export function removeEphemerals(tailnet: Tailnet, now: number): number {
  const sql = `SELECT nodes.* FROM nodes LEFT JOIN presence ON presence.node_id = nodes.id
    WHERE ephemeral = 1 AND home IS NULL AND IFNULL(online, 0) = 0 AND IFNULL(last_seen, nodes.created + heard * ?) <= ? LIMIT ?`;
  const gone = tailnet.store.rows(sql, POLLING_MS, now - EPHEMERAL_MS, MOST_AT_ONCE).map(nodeOf);
  for (const node of gone) removeNode(tailnet, BY_SYSTEM, node, now);
  return gone.length;
}

function nextKey({ store }: Tailnet, condition: string): number {
  return store.row(`SELECT MIN(key_expiry) AS due FROM nodes WHERE ${condition}`)?.integerOrNull("due") ?? Infinity;
}

/** When there is next something to tell of a key, in milliseconds since the epoch, or null for never. */
export function nextEnd(tailnet: Tailnet): number | null {
  if (tailnet.find()?.deleted !== false) return null;
  const due = Math.min(nextKey(tailnet, UNTOLD), nextKey(tailnet, UNWARNED) - WARNING_MS);
  return due === Infinity ? null : due;
}

/** [G20] */
function tellExpiring(tailnet: Tailnet, node: NodeRecord, now: number): void {
  const { keyExpiry } = node;
  const event = { kind: "node.expiring", target: nodeTarget(node), new: { keyExpiry: timeText(keyExpiry) } } as const;
  if (keyExpiry !== null && keyExpiry > now) tailnet.record(BY_SYSTEM, event, now);
  tailnet.store.run("UPDATE nodes SET expiring_told = ? WHERE id = ?", keyExpiry, node.id);
}

function tellExpired(tailnet: Tailnet, node: NodeRecord, now: number): void {
  const details = { old: { keyExpiry: timeText(node.keyExpiry) }, new: { keyExpiry: timeText(node.keyExpiry) } };
  const seq = tailnet.record(BY_SYSTEM, { kind: "node.expired", target: nodeTarget(node), ...details }, now);
  tailnet.nodes.setKeyExpiry(node, node.keyExpiry, seq);
  noteTold(tailnet, node, node.keyExpiry);
}

/** Tells of keys that are over by now or will be in a day, or the first of them, inside the caller's transaction [G18][G20]. */
export function tellOfEnds(tailnet: Tailnet, now: number): void {
  const soon = `SELECT * FROM nodes WHERE ${UNWARNED} AND key_expiry <= ? ORDER BY key_expiry LIMIT ?`;
  for (const row of tailnet.store.rows(soon, now + WARNING_MS, MOST_AT_ONCE)) tellExpiring(tailnet, nodeOf(row), now);
  const sql = `SELECT * FROM nodes WHERE ${UNTOLD} AND key_expiry <= ? ORDER BY key_expiry LIMIT ?`;
  for (const row of tailnet.store.rows(sql, now, MOST_AT_ONCE)) tellExpired(tailnet, nodeOf(row), now);
}
