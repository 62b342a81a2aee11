/**
 * How long a node key is good for. Source: Tailscale's rules for key expiry.
 *
 * Rule [G8]: a node key is over after `devicesKeyDurationDays`, counted from when somebody vouched for it (an auth key, an approved login); that of
 *            a tagged node never is. Changing the setting changes no key that there is.
 * Rule [G9]: a node whose key is over sees itself and is told so, and its peers see it as expired; of the lock it may read, and change nothing.
 */

import type { By } from "../audit/events.ts";
import { nodeTarget, type NodeRecord } from "./nodes.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export function isExpired({ keyExpiry }: Pick<NodeRecord, "keyExpiry">, now: number): boolean {
  return keyExpiry !== null && keyExpiry <= now;
}

/** When a key that is vouched for now is over, or null for never [G8]. */
export function expiryOf(tailnet: Tailnet, tags: readonly string[], now: number): number | null {
  return tags.length > 0 ? null : now + tailnet.settings.devicesKeyDurationDays * DAY_MS;
}

/** A time as an event and the API tell it, or null for never. */
export function timeText(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** Notes that an event has told of the end of a node's key at that time: the alarm tells of no other (lifetimes.ts). */
export function noteTold({ store }: Tailnet, node: NodeRecord, keyExpiry: number | null): void {
  store.run("UPDATE nodes SET expiry_told = ? WHERE id = ?", keyExpiry, node.id);
}

/** Ends a node's key now; a no-op where it is over. */
export function expireKey(tailnet: Tailnet, by: By, node: NodeRecord, now: number): void {
  if (isExpired(node, now)) return;
  const details = { old: { keyExpiry: timeText(node.keyExpiry) }, new: { keyExpiry: timeText(now) } };
  const seq = tailnet.record(by, { kind: "node.expired", target: nodeTarget(node), ...details }, now);
  tailnet.nodes.setKeyExpiry(node, now, seq);
  noteTold(tailnet, node, now);
}

/** Throws `node_key_expired` [G9]. */
export function refuseExpired(node: NodeRecord, now: number): void {
  if (isExpired(node, now))
    throw new ControlError("node_key_expired", "this node's key has expired: authenticate the node again", {
      subject: node.nodeKey,
    });
}
