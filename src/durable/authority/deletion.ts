/**
 * A tailnet is given up.
 *
 * Rule [W5]: a tailnet is deleted only once its lock is off, or with a disablement secret that turns it off in the same transaction; and a node that
 *            has not heard of that yet is kept until it has: it can still ask why, and is given the secret. It sees nobody, and nobody sees it.
 * Rule [W6]: of a deleted tailnet the record stays, and the retired chains with their secrets; all else goes, and is refused.
 */

import type { DisablementKdf } from "../../tka/index.ts";
import { removeNode } from "../nodes/devices.ts";
import { BY_SYSTEM, type By } from "../audit/events.ts";
import { disable } from "../lock/disable.ts";
import type { NodeRecord } from "../nodes/nodes.ts";
import { ControlError } from "../refuse.ts";
import { endAllShares } from "../sharing/links.ts";
import type { Tailnet } from "./tailnet.ts";

/** True for a node that may still hold a lock: its head was on a chain, or it was given a genesis and has said nothing since. */
function mayHoldLock({ tkaHead, seenChain }: NodeRecord): boolean {
  return tkaHead !== "" || seenChain !== null;
}

function turnLockOff(tailnet: Tailnet, by: By, secret: Uint8Array | null, kdf: DisablementKdf, now: number): void {
  const head = tailnet.lock.head();
  if (head === null) return;
  if (secret === null)
    throw new ControlError(
      "lock_enabled",
      "tailnet lock is enabled, and its nodes would be stranded: disable it first, or give a disablement secret",
      { head },
    );
  disable(tailnet, by, secret, kdf, now);
}

/** What goes with a tailnet, whole. */
const GONE_TABLES = [
  "auth_keys",
  "approvals",
  "pending_init",
  "policies",
  "users",
  "removed_users",
  "credentials",
  "access_tokens",
] as const;

/** Throws `lock_enabled`, `incorrect_secret`. A tailnet that is deleted already is a success. */
export function deleteTailnet(
  tailnet: Tailnet,
  by: By,
  secret: Uint8Array | null,
  kdf: DisablementKdf,
  now: number,
): void {
  if (tailnet.info().deleted) return;
  turnLockOff(tailnet, by, secret, kdf, now);
  endAllShares(tailnet, by, now);
  const { name } = tailnet.info();
  const nodes = tailnet.nodes.all();
  const old = { name, nodes: nodes.length, authKeys: tailnet.authKeys.all(now).length };
  const seq = tailnet.record(by, { kind: "tailnet.deleted", target: tailnet.target(), old }, now);
  for (const node of nodes) {
    if (mayHoldLock(node)) tailnet.nodes.seclude(node, now, seq);
    else removeNode(tailnet, by, node, now);
  }
  for (const table of GONE_TABLES) tailnet.store.run(`DELETE FROM ${table}`);
  tailnet.webhooks.endAll(now);
  tailnet.logStreams.end(tailnet.info().seq, now);
  tailnet.store.run("UPDATE tailnet SET settings = '{}', deleted = ?", now);
}

/** Lets go of the nodes of a deleted tailnet that have said, `asking` aside, that they hold no lock any more. */
export function releaseWoken(tailnet: Tailnet, asking: NodeRecord, now: number): void {
  if (!tailnet.info().deleted) return;
  for (const node of tailnet.nodes.all())
    if (node.id !== asking.id && !mayHoldLock(node)) removeNode(tailnet, BY_SYSTEM, node, now);
}
