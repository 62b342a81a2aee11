/**
 * What is done with people. Everything here runs inside the caller's transaction.
 *
 * Rule [P51]: there is always an owner who is not suspended: the last one cannot go, nor be suspended or given another role.
 * Rule [P53]: nobody changes their own role or standing, nor gives or takes a role that may do more than their own (roles.ts). Who is suspended, or
 *             goes, takes their way in along: API tokens and auth keys are dead from that transaction on. The devices of who is suspended are logged
 *             out, those of who goes are removed. An OAuth client that they have made acts on: it is the tailnet's, and goes by its own ID.
 */

import { isRole, type Role } from "../../protocol/index.ts";
import { keysOf, revokeKey } from "./credential-acts.ts";
import { removeNode } from "../nodes/devices.ts";
import type { By } from "../audit/events.ts";
import { expireKey, isExpired } from "../nodes/key-expiry.ts";
import { refuseMoreUsers } from "./key-limits.ts";
import { randomId } from "../random-id.ts";
import { ControlError } from "../refuse.ts";
import { mayGive, ROLE_NAMES } from "./roles.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import { loginOf, userTarget, type UserRecord } from "./users.ts";

/** A person as the admin API shows it. */
export interface UserInfo extends Omit<UserRecord, "subject" | "isFirst"> {
  readonly devices: number;
  /** True while any device of theirs is connected. */
  readonly connected: boolean;
}

/** What can be done to a person. */
export type UserChange =
  | { readonly kind: "role"; readonly role: string }
  | { readonly kind: "approve" }
  | { readonly kind: "suspend" }
  | { readonly kind: "restore" }
  | { readonly kind: "remove" };

/** How many devices a tailnet's people have, and how many of these are connected. */
function devicesOf({ store }: Tailnet): Map<string, { readonly devices: number; readonly connected: boolean }> {
  const sql = `SELECT user, COUNT(*) AS devices, MAX(IFNULL(online, 0)) AS connected FROM nodes
    LEFT JOIN presence ON presence.node_id = nodes.id WHERE user IS NOT NULL GROUP BY user`;
  const rows = store.rows(sql);
  return new Map(
    rows.map((row) => [
      row.text("user"),
      { devices: row.integer("devices"), connected: row.integer("connected") === 1 },
    ]),
  );
}

function infoOf(user: UserRecord, devices: ReturnType<typeof devicesOf>): UserInfo {
  const { id, login, displayName, role, suspended, waiting, created, lastSeen } = user;
  const counted = devices.get(id) ?? { devices: 0, connected: false };
  return { id, login, displayName, role, suspended, waiting, created, lastSeen, ...counted };
}

/** All people, the eldest first. */
export function usersOf(tailnet: Tailnet): UserInfo[] {
  const devices = devicesOf(tailnet);
  return tailnet.users.all().map((user) => infoOf(user, devices));
}

/** Throws `unknown_user`. */
export function userInfo(tailnet: Tailnet, id: string): UserInfo {
  return infoOf(tailnet.users.require(id), devicesOf(tailnet));
}

/** [P53] The operator may give any role; an OAuth client, for which nobody answers, none but a member's. */
export function refuseGiving(tailnet: Tailnet, { actor }: By, role: Role): void {
  if (actor.type === "OPERATOR") return;
  const giver = actor.type === "OAUTH_CLIENT" ? null : tailnet.users.behind(actor);
  if (giver === null ? role === "member" && actor.type === "OAUTH_CLIENT" : mayGive(giver.role, role)) return;
  const who = giver === null ? actor.name : ROLE_NAMES[giver.role];
  throw new ControlError("forbidden", `this role may do more than who gives or takes it (${who}): ${ROLE_NAMES[role]}`);
}

/** Attacker-controlled. Throws `malformed_request`. */
export function roleNamed(text: string): Role {
  if (isRole(text)) return text;
  throw new ControlError("malformed_request", `a role is one of ${Object.keys(ROLE_NAMES).join(", ")}`);
}

/**
 * Adds a person; one who is there already, with that role, is a success. Throws `malformed_request`, `name_taken` for one who has another role,
 * `forbidden` [P53], `too_many_users` [P59].
 */
