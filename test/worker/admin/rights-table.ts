/**
 * Who may ask what of the admin API, written by hand: what the product's own table of rights is held against (rights-matrix.test.ts). An endpoint that
 * is not here fails the test. Source: Tailscale's documentation of user roles and of the scopes of trust credentials; for the lock, of Tailnet Lock.
 *
 * `who` has a letter for each role that may, a dot for one that may not: Owner, Admin, IT admin, Network admin, Billing admin, aUditor, Member. The
 * operator may do all. `scope` is what a credential has to cover; null where none will do: a person is in a session then, or it is the operator's alone.
 */

import type { Role, Scope } from "../../../src/protocol/index.ts";

export const LETTERS: readonly (readonly [letter: string, role: Role])[] = [
  ["O", "owner"],
  ["A", "admin"],
  ["I", "it-admin"],
  ["N", "network-admin"],
  ["B", "billing-admin"],
  ["U", "auditor"],
  ["M", "member"],
];

export type KeyKind = "auth" | "api" | "client";

export interface Row {
  readonly route: string;
  readonly who: string;
  readonly scope: Scope | null;
  /** True where no OAuth client may. */
  readonly personal: boolean;
  /** Of which kind the key in the path, or the one that is to be made, is. */
  readonly key: KeyKind | null;
  /** What the path is followed by. */
  readonly query: string;
  /** What is sent; where it is understood, it changes nothing. */
  readonly body: unknown;
}

interface Options {
  readonly personal?: true;
  readonly key?: KeyKind;
  readonly query?: string;
  readonly body?: unknown;
}

function row(who: string, scope: Scope | null, route: string, options: Options = {}): Row {
  const { personal = false, key = null, query = "", body = {} } = options;
  return { route, who, scope, personal, key, query, body };
}

const T = "/api/v2/tailnet/:tailnet";
const DEVICE = "/api/v2/device/:deviceId";
const USER = "/api/v2/users/:userId";
const USER_INVITE = "/api/v2/user-invites/:userInviteId";
const WEBHOOK = "/api/v2/webhooks/:webhookId";
const KEY = `${T}/keys/:keyId`;
const BAD_AUTH_KEY = { capabilities: null };

