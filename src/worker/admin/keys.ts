/**
 * The admin API for keys, with Tailscale's names: `/api/v2/tailnet/{tailnet}/keys`. Its three kinds are auth keys, OAuth clients and, ours to make by this
 * path, the API tokens of people. Which kind it is decides whose right it is.
 */

import { z } from "zod";
import type { KeyInfo } from "../../durable/index.ts";
import { SCOPES, timeJson, type Outcome, type Refusal, type Scope } from "../../protocol/index.ts";
import { NO_FEDERATION } from "./absent.ts";
import { nothing, noValue, tailnetRoute, time, type AdminRoute, type TailnetCall } from "./route.ts";
import { listOf, orNull, orZero, tag } from "./shapes.ts";
import { lacking } from "./refused-acts.ts";
import { authorize, grantableScopes, type Act } from "./rights.ts";

/** Seconds for which a key is good where nothing is said: 90 days, as at Tailscale, and the most that there is. */
const MAX_KEY_SECONDS = 90 * 24 * 60 * 60;
const MAX_DESCRIPTION = 50;

type Kind = KeyInfo["kind"];

/** Whose right each kind is. */
const ACTS_OF: Readonly<Record<Kind, Readonly<Record<"create" | "read" | "revoke", Act>>>> = {
  auth: { create: "key.create", read: "key.read", revoke: "key.revoke" },
  api: { create: "token.create", read: "token.read", revoke: "token.revoke" },
  client: { create: "client.create", read: "client.read", revoke: "client.revoke" },
};

const auth = z.object({
  devices: z.object({
    create: z.object({
      reusable: orZero(z.boolean(), false),
      ephemeral: orZero(z.boolean(), false),
      preauthorized: orZero(z.boolean(), false),
      tags: listOf(tag, 64),
    }),
  }),
});

const scope = z.enum(SCOPES, { error: `there is no such scope: they are ${SCOPES.join(", ")}` });
const scopes = listOf(scope, SCOPES.length);
const tags = listOf(tag, 64);
const description = orZero(z.string().max(1000), "").transform((text) => text.slice(0, MAX_DESCRIPTION));

const createBody = z.object({
  keyType: orZero(z.enum(["auth", "client", "api", "federated"]), "auth"),
  /** Of an auth key. */
  capabilities: orNull(auth),
  /** Of a client, or an API token: a token without any has all that its person may. */
  scopes,
  /** Of a client. */
  tags,
  /** Of an API token that the operator makes: whose it is to be. */
  userId: orZero(z.string(), ""),
  /** Zero, as Tailscale's own client sends it for "not said", is the longest there is. */
  expirySeconds: orZero(z.int().min(0).max(MAX_KEY_SECONDS), 0),
  description,
});

type CreateBody = z.output<typeof createBody>;

const setBody = z
  .object({
    keyType: orZero(z.enum(["client", "federated"]), "client"),
    scopes,
    tags,
    description,
  })
  .meta({ examples: [{ scopes: ["dns:read"], description: "reads names" }] });

const key = z
  .object({
    id: z.string(),
    keyType: z.enum(["auth", "client", "api"]),
    description: z.string(),
    created: time,
    updated: time.optional(),
    expires: time.optional(),
    expirySeconds: z.int().optional(),
    revoked: time.optional(),
    invalid: z.boolean(),
    capabilities: z
      .object({
        devices: z.object({
          create: z.object({
            reusable: z.boolean(),
            ephemeral: z.boolean(),
            preauthorized: z.boolean(),
            tags: z.array(z.string()),
          }),
        }),
      })
      .optional(),
    scopes: z.array(z.string()).optional(),
    tags: z.array(z.string()).optional(),
    /** Within the hour. */
    lastUsed: time.optional(),
    /** Whose it is, or who has made it; absent where that was the operator. */
    userId: z.string().optional(),
  })
  .meta({ id: "Key" });

function particularsOf(info: KeyInfo): Partial<z.input<typeof key>> {
  if (info.kind === "auth") {
    const { reusable, ephemeral, preauthorized } = info;
    return { capabilities: { devices: { create: { reusable, ephemeral, preauthorized, tags: [...info.tags] } } } };
  }
  return {
    updated: timeJson(info.updated),
    scopes: [...info.scopes],
    ...(info.kind === "client" ? { tags: [...info.tags] } : {}),
    ...(info.lastUsed === null ? {} : { lastUsed: timeJson(info.lastUsed) }),
  };
}

function keyJson(info: KeyInfo): z.input<typeof key> {
  const { id, kind, created, expires, revoked, invalid, user } = info;
  const lives =
    expires === null ? {} : { expires: timeJson(expires), expirySeconds: Math.round((expires - created) / 1000) };
  return {
    id,
    keyType: kind,
    description: info.description,
    created: timeJson(created),
    ...lives,
    ...(revoked === null ? {} : { revoked: timeJson(revoked) }),
    invalid,
    ...particularsOf(info),
    ...(user === null ? {} : { userId: user }),
  };
}

type Call = TailnetCall<unknown, unknown>;

function bad(message: string): Outcome<never> {
  return { ok: false, error: { code: "malformed_request", message } };
}

/** Null where whoever asks has the right to a key of that kind, which the door could not ask for; else the refusal. */
function lacks({ c }: Call, kind: Kind, what: "create" | "read" | "revoke"): Refusal | null {
  const act = ACTS_OF[kind][what];
  return authorize(c.var.principal, act) ? null : lacking(c.var.principal, act);
}