export function addUser(
  tailnet: Tailnet,
  by: By,
  { login: named, role: wanted }: { readonly login: string; readonly role: string },
  now: number,
): UserInfo {
  const [login, role] = [loginOf(named), roleNamed(wanted)];
  refuseGiving(tailnet, by, role);
  const known = tailnet.users.byLogin(login);
  if (known !== null && known.role !== role)
    throw new ControlError(
      "name_taken",
      `${login} is here already, as ${ROLE_NAMES[known.role]}: give them the other role (tailward admin user role)`,
      { subject: known.id },
    );
  if (known !== null) return userInfo(tailnet, known.id);
  refuseMoreUsers(tailnet.store);
  const id = `${randomId("u")}${tailnet.info().id}`;
  tailnet.record(by, { kind: "user.created", target: userTarget({ id, login }), new: { login, role } }, now);
  // Whoever adds somebody by name approves them thereby.
  tailnet.users.add({ id, login, displayName: login, role, waiting: null, isFirst: false }, now);
  return userInfo(tailnet, id);
}

/** [P51] */
function refuseLastOwner(tailnet: Tailnet, { id }: UserRecord): void {
  if (tailnet.users.owners().some((owner) => owner.id !== id)) return;
  throw new ControlError("last_owner", "this is the last owner: make another person owner first");
}

/** [P53] */
function refuseMeddling(tailnet: Tailnet, by: By, user: UserRecord): void {
  if (by.actor.id === user.id) throw new ControlError("forbidden", "nobody changes their own role or standing");
  refuseGiving(tailnet, by, user.role);
}

function setRole(tailnet: Tailnet, by: By, user: UserRecord, wanted: string, now: number): void {
  const role = roleNamed(wanted);
  if (role === user.role) return;
  refuseMeddling(tailnet, by, user);
  refuseGiving(tailnet, by, role);
  if (user.role === "owner") refuseLastOwner(tailnet, user);
  const event = {
    kind: "user.role",
    target: userTarget(user, "ROLE"),
    old: { role: user.role },
    new: { role },
  } as const;
  tailnet.record(by, event, now);
  tailnet.users.setRole(user.id, role);
}

/** Lets in who came by an invite; who is in already stays so. */
function approve(tailnet: Tailnet, by: By, user: UserRecord, now: number): void {
  if (user.waiting === null) return;
  refuseMeddling(tailnet, by, user);
  tailnet.record(by, { kind: "user.approved", target: userTarget(user), new: { role: user.role } }, now);
  tailnet.users.approve(user.id);
}

/** Their devices are logged out; API tokens and auth keys ask for who is suspended, and open nothing meanwhile. */
function suspend(tailnet: Tailnet, by: By, user: UserRecord, now: number): void {
  if (user.suspended !== null) return;
  refuseMeddling(tailnet, by, user);
  if (user.role === "owner") refuseLastOwner(tailnet, user);
  tailnet.record(by, { kind: "user.suspended", target: userTarget(user) }, now);
  tailnet.users.setSuspended(user.id, now);
  for (const node of tailnet.nodes.ofUser(user.id)) if (!isExpired(node, now)) expireKey(tailnet, by, node, now);
}

function restore(tailnet: Tailnet, by: By, user: UserRecord, now: number): void {
  if (user.suspended === null) return;
  refuseMeddling(tailnet, by, user);
  tailnet.record(by, { kind: "user.restored", target: userTarget(user) }, now);
  tailnet.users.setSuspended(user.id, null);
}

function remove(tailnet: Tailnet, by: By, user: UserRecord, now: number): void {
  refuseMeddling(tailnet, by, user);
  if (user.role === "owner") refuseLastOwner(tailnet, user);
  for (const node of tailnet.nodes.ofUser(user.id)) removeNode(tailnet, by, node, now);
  const owned = keysOf(tailnet, user.id, now).filter(({ kind, revoked }) => kind !== "client" && revoked === null);
  for (const { id } of owned) revokeKey(tailnet, by, id, now);
  const old = { login: user.login, role: user.role };
  tailnet.record(by, { kind: "user.removed", target: userTarget(user), old }, now);
  tailnet.users.remove(user.id);
}

/** Does it, once: a change that changes nothing is a no-op. Throws `unknown_user`, `forbidden` [P53], `last_owner` [P51], `malformed_request`. */
export function changeUser(tailnet: Tailnet, by: By, id: string, change: UserChange, now: number): UserInfo | null {
  if (change.kind === "remove" && tailnet.users.wasRemoved(id)) return null;
  const user = tailnet.users.require(id);
  switch (change.kind) {
    case "role":
      setRole(tailnet, by, user, change.role, now);
      break;
    case "approve":
      approve(tailnet, by, user, now);
      break;
    case "suspend":
      suspend(tailnet, by, user, now);
      break;
    case "restore":
      restore(tailnet, by, user, now);
      break;
    case "remove":
      remove(tailnet, by, user, now);
      return null;
  }
  return userInfo(tailnet, id);
}
