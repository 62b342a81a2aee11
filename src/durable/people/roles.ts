/** Roles of people, as Tailscale names them, and who may give which. */

import { ROLES, type Role } from "../../protocol/index.ts";

/** Who may turn the lock on and off. Source: Tailscale's documentation of Tailnet Lock. */
export const LOCK_ROLES: ReadonlySet<Role> = new Set<Role>(["owner", "admin", "it-admin"]);

/** Who may approve devices. Source: Tailscale's documentation of device approval. */
export const DEVICE_ROLES: ReadonlySet<Role> = new Set<Role>(["owner", "admin", "it-admin"]);

/** Who may make auth keys, as the door has it for `key.create`. */
export const KEY_ROLES: ReadonlySet<Role> = new Set<Role>(["owner", "admin", "it-admin", "network-admin"]);

/** The roles that somebody of a role may give and take: none that may do more than the giver. */
const GIVES: Readonly<Record<Role, ReadonlySet<Role>>> = {
  owner: new Set(ROLES),
  admin: new Set<Role>(["admin", "it-admin", "network-admin", "billing-admin", "auditor", "member"]),
  "it-admin": new Set<Role>(["it-admin", "billing-admin", "auditor", "member"]),
  "network-admin": new Set(),
  "billing-admin": new Set(),
  auditor: new Set(),
  member: new Set(),
};

/** True if somebody of the role `giver` may give and take the role `given`. */
export function mayGive(giver: Role, given: Role): boolean {
  return GIVES[giver].has(given);
}

/** A role as people read it. */
export const ROLE_NAMES: Readonly<Record<Role, string>> = {
  owner: "owner",
  admin: "admin",
  "it-admin": "IT admin",
  "network-admin": "network admin",
  "billing-admin": "billing admin",
  auditor: "auditor",
  member: "member",
};
