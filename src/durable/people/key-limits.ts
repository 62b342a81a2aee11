/**
 * How many people and keys a tailnet has: each is a row for good, and whoever may make one may make them without end. Everything here runs inside the
 * caller's transaction.
 *
 * Rule [P59]: there are so many people, so many invites of people, and so many keys of each kind that open anything, and no more. Of those that open nothing any more the newest are
 *             kept to be shown; the log tells of all.
 */

import { ControlError } from "../refuse.ts";
import type { Store } from "../store.ts";

export const KEY_LIMITS = {
  users: 5000,
  authKeys: 5000,
  clients: 500,
  /** Invites of people that are open. */
  userInvites: 500,
  /** Of one person. */
  tokens: 100,
  /** Of each table. */
  spent: 1000,
};

/** Rows that open something at that time. */
const GOOD_AUTH_KEY = "revoked IS NULL AND expires > ?1 AND (reusable = 1 OR uses = 0)";
const GOOD_CREDENTIAL = "revoked IS NULL AND (expires IS NULL OR expires > ?1)";
const OPEN_INVITE = "accepted IS NULL AND withdrawn IS NULL AND expires > ?1";

function count(store: Store, sql: string, ...values: readonly (string | number)[]): number {
  return store.row(`SELECT COUNT(*) AS n FROM ${sql}`, ...values)?.integer("n") ?? 0;
}

function refuseFrom(most: number, there: number, what: string): void {
  if (there >= most) throw new ControlError("too_many_keys", `there are ${most} ${what}, and no more may be made`);
}

/** To be called before somebody is added. Throws `too_many_users`. */
export function refuseMoreUsers(store: Store): void {
  if (count(store, "users") >= KEY_LIMITS.users)
    throw new ControlError("too_many_users", `a tailnet has ${KEY_LIMITS.users} people at most: remove one first`);
}

function forgetSpent(
  store: Store,
  table: "auth_keys" | "credentials" | "user_invites",
  good: string,
  now: number,
): void {
  const spent = `SELECT id FROM ${table} WHERE NOT (${good}) ORDER BY created DESC, id LIMIT -1 OFFSET ?2`;
  store.run(`DELETE FROM ${table} WHERE id IN (${spent})`, now, KEY_LIMITS.spent);
}

/** To be called before so many invites of people are made. Throws `too_many_invites`. */
export function refuseMoreUserInvites(store: Store, more: number, now: number): void {
  forgetSpent(store, "user_invites", OPEN_INVITE, now);
  if (count(store, `user_invites WHERE ${OPEN_INVITE}`, now) + more > KEY_LIMITS.userInvites)
    throw new ControlError(
      "too_many_invites",
      `a tailnet has ${KEY_LIMITS.userInvites} open invites at most: withdraw one first`,
    );
}

/** To be called before an auth key is made. Throws `too_many_keys`. */
export function refuseMoreAuthKeys(store: Store, now: number): void {
  forgetSpent(store, "auth_keys", GOOD_AUTH_KEY, now);
  const there = count(store, `auth_keys WHERE ${GOOD_AUTH_KEY}`, now);
  refuseFrom(KEY_LIMITS.authKeys, there, "auth keys that are good");
}

/** The same for an OAuth client, or for an API token of the person. */
export function refuseMoreCredentials(store: Store, of: "client" | { readonly user: string }, now: number): void {
  forgetSpent(store, "credentials", GOOD_CREDENTIAL, now);
  if (of === "client") {
    const clients = count(store, `credentials WHERE kind = 'client' AND ${GOOD_CREDENTIAL}`, now);
    refuseFrom(KEY_LIMITS.clients, clients, "OAuth clients");
    return;
  }
  const tokens = count(store, `credentials WHERE user = ?2 AND kind = 'api' AND ${GOOD_CREDENTIAL}`, now, of.user);
  refuseFrom(KEY_LIMITS.tokens, tokens, "API tokens of this person that are good");
}