/** Scopes for a credential, as far as whoever asks may give them [H7]; none at all are `otherwise`. Attacker-controlled. */
function scopesFor({ c }: Call, wanted: readonly Scope[], otherwise: readonly Scope[]): Outcome<readonly Scope[]> {
  const may = grantableScopes(c.var.principal);
  const excess = wanted.find((one) => !may.includes(one));
  if (excess === undefined) return { ok: true, value: wanted.length === 0 ? otherwise : wanted };
  return { ok: false, error: { code: "forbidden", message: `who may not do it all may not give the scope ${excess}` } };
}

type Made = Outcome<{ readonly key: string; readonly info: KeyInfo }>;

async function createAuthKey({ authority, by }: Call, body: CreateBody): Promise<Made> {
  if (body.capabilities === null) return bad("capabilities: those of an auth key are expected");
  const expirySeconds = body.expirySeconds || MAX_KEY_SECONDS;
  const options = { ...body.capabilities.devices.create, description: body.description, expirySeconds };
  const outcome = await authority.createAuthKey(by, options);
  if (!outcome.ok) return outcome;
  return { ok: true, value: { key: outcome.value.key, info: { kind: "auth", ...outcome.value.info } } };
}

/** What an API token covers where nothing is said: all that may be given through what it is made with. */
function allScopes({ c }: Call): readonly Scope[] {
  const { principal } = c.var;
  return principal.kind === "user" && principal.scopes !== null ? principal.scopes : ["all"];
}

async function createToken(call: Call, body: CreateBody): Promise<Made> {
  if (body.tags.length > 0) return bad("tags: an API token has none, since it is a person's");
  const found = scopesFor(call, body.scopes, allScopes(call));
  if (!found.ok) return found;
  const { userId, description: said } = body;
  const expirySeconds = body.expirySeconds || MAX_KEY_SECONDS;
  const options = { user: userId === "" ? null : userId, scopes: found.value, description: said, expirySeconds };
  return call.authority.createToken(call.by, options);
}

async function createClient(call: Call, body: CreateBody): Promise<Made> {
  if (body.scopes.length === 0) return bad("scopes: an OAuth client has one at least");
  const found = scopesFor(call, body.scopes, []);
  if (!found.ok) return found;
  return call.authority.createClient(call.by, {
    scopes: found.value,
    tags: body.tags,
    description: body.description,
  });
}

const MAKERS = { auth: createAuthKey, api: createToken, client: createClient } as const;

/** The keys that whoever asks may see: their own, or with `all` whosever. The operator and OAuth clients have none of their own. */
async function listKeys(call: TailnetCall<{ readonly all: boolean }, unknown>): Promise<Outcome<KeyInfo[]>> {
  const { principal } = call.c.var;
  const own = principal.kind === "user" && !call.query.all ? principal.user.id : null;
  const outcome = await call.authority.keys(own);
  if (!outcome.ok) return outcome;
  return { ok: true, value: outcome.value.filter(({ kind }) => authorize(principal, ACTS_OF[kind].read)) };
}

async function knownKey(call: Call, what: "read" | "revoke"): Promise<Outcome<KeyInfo>> {
  const outcome = await call.authority.key(call.param("keyId"));
  if (!outcome.ok) return outcome;
  const refusal = lacks(call, outcome.value.kind, what);
  return refusal === null ? outcome : { ok: false, error: refusal };
}

const KEYS = "/api/v2/tailnet/:tailnet/keys";
const KEY = `${KEYS}/:keyId` as const;

export const KEY_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "POST",
    path: KEYS,
    act: "key.create",
    otherActs: ["token.create", "client.create"],
    summary: "Makes an auth key, an OAuth client or an API token, whose text is in this answer alone",
    body: createBody,
    answer: key.extend({ key: z.string() }),
    call: async (call): Promise<Made> => {
      const { keyType } = call.body;
      if (keyType === "federated") return { ok: false, error: NO_FEDERATION };
      const refusal = lacks(call, keyType, "create");
      return refusal === null ? MAKERS[keyType](call, call.body) : { ok: false, error: refusal };
    },
    format: ({ key: text, info }) => ({ key: text, ...keyJson(info) }),
  }),
  tailnetRoute({
    method: "GET",
    path: KEYS,
    act: "key.read",
    otherActs: ["token.read", "client.read"],
    summary: "Keys of a tailnet: one's own, or all of them",
    query: z.object({ all: orNull(z.string()).transform((text) => text !== null && text !== "false") }),
    answer: z.object({ keys: z.array(key) }),
    call: listKeys,
    format: (infos) => ({ keys: infos.map(keyJson) }),
  }),
  tailnetRoute({
    method: "GET",
    path: KEY,
    act: "key.read",
    otherActs: ["token.read", "client.read"],
    summary: "A key",
    answer: key,
    call: (call) => knownKey(call, "read"),
    format: keyJson,
  }),
  tailnetRoute({
    method: "PUT",
    path: KEY,
    act: "client.create",
    summary: "Changes an OAuth client, whole",
    body: setBody,
    answer: key,
    call: async (call): Promise<Outcome<KeyInfo>> => {
      if (call.body.keyType === "federated") return { ok: false, error: NO_FEDERATION };
      const found = scopesFor(call, call.body.scopes, []);
      if (!found.ok) return found;
      if (found.value.length === 0) return bad("scopes: an OAuth client has one at least");
      const { tags: given, description: said } = call.body;
      const options = { scopes: found.value, tags: given, description: said };
      return call.authority.changeClient(call.by, call.param("keyId"), options);
    },
    format: keyJson,
  }),
  tailnetRoute({
    method: "DELETE",
    path: KEY,
    act: "key.revoke",
    otherActs: ["token.revoke", "client.revoke"],
    summary: "Revokes a key",
    answer: nothing,
    call: async (call): Promise<Outcome<null>> => {
      const known = await knownKey(call, "revoke");
      return known.ok ? call.authority.revokeKey(call.by, call.param("keyId")) : known;
    },
    format: noValue,
  }),
];