export const ROWS: readonly Row[] = [
  // The deployment: the operator's alone.
  row(".......", null, "GET /api/v2/tailnets"),
  row(".......", null, "POST /api/v2/tailnets"),
  row(".......", null, `DELETE ${T}`, { body: { disablementSecret: 5 } }),
  row(".......", null, "GET /api/v2/logins"),
  row(".......", null, `POST ${T}/record/rebuild`),
  row(".......", null, `POST ${T}/restore`),
  row(".......", null, `POST ${T}/restored`),
  row(".......", null, `POST ${T}/restore`),
  row(".......", null, `POST ${T}/sign-in-links`),
  row(".......", null, "GET /api/v2/tailward/dead-letters"),
  row(".......", null, "POST /api/v2/tailward/dead-letters/replay", { body: { ids: ["none"] } }),

  // Whoever is signed in, in a session: no credential stands for that.
  row("OAINBUM", null, "GET /api/v2/tailward/me"),

  // The tailnet and its settings.
  row("OAINBU.", "feature_settings:read", `GET ${T}`),
  row("OAINBU.", "feature_settings:read", `GET ${T}/settings`),
  row("OAI....", "feature_settings", `PATCH ${T}/settings`),
  row("OAINBU.", "account_settings:read", `GET ${T}/contacts`),
  row("OAI.B..", "account_settings", `PATCH ${T}/contacts/:contactType`),

  // The policy and names: the network admin's, and not the IT admin's.
  row("OAINBU.", "policy_file:read", `GET ${T}/acl`),
  row("OAINBU.", "policy_file:read", `POST ${T}/acl/validate`),
  row("OAINBU.", "policy_file:read", `POST ${T}/acl/preview`, { query: "?type=user&previewFor=nobody" }),
  row("OA.N...", "policy_file", `POST ${T}/acl`, { body: ["no policy"] }),
  row("OAINBU.", "dns:read", `GET ${T}/dns/preferences`),
  row("OAINBU.", "dns:read", `GET ${T}/dns/nameservers`),
  row("OAINBU.", "dns:read", `GET ${T}/dns/searchpaths`),
  row("OAINBU.", "dns:read", `GET ${T}/dns/split-dns`),
  row("OAINBU.", "dns:read", `GET ${T}/dns/configuration`),
  row("OA.N...", "dns", `POST ${T}/dns/preferences`),
  row("OA.N...", "dns", `POST ${T}/dns/nameservers`),
  row("OA.N...", "dns", `POST ${T}/dns/searchpaths`),
  row("OA.N...", "dns", `PATCH ${T}/dns/split-dns`),
  row("OA.N...", "dns", `PUT ${T}/dns/split-dns`),
  row("OA.N...", "dns", `POST ${T}/dns/configuration`),

  // Keys, by their kinds. An API token is made by a person.
  row("OAIN...", "auth_keys", `POST ${T}/keys`, { key: "auth", body: BAD_AUTH_KEY }),
  row("OAIN...", "api_access_tokens", `POST ${T}/keys`, {
    key: "api",
    personal: true,
    body: { keyType: "api", tags: ["tag:none"] },
  }),
  row("OAIN...", "oauth_keys", `POST ${T}/keys`, { key: "client", body: { keyType: "client", scopes: [] } }),
  row("OAIN.U.", "auth_keys:read", `GET ${T}/keys`, { key: "auth", query: "?all=true" }),
  row("OAIN.U.", "api_access_tokens:read", `GET ${T}/keys`, { key: "api", query: "?all=true" }),
  row("OAIN.U.", "oauth_keys:read", `GET ${T}/keys`, { key: "client", query: "?all=true" }),
  row("OAIN.U.", "auth_keys:read", `GET ${KEY}`, { key: "auth" }),
  row("OAIN.U.", "api_access_tokens:read", `GET ${KEY}`, { key: "api" }),
  row("OAIN.U.", "oauth_keys:read", `GET ${KEY}`, { key: "client" }),
  row("OAIN...", "oauth_keys", `PUT ${KEY}`, { key: "client", body: { scopes: [] } }),
  row("OAIN...", "auth_keys", `DELETE ${KEY}`, { key: "auth" }),
  row("OAIN...", "api_access_tokens", `DELETE ${KEY}`, { key: "api" }),
  row("OAIN...", "oauth_keys", `DELETE ${KEY}`, { key: "client" }),

  // People: the IT admin's, and not the network admin's.
  row("OAINBU.", "users:read", `GET ${T}/users`),
  row("OAI....", "users", `POST ${T}/users`),
  row("OAINBU.", "users:read", `GET ${USER}`),
  row("OAI....", "users", `POST ${USER}/role`),
  row("OAI....", "users", `POST ${USER}/approve`),
  row("OAI....", "users", `POST ${USER}/suspend`),
  row("OAI....", "users", `POST ${USER}/restore`),
  row("OAI....", "users", `POST ${USER}/delete`),
  // Who invites is a person.
  row("OAI....", "users", `POST ${T}/user-invites`, { personal: true }),
  row("OAINBU.", "users:read", `GET ${T}/user-invites`),
  row("OAINBU.", "users:read", `GET ${USER_INVITE}`),
  row("OAI....", "users", `DELETE ${USER_INVITE}`, { personal: true }),
  row("OAI....", "users", `POST ${USER_INVITE}/resend`, { personal: true }),

  // Devices; their routes are the network's.
  row("OAINBU.", "devices:core:read", `GET ${T}/devices`),
  row("OAINBU.", "devices:core:read", `GET ${DEVICE}`),
  row("OAI....", "devices:core", `DELETE ${DEVICE}`),
  row("OAI....", "devices:core", `POST ${DEVICE}/expire`),
  row("OAI....", "devices:core", `POST ${DEVICE}/authorized`),
  row("OAI....", "devices:core", `POST ${DEVICE}/tags`),
  row("OAI....", "devices:core", `POST ${DEVICE}/name`),
  row("OAI....", "devices:core", `POST ${DEVICE}/key`),
  row("OAI....", "devices:core", `POST ${DEVICE}/ip`),
  row("OAINBU.", "devices:core:read", `GET ${DEVICE}/attributes`),
  row("OAI....", "devices:core", `POST ${DEVICE}/attributes/:attributeKey`),
  row("OAI....", "devices:core", `DELETE ${DEVICE}/attributes/:attributeKey`),
  row("OAINBU.", "devices:routes:read", `GET ${DEVICE}/routes`),
  row("OAIN...", "devices:routes", `POST ${DEVICE}/routes`),
  row("OAI....", "devices:core", `POST ${T}/logins/:loginId/approve`),
  row("OAI....", "devices:core", `POST ${T}/logins/:loginId/deny`),

  // The lock: whoever turns it off, or fetches the support secret, is a person.
  row("OAINBU.", "tailnet_lock:read", `GET ${T}/lock/status`),
  row("OAINBU.", "tailnet_lock:read", `GET ${T}/lock/export`),
  row("OAINBU.", "tailnet_lock:read", `GET ${T}/lock/keys`),
  row("OAINBU.", "tailnet_lock:read", `GET ${T}/lock/log`),
  row("OAINBU.", "tailnet_lock:read", `GET ${T}/lock/pending`),
  row("OAINBU.", "tailnet_lock:read", `GET ${T}/lock/retired`),
  row("OAI....", "tailnet_lock", `POST ${T}/lock/signatures`),
  row("OAI....", "tailnet_lock", `POST ${T}/lock/updates`),
  row("OAI....", "tailnet_lock", `POST ${T}/lock/disable`, { personal: true }),
  row("OAI....", "tailnet_lock", `POST ${T}/lock/support-secret`, { personal: true }),

  // Sharing.
  row("OAIN...", "device_invites", `POST ${DEVICE}/device-invites`),
  row("OAIN.U.", "device_invites:read", `GET ${DEVICE}/device-invites`),
  row("OAIN...", "device_invites", "POST /api/v2/device-invites/-/accept"),
  row("OAIN.U.", "device_invites:read", "GET /api/v2/device-invites/:inviteId"),
  row("OAIN...", "device_invites", "DELETE /api/v2/device-invites/:inviteId"),
  row("OAIN.U.", "device_invites:read", `GET ${T}/shares`),
  row("OAIN...", "device_invites", `DELETE ${T}/shares/:share`),

  // Webhooks and the log.
  row("OAIN.U.", "webhooks:read", `GET ${T}/webhooks`),
  row("OAIN...", "webhooks", `POST ${T}/webhooks`),
  row("OAIN.U.", "webhooks:read", `GET ${WEBHOOK}`),
  row("OAIN...", "webhooks", `PATCH ${WEBHOOK}`),
  row("OAIN...", "webhooks", `DELETE ${WEBHOOK}`),
  row("OAIN...", "webhooks", `POST ${WEBHOOK}/test`),
  row("OAIN...", "webhooks", `POST ${WEBHOOK}/rotate`),
  row("OAIN.U.", "webhooks:read", `GET ${WEBHOOK}/deliveries`),
  row("OAIN...", "webhooks", `POST ${WEBHOOK}/deliveries/:deliveryId/replay`),
  row("OAIN.U.", "logs:configuration:read", `GET ${T}/logging/configuration`),
  row("OAIN.U.", "logs:configuration:read", `GET ${T}/logging/configuration/head`),
  row("OAIN.U.", "logs:configuration:read", `GET ${T}/logging/configuration/export`),

  row("OAIN.U.", "log_streaming:read", `GET ${T}/logging/configuration/stream`),
  row("OAIN.U.", "log_streaming:read", `GET ${T}/logging/configuration/stream/status`),
  row("OAIN...", "log_streaming", `PUT ${T}/logging/configuration/stream`),
  row("OAIN...", "log_streaming", `DELETE ${T}/logging/configuration/stream`),

  // What Tailscale has and we have not: said to whoever might ask.
  row("OAINBU.", "feature_settings:read", `GET ${T}/posture/integrations`),
  row("OAIN...", "feature_settings", `POST ${T}/posture/integrations`),
  row("OAINBU.", "feature_settings:read", "GET /api/v2/posture/integrations/:integrationId"),
  row("OAIN...", "feature_settings", "PATCH /api/v2/posture/integrations/:integrationId"),
  row("OAIN...", "feature_settings", "DELETE /api/v2/posture/integrations/:integrationId"),
  row("OAINBU.", "feature_settings:read", `GET ${T}/vip-services`),
  row("OAINBU.", "feature_settings:read", `GET ${T}/vip-services/:serviceName`),
  row("OAIN...", "feature_settings", `PUT ${T}/vip-services/:serviceName`),
  row("OAIN...", "feature_settings", `DELETE ${T}/vip-services/:serviceName`),
  row("OAINBU.", "feature_settings:read", `GET ${T}/logging/network`),
  row("OAINBU.", "feature_settings:read", `GET ${T}/logging/network/stream`),
  row("OAIN...", "feature_settings", `PUT ${T}/logging/network/stream`),
  row("OAIN...", "feature_settings", `DELETE ${T}/logging/network/stream`),
  row("OAIN...", "feature_settings", `POST ${T}/aws-external-id`),
  row("OAIN...", "feature_settings", `POST ${T}/aws-external-id/:externalId/validate-aws-trust-policy`),
];

/** What anybody may ask below /api, each with why. */
export const OPEN: Readonly<Record<string, string>> = {
  "GET /api/v2/openapi.json": "says what the source says",
  "GET /api/docs": "the same, to read",
  "POST /api/v2/oauth/token": "proves an OAuth client by its secret, itself",
};
