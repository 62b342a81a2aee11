/**
 * What must hold of a tailnet before its lock is turned on.
 *
 * Rule [I9]: the lock and device approval exclude each other, both ways: a signature is the approval.
 * Rule [I10]: no node's client is too old for the lock (Tailscale 1.46.1), since it would show itself unsigned peers; unless an admin's setting says
 *             that this is known.
 * Rule [I11]: a genesis trusts no lock key of an Android node: those cannot sign. A key that is added later is not refused for it: it weighs
 *             nothing until it signs, and what other nodes have taken cannot be taken back here.
 * Nodes of other tailnets count for neither: what they say of themselves must not keep this lock off.
 */

import { encodeHex, type State } from "../../tka/index.ts";
import type { NodeRecord } from "../nodes/nodes.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** The capability version of Tailscale 1.46.1. Source: `tailcfg.CurrentCapabilityVersion` of that release. */
export const LOCK_CAPABILITY_VERSION = 65;
/** Announced the same, and is one too old. */
const TOO_OLD = /^1\.46\.0(-|$)/;
/** Nodes that a refusal names. */
const MOST_NAMED = 10;

function isTooOld({ capVersion, clientVersion }: NodeRecord): boolean {
  return capVersion < LOCK_CAPABILITY_VERSION || TOO_OLD.test(clientVersion);
}

function namesOf(nodes: readonly NodeRecord[]): string {
  const names = nodes.slice(0, MOST_NAMED).map(({ name }) => name);
  const more = nodes.length - names.length;
  return more > 0 ? `${names.join(", ")} and ${more} more` : names.join(", ");
}

/** Throws `device_approval_on` [I9], `old_clients` [I10]. */
export function refuseUnready(tailnet: Tailnet): void {
  const { devicesApprovalOn, lockAllowsOldClients } = tailnet.settings;
  if (devicesApprovalOn)
    throw new ControlError(
      "device_approval_on",
      "device approval is on, and excludes tailnet lock: an admin turns the setting devicesApprovalOn off first",
    );
  const old = lockAllowsOldClients ? [] : tailnet.nodes.own().filter(isTooOld);
  if (old.length > 0)
    throw new ControlError(
      "old_clients",
      `the clients of these nodes are too old for tailnet lock (before 1.46.1): ${namesOf(old)}; ` +
        "update or remove them, or let an admin turn on the setting lockAllowsOldClients",
    );
}

/** Throws `android_signer` [I11]. */
export function refuseAndroidSigners(tailnet: Tailnet, { keys }: State): void {
  const trusted = new Set((keys ?? []).map(({ publicKey }) => encodeHex(publicKey ?? new Uint8Array(0))));
  const android = tailnet.nodes
    .own()
    .filter(({ os, lockKey }) => os.toLowerCase() === "android" && lockKey !== null && trusted.has(encodeHex(lockKey)));
  if (android.length > 0)
    throw new ControlError(
      "android_signer",
      `an Android node cannot be a signing node: trust other keys than that of ${namesOf(android)}`,
    );
}
