/** The admin API for auth keys, with Tailscale's names: `/api/v2/tailnet/{tailnet}/keys`. */

import { z } from "zod";
import type { AuthKeyInfo } from "../durable/index.ts";
import { nothing, noValue, tailnetRoute, time, timeJson, type AdminRoute } from "./admin-route.ts";
import { listOf, orZero } from "./admin-shapes.ts";

/** Seconds for which an auth key is good where nothing is said: 90 days, as at Tailscale, and the most that there is. */
const MAX_KEY_SECONDS = 90 * 24 * 60 * 60;
const MAX_DESCRIPTION = 50;

const createBody = z.object({
  /** Tailscale's API makes OAuth clients by this path too; we make auth keys alone. */
  keyType: orZero(z.literal("auth"), "auth"),
  capabilities: z.object({
    devices: z.object({
      create: z.object({
        reusable: orZero(z.boolean(), false),
        ephemeral: orZero(z.boolean(), false),
        preauthorized: orZero(z.boolean(), false),
        tags: listOf(z.string(), 64),
      }),
    }),
  }),
  /** Zero, as Tailscale's own client sends it for "not said", is the longest there is. */
  expirySeconds: orZero(z.int().min(0).max(MAX_KEY_SECONDS), 0),
  description: orZero(z.string(), ""),
});

const authKey = z
  .object({
    id: z.string(),
    keyType: z.literal("auth"),
    description: z.string(),
    created: time,
    expires: time,
    expirySeconds: z.int(),
    revoked: time.optional(),
    invalid: z.boolean(),
    capabilities: z.object({
      devices: z.object({
        create: z.object({
          reusable: z.boolean(),
          ephemeral: z.boolean(),
          preauthorized: z.boolean(),
          tags: z.array(z.string()),
        }),
      }),
    }),
  })
  .meta({ id: "AuthKey" });

function keyJson(info: AuthKeyInfo): z.input<typeof authKey> {
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
    capabilities: { devices: { create: { reusable, ephemeral, preauthorized, tags: [...tags] } } },
  };
}

const KEYS = "/api/v2/tailnet/:tailnet/keys";

export const KEY_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "POST",
    path: KEYS,
    act: "key.create",
    summary: "Makes an auth key, whose text is in this answer alone",
    body: createBody,
    answer: authKey.extend({ key: z.string() }),
    call: ({ authority, by, body }) => {
      const expirySeconds = body.expirySeconds || MAX_KEY_SECONDS;
      const description = body.description.slice(0, MAX_DESCRIPTION);
      return authority.createAuthKey(by, { ...body.capabilities.devices.create, description, expirySeconds });
    },
    format: ({ key, info }) => ({ key, ...keyJson(info) }),
  }),
  tailnetRoute({
    method: "GET",
    path: KEYS,
    act: "key.read",
    summary: "The auth keys of a tailnet",
    answer: z.object({ keys: z.array(authKey) }),
    call: ({ authority }) => authority.authKeyInfos(),
    format: (infos) => ({ keys: infos.map(keyJson) }),
  }),
  tailnetRoute({
    method: "GET",
    path: `${KEYS}/:keyId`,
    act: "key.read",
    summary: "An auth key",
    answer: authKey,
    call: ({ authority, param }) => authority.authKeyInfo(param("keyId")),
    format: keyJson,
  }),
  tailnetRoute({
    method: "DELETE",
    path: `${KEYS}/:keyId`,
    act: "key.revoke",
    summary: "Revokes an auth key",
    answer: nothing,
    call: ({ authority, by, param }) => authority.revokeAuthKey(by, param("keyId")),
    format: noValue,
  }),
];
