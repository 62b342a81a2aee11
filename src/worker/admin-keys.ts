/** The admin API for auth keys, with Tailscale's names: `/api/v2/tailnet/{tailnet}/keys`. */

import type { AuthKeyInfo } from "../durable/index.ts";
import { boolean, integer, list, optional, record, text, withDefault } from "../protocol/index.ts";
import {
  byOf,
  formatted,
  nothing,
  tailnetOf,
  tailnetRoute,
  timeJson,
  type AdminContext,
  type AdminRoute,
} from "./admin-route.ts";
import { readBody } from "./body.ts";
import { refuse } from "./http-errors.ts";
import { authorityOf } from "./objects.ts";

/** Seconds for which an auth key is good where nothing is said: 90 days, as at Tailscale, and the most that there is. */
const MAX_KEY_SECONDS = 90 * 24 * 60 * 60;
const MAX_DESCRIPTION = 50;

const createBody = record({
  /** Tailscale's API makes OAuth clients by this path too; we make auth keys alone. */
  keyType: withDefault(text, "auth"),
  capabilities: record({
    devices: record({
      create: record({
        reusable: withDefault(boolean, false),
        ephemeral: withDefault(boolean, false),
        preauthorized: withDefault(boolean, false),
        tags: list(text, 64),
      }),
    }),
  }),
  /** Zero, as Tailscale's own client sends it for "not said", is the longest there is. */
  expirySeconds: optional(integer),
  description: withDefault(text, ""),
});

function keyJson(info: AuthKeyInfo) {
  const { id, reusable, ephemeral, preauthorized, tags, description, created, expires, revoked, invalid } = info;
  return {
    id,
    keyType: "auth",
    description,
    created: timeJson(created),
    expires: timeJson(expires),
    expirySeconds: Math.round((expires - created) / 1000),
    ...(revoked === null ? {} : { revoked: timeJson(revoked) }),
    invalid,
    capabilities: { devices: { create: { reusable, ephemeral, preauthorized, tags } } },
  };
}

async function createKey(c: AdminContext): Promise<Response> {
  const tailnet = await tailnetOf(c);
  if (tailnet instanceof Response) return tailnet;
  const body = await readBody(c, createBody);
  if (body instanceof Response) return body;
  if (body.keyType !== "auth")
    return refuse(c, { code: "malformed_request", message: "keyType: auth keys are the only ones there are" });
  const expirySeconds = body.expirySeconds || MAX_KEY_SECONDS;
  if (expirySeconds < 1 || expirySeconds > MAX_KEY_SECONDS)
    return refuse(c, { code: "malformed_request", message: `expirySeconds is between 1 and ${MAX_KEY_SECONDS}` });
  const description = body.description.slice(0, MAX_DESCRIPTION);
  const options = { ...body.capabilities.devices.create, description, expirySeconds };
  const outcome = await authorityOf(c.env, tailnet).createAuthKey(byOf(c), options);
  return formatted(c, outcome, ({ key, info }) => ({ key, ...keyJson(info) }));
}

const KEYS = "/api/v2/tailnet/:tailnet/keys";

function idOf(c: AdminContext): string {
  return c.req.param("keyId") ?? "";
}

export const KEY_ROUTES: readonly AdminRoute[] = [
  { method: "POST", path: KEYS, act: "key.create", handle: createKey },
  {
    method: "GET",
    path: KEYS,
    act: "key.read",
    handle: tailnetRoute(
      (authority) => authority.authKeyInfos(),
      (infos) => ({ keys: infos.map(keyJson) }),
    ),
  },
  {
    method: "GET",
    path: `${KEYS}/:keyId`,
    act: "key.read",
    handle: tailnetRoute((authority, c) => authority.authKeyInfo(idOf(c)), keyJson),
  },
  {
    method: "DELETE",
    path: `${KEYS}/:keyId`,
    act: "key.revoke",
    handle: tailnetRoute((authority, c) => authority.revokeAuthKey(byOf(c), idOf(c)), nothing),
  },
];
