/**
 * Roles of people and scopes of credentials, by their names. Source: Tailscale's public API (`tailscale-client-go-v2/users.go`, and its page on trust
 * credentials for scopes); `tailnet_lock` is ours.
 */

export const ROLES = ["owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor", "member"] as const;
export type Role = (typeof ROLES)[number];

/** Each is there as `NAME`, to read and change, and as `NAME:read`. */
const SCOPE_NAMES = [
  "all",
  "account_settings",
  "api_access_tokens",
  "auth_keys",
  "devices:core",
  "devices:routes",
  "device_invites",
  "dns",
  "feature_settings",
  "log_streaming",
  "logs:configuration",
  "oauth_keys",
  "policy_file",
  "tailnet_lock",
  "users",
  "webhooks",
] as const;

type ScopeName = (typeof SCOPE_NAMES)[number];
export type Scope = ScopeName | `${ScopeName}:read`;

export const SCOPES: readonly Scope[] = SCOPE_NAMES.flatMap((name) => [name, `${name}:read` as const]);

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

/** True if whoever holds that scope may do what asks for the other: `all` is all, and to change includes to read. */
export function coversScope(held: Scope, wanted: Scope): boolean {
  if (held === wanted || held === "all") return true;
  return wanted.endsWith(":read") && (held === "all:read" || `${held}:read` === wanted);
}
