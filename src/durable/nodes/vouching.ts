/**
 * Who vouches for a node that joins, or that comes back with its key over: an auth key, or an admin who has approved its login.
 *
 * Rule [P60]: an auth key of a person's is as good as they are now: it lets nobody in once they are suspended, gone, not approved, or could not make it any more; and
 *             past device approval only while they may approve devices.
 */

import type { AuthKeyInfo } from "../people/auth-keys.ts";
import { parseAuthKey, type RegisterRequest } from "../../protocol/index.ts";
import { approvedLogin, takeApproval } from "./logins.ts";
import type { NodeRecord } from "./nodes.ts";
import type { Caller } from "./nonces.ts";
import { isSameAttempt } from "./predecessor.ts";
import { ControlError } from "../refuse.ts";
import { DEVICE_ROLES, KEY_ROLES } from "../people/roles.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import { isIn } from "../people/users.ts";

/** What was vouched for. `by` says by what, as an event tells it. */
export interface Vouched {
  readonly tags: readonly string[];
  /** The ID of the person who vouches: whose the node is, where it has no tags. Null where that is nobody. */
  readonly user: string | null;
  /** Of the tags that the node asks for, those that whoever let it in has seen; null where it was let in unseen, by an auth key. */
  readonly seen: readonly string[] | null;
  readonly ephemeral: boolean;
  /** True where no admin needs to approve the device any more. */
  readonly preauthorized: boolean;
  readonly by: { readonly authKey: string } | { readonly login: string };
}

/** The auth key that vouches, or null where it is a login. */
export function authKeyOf({ by }: Vouched): string | null {
  return "authKey" in by ? by.authKey : null;
}

/** True where the request carries what might vouch for it. */
export function hasVoucher(tailnet: Tailnet, caller: Caller, request: RegisterRequest, now: number): boolean {
  const { NodeKey, Auth } = request;
  return (Auth?.AuthKey ?? "") !== "" || approvedLogin(tailnet, caller.machineKey, NodeKey, now) !== null;
}

/**
 * Spends the auth key, or takes the approval; null where there is neither: somebody has to log the node in. `node` is the one that there is
 * already, or null: the key that let it in is not spent twice for one attempt [G16].
 * Throws `bad_auth_key`, `auth_key_expired`, `auth_key_spent`.
 */
export function vouch(
  tailnet: Tailnet,
  caller: Caller,
  request: RegisterRequest,
  node: NodeRecord | null,
  now: number,
): Vouched | null {
  const approval = approvedLogin(tailnet, caller.machineKey, request.NodeKey, now);
  if (approval !== null) {
    takeApproval(tailnet, caller.machineKey, request.NodeKey);
    const { login, tags: seen, user, preauthorized } = approval;
    return { tags: [], user, seen, ephemeral: false, preauthorized, by: { login } };
  }
  const authKey = request.Auth?.AuthKey ?? "";
  if (authKey === "") return null;
  const parts = parseAuthKey(authKey);
  if (parts === null || parts.tailnet !== tailnet.info().id)
    throw new ControlError("bad_auth_key", "a new node needs an auth key of this tailnet");
  const spent = tailnet.authKeys.spend(parts, node !== null && isSameAttempt(node, request), now);
  const { id, tags, ephemeral } = spent;
  const preauthorized = spent.preauthorized && mayApprove(tailnet, spent);
  return { tags, user: makerOf(tailnet, spent), seen: null, ephemeral, preauthorized, by: { authKey: id } };
}

/** [P60] The keys of the operator and of OAuth clients are nobody's in particular. */
function mayApprove({ users }: Tailnet, { user }: AuthKeyInfo): boolean {
  const maker = user === null ? null : users.byId(user);
  return user === null || (maker !== null && DEVICE_ROLES.has(maker.role));
}

/** Whose the nodes are that an auth key lets in: who made it or, for one of the operator's, an owner. Throws `bad_auth_key` for one whose maker is out [P60]. */
function makerOf({ users }: Tailnet, { user, tags }: AuthKeyInfo): string | null {
  if (user === null) return tags.length > 0 ? null : (users.owners()[0]?.id ?? null);
  const maker = users.byId(user);
  if (maker !== null && isIn(maker) && KEY_ROLES.has(maker.role)) return user;
  throw new ControlError(
    "bad_auth_key",
    "whoever made this auth key lets nobody in any more: ask an admin for a new one",
  );
}

/** The same for a node that is in already: a key that is not good any more is passed over. */
export function vouchAgain(
  tailnet: Tailnet,
  caller: Caller,
  request: RegisterRequest,
  node: NodeRecord,
  now: number,
): Vouched | null {
  try {
    return vouch(tailnet, caller, request, node, now);
  } catch (error) {
    if (error instanceof ControlError) return null;
    throw error;
  }
}
