/**
 * Who may do what: one table of all that can be asked of the admin API. A new route names an act of this table, or a new one.
 *
 * Rule [H5]: an act is allowed to the operator; to a person whose role it names, through a credential only where a scope of that covers it too; and
 *            to an OAuth client one of whose scopes covers it, but where it asks for a person.
 */

import { ROLES, SCOPES, coversScope, type Role, type Scope } from "../../protocol/index.ts";
import type { Principal } from "../principal.ts";

export interface Right {
  /** Who may, beside the operator. */
  readonly roles: readonly Role[];
  /** What a credential must cover; null where none does: a person in a session, or the operator. */
  readonly scope: Scope | null;
  /** True where an OAuth client may not, whatever its scopes: somebody is to answer for it. */
  readonly personal?: true;
}

const NOBODY: readonly Role[] = [];
const LOCK_ADMINS: readonly Role[] = ["owner", "admin", "it-admin"];
const NETWORK: readonly Role[] = ["owner", "admin", "network-admin"];
const MANAGERS: readonly Role[] = ["owner", "admin", "it-admin", "network-admin"];
const READERS: readonly Role[] = [...MANAGERS, "billing-admin", "auditor"];
const AUDITORS: readonly Role[] = [...MANAGERS, "auditor"];

/** Of the whole deployment: the operator's. */
const OPERATOR: Right = { roles: NOBODY, scope: null };

const RIGHTS = {
  "tailnet.create": OPERATOR,
  "tailnet.list": OPERATOR,
  "tailnet.read": { roles: READERS, scope: "feature_settings:read" },
  "tailnet.delete": OPERATOR,
  "tailnet.restored": OPERATOR,
  "record.rebuild": OPERATOR,
  "dead_letters.read": OPERATOR,
  "dead_letters.replay": OPERATOR,
  "settings.read": { roles: READERS, scope: "feature_settings:read" },
  "settings.change": { roles: LOCK_ADMINS, scope: "feature_settings" },
  "contacts.read": { roles: READERS, scope: "account_settings:read" },
  "contacts.change": { roles: ["owner", "admin", "it-admin", "billing-admin"], scope: "account_settings" },
  // What Tailscale's API has, and we have not.
  "absent.read": { roles: READERS, scope: "feature_settings:read" },
  "absent.change": { roles: MANAGERS, scope: "feature_settings" },
  "dns.read": { roles: READERS, scope: "dns:read" },
  "dns.change": { roles: NETWORK, scope: "dns" },
  "policy.read": { roles: READERS, scope: "policy_file:read" },
  "policy.check": { roles: READERS, scope: "policy_file:read" },
  "policy.set": { roles: NETWORK, scope: "policy_file" },
  "key.create": { roles: MANAGERS, scope: "auth_keys" },
  "key.read": { roles: AUDITORS, scope: "auth_keys:read" },
  "key.revoke": { roles: MANAGERS, scope: "auth_keys" },
  "token.create": { roles: MANAGERS, scope: "api_access_tokens", personal: true },
  "token.read": { roles: AUDITORS, scope: "api_access_tokens:read" },
  "token.revoke": { roles: MANAGERS, scope: "api_access_tokens" },
  "client.create": { roles: MANAGERS, scope: "oauth_keys" },
  "client.read": { roles: AUDITORS, scope: "oauth_keys:read" },
  "client.revoke": { roles: MANAGERS, scope: "oauth_keys" },
  "user.read": { roles: READERS, scope: "users:read" },
  "user.create": { roles: LOCK_ADMINS, scope: "users" },
  "user.change": { roles: LOCK_ADMINS, scope: "users" },
  // It says who has invited somebody.
  "user_invite.create": { roles: LOCK_ADMINS, scope: "users", personal: true },
  "user_invite.read": { roles: READERS, scope: "users:read" },
  "user_invite.delete": { roles: LOCK_ADMINS, scope: "users", personal: true },
  "device.read": { roles: READERS, scope: "devices:core:read" },
  "device.change": { roles: LOCK_ADMINS, scope: "devices:core" },
  "route.read": { roles: READERS, scope: "devices:routes:read" },
  "route.change": { roles: MANAGERS, scope: "devices:routes" },
  "device.remove": { roles: LOCK_ADMINS, scope: "devices:core" },
  "login.read": OPERATOR,
  "login.settle": { roles: LOCK_ADMINS, scope: "devices:core" },
  "lock.read": { roles: READERS, scope: "tailnet_lock:read" },
  "lock.submit": { roles: LOCK_ADMINS, scope: "tailnet_lock" },
  "lock.disable": { roles: LOCK_ADMINS, scope: "tailnet_lock", personal: true },
  "lock.support_read": { roles: LOCK_ADMINS, scope: "tailnet_lock", personal: true },
  "log.read": { roles: AUDITORS, scope: "logs:configuration:read" },
  // It signs in as anybody.
  "sign_in_link.create": OPERATOR,
  "me.read": { roles: ROLES, scope: null },
  "log_stream.read": { roles: AUDITORS, scope: "log_streaming:read" },
  "log_stream.set": { roles: MANAGERS, scope: "log_streaming" },
  "share.create": { roles: MANAGERS, scope: "device_invites" },
  "share.read": { roles: AUDITORS, scope: "device_invites:read" },
  "share.accept": { roles: MANAGERS, scope: "device_invites" },
  "share.withdraw": { roles: MANAGERS, scope: "device_invites" },
  "webhook.read": { roles: AUDITORS, scope: "webhooks:read" },
  "webhook.create": { roles: MANAGERS, scope: "webhooks" },
  "webhook.change": { roles: MANAGERS, scope: "webhooks" },
  "webhook.delete": { roles: MANAGERS, scope: "webhooks" },
} as const satisfies Readonly<Record<string, Right>>;

export type Act = keyof typeof RIGHTS;

/** The table, by act. */
export const ACTS: Readonly<Record<Act, Right>> = RIGHTS;

/** True if somebody of the role may do all for which the scope is asked, and that is anything at all. */
function roleCovers(role: Role, scope: Scope): boolean {
  const asked = Object.values(ACTS).filter(({ scope: wanted }) => wanted !== null && coversScope(scope, wanted));
  return asked.length > 0 && asked.every(({ roles }) => roles.includes(role));
}

/**
 * The scopes that the principal may give to a credential: those that its own covers, and that its role may do whole.
 *
 * Rule [H7]: a credential has no scope that whoever made it did not have.
 */
export function grantableScopes(principal: Principal): readonly Scope[] {
  const isHeld = (held: readonly Scope[], scope: Scope): boolean => held.some((each) => coversScope(each, scope));
  switch (principal.kind) {
    case "operator":
      return SCOPES;
    case "user": {
      const { user, scopes } = principal;
      return SCOPES.filter((scope) => roleCovers(user.role, scope) && (scopes === null || isHeld(scopes, scope)));
    }
    case "client":
      return SCOPES.filter((scope) => isHeld(principal.scopes, scope));
  }
}

/** True if the principal may do that [H5]. That it is of the tailnet at all is the door's to see. */
export function authorize(principal: Principal, act: Act): boolean {
  const { roles, scope, personal = false } = ACTS[act];
  const isCovered = (scopes: readonly Scope[]): boolean =>
    scope !== null && scopes.some((held) => coversScope(held, scope));
  switch (principal.kind) {
    case "operator":
      return true;
    case "user":
      return roles.includes(principal.user.role) && (principal.scopes === null || isCovered(principal.scopes));
    case "client":
      return !personal && isCovered(principal.scopes);
  }
}
