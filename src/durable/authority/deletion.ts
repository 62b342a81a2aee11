/**
 * A tailnet is given up.
 *
 * Rule [W5]: a tailnet is deleted only once its lock is off, or with a disablement secret that turns it off in the same transaction; and a node that
 *            has not heard of that yet is kept until it has: it can still ask why, and is given the secret. It sees nobody, and nobody sees it.
 * Rule [W6]: of a deleted tailnet the record stays, and the retired chains with their secrets; all else goes, and is refused.
 */

import type { DisablementKdf } from "../../tka/index.ts";
import { removeNode } from "../nodes/devices.ts";
import type { By } from "../audit/events.ts";
import { disable } from "../lock/disable.ts";
import { mayHoldLock } from "../nodes/secluded.ts";
import { ControlError } from "../refuse.ts";
import { endAllShares } from "../sharing/links.ts";
import type { Tailnet } from "./tailnet.ts";

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
  "user_invites",
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
