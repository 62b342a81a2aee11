/**
 * Logins: a node without an auth key is let in, or back in, by an admin. The Directory holds those that wait; the authority takes the approval
 * and, when the node comes back, decides.
 *
 * Rule [G11]: an approval is for one pair of machine and node key, is taken once, in the transaction that registers the node, and expires. A denial
 *            takes it back: where the answer to an approval was lost, the login still waits, and an admin may say no after all.
 */

import { LOGIN_MS, type MachineKey } from "../../protocol/index.ts";
import type { NodeKey } from "../../tka/index.ts";
import type { Actor, By } from "../audit/events.ts";
import { DEVICE_ROLES } from "../people/roles.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** A login as an admin sees it. What the node says of itself is attacker-controlled. */
export interface LoginInfo {
  readonly id: string;
  readonly machineKey: MachineKey;
  readonly nodeKey: NodeKey;
  readonly hostname: string;
  readonly os: string;
  /** That it asks for, in order. */
  readonly tags: readonly string[];
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly expires: number;
  readonly state: "waiting" | "approved" | "denied";
  /** The tailnet it was let into, or, while it waits, the one that the machine was in before; null for none. */
  readonly tailnet: string | null;
}

function targetOf({ id, hostname }: LoginInfo) {
  return { type: "LOGIN", id, name: hostname } as const;
}

function detailOf({ machineKey, nodeKey, hostname, tags }: LoginInfo) {
  return { machineKey, nodeKey, hostname, ...(tags.length === 0 ? {} : { tags }) };
}

/** A login that an admin has approved. */
export interface Approval {
  readonly login: string;
  /** The ID of the person whose node it is. */
  readonly user: string;
  /** True where whoever approved it may approve devices too [H37]. */
  readonly preauthorized: boolean;
  /** The tags that were asked for then: the admin has seen these, and no others [G17]. */
  readonly tags: readonly string[];
}

/** Takes an admin's approval; the same one again is a no-op. */
function approveLogin(tailnet: Tailnet, by: By, login: LoginInfo, now: number): void {
  const { store } = tailnet;
  store.run("DELETE FROM approvals WHERE expires <= ?", now);
  const { machineKey, nodeKey, id } = login;
  const known = store.row("SELECT 1 FROM approvals WHERE login = ?", id);
  if (known !== null) return;
  store.run(
    "INSERT OR REPLACE INTO approvals (machine_key, node_key, login, approved_by, expires, tags) VALUES (?, ?, ?, ?, ?, ?)",
    machineKey,
    nodeKey,
    id,
    JSON.stringify(by.actor),
    now + LOGIN_MS,
    JSON.stringify(login.tags),
  );
  tailnet.record(by, { kind: "login.approved", target: targetOf(login), new: detailOf(login) }, now);
}

/** Records that an admin of this tailnet has denied a login. */
function denyLogin(tailnet: Tailnet, by: By, login: LoginInfo, now: number): void {
  tailnet.store.run("DELETE FROM approvals WHERE login = ?", login.id);
  tailnet.record(by, { kind: "login.denied", target: targetOf(login), new: detailOf(login) }, now);
}

/** Takes an admin's word on a login. */
export function settleLogin(
  tailnet: Tailnet,
  by: By,
  login: LoginInfo,
  state: "approved" | "denied",
  now: number,
): null {
  if (state === "approved") approveLogin(tailnet, by, login, now);
  else denyLogin(tailnet, by, login, now);
  return null;
}

/** The login that was approved for the pair, by somebody who is still here; or null. */
export function approvedLogin(
  tailnet: Tailnet,
  machineKey: MachineKey,
  nodeKey: NodeKey,
  now: number,
): Approval | null {
  const row = tailnet.store.row(
    "SELECT login, tags, approved_by FROM approvals WHERE machine_key = ? AND node_key = ? AND expires > ?",
    machineKey,
    nodeKey,
    now,
  );
  if (row === null) return null;
  const user = tailnet.users.standIn(JSON.parse(row.text("approved_by")) as Actor);
  if (user === null) return null;
  const tags = JSON.parse(row.text("tags")) as string[];
  return { login: row.text("login"), user: user.id, preauthorized: DEVICE_ROLES.has(user.role), tags };
}

/** Takes the approval [G11]. */
export function takeApproval(tailnet: Tailnet, machineKey: MachineKey, nodeKey: NodeKey): void {
  tailnet.store.run("DELETE FROM approvals WHERE machine_key = ? AND node_key = ?", machineKey, nodeKey);
}
