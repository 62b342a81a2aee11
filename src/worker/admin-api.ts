/**
 * The admin API, with Tailscale's names where it has them: tailnets, auth keys, and the lock's chain for verifying it elsewhere.
 * The only actor is the owner, by bearer token.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { Hono, type Context, type MiddlewareHandler } from "hono";
import { randomId, type AuthKeyInfo, type By } from "../durable/index.ts";
import { boolean, integer, isTailnetId, list, optional, record, text, withDefault } from "../protocol/index.ts";
import type { AppTypes } from "./app-types.ts";
import { readBody } from "./body.ts";
import { answer, refuse } from "./http-errors.ts";
import { authorityOf, tailnetsOf } from "./objects.ts";
import { recordRoutes } from "./record-routes.ts";

/** Seconds for which an auth key is good where nothing is said: 90 days, as at Tailscale, and the most that there is. */
const MAX_KEY_SECONDS = 90 * 24 * 60 * 60;
const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

const createTailnetBody = record({ name: text });
const createKeyBody = record({
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
  expirySeconds: optional(integer),
  description: withDefault(text, ""),
});

/** Who acts, until people sign in. */
const BY_OWNER: By = { actor: { type: "USER", id: "owner", name: "Owner" }, origin: "CONFIG_API" };

type AdminContext = Context<AppTypes>;

function digest(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

const requireOwner: MiddlewareHandler<AppTypes> = async (c, next) => {
  const given = /^Bearer ([\x21-\x7e]+)$/.exec(c.req.header("authorization") ?? "")?.[1];
  const { OWNER_TOKEN: expected } = c.env;
  if (
    expected === undefined ||
    expected === "" ||
    given === undefined ||
    !timingSafeEqual(digest(given), digest(expected))
  ) {
    c.header("www-authenticate", "Bearer");
    return refuse(c, { code: "forbidden", message: "the admin API needs the owner's token" });
  }
  return next();
};

/** The tailnet that the path names, or the refusal. */
function tailnetOf(c: AdminContext): string | Response {
  const tailnet = c.req.param("tailnet") ?? "";
  return isTailnetId(tailnet) ? tailnet : refuse(c, { code: "unknown_tailnet", message: "there is no such tailnet" });
}

async function createTailnet(c: AdminContext): Promise<Response> {
  const body = await readBody(c, createTailnetBody);
  if (body instanceof Response) return body;
  if (!NAME.test(body.name))
    return refuse(c, {
      code: "malformed_request",
      message: "a tailnet's name is a domain name of at most 63 lower-case characters",
    });
  const entry = await tailnetsOf(c.env).list(randomId("T"), body.name);
  const outcome = await authorityOf(c.env, entry.id).create(entry.id, entry.name, BY_OWNER);
  return outcome.ok ? c.json({ id: entry.id, name: entry.name }) : refuse(c, outcome.error);
}

function keyJson({ id, reusable, ephemeral, preauthorized, tags, description, created, expires }: AuthKeyInfo) {
  return {
    id,
    description,
    created: new Date(created).toISOString(),
    expires: new Date(expires).toISOString(),
    capabilities: { devices: { create: { reusable, ephemeral, preauthorized, tags } } },
  };
}

async function createKey(c: AdminContext): Promise<Response> {
  const tailnet = tailnetOf(c);
  if (tailnet instanceof Response) return tailnet;
  const body = await readBody(c, createKeyBody);
  if (body instanceof Response) return body;
  const expirySeconds = body.expirySeconds ?? MAX_KEY_SECONDS;
  if (expirySeconds < 1 || expirySeconds > MAX_KEY_SECONDS)
    return refuse(c, { code: "malformed_request", message: `expirySeconds is between 1 and ${MAX_KEY_SECONDS}` });
  const options = { ...body.capabilities.devices.create, description: body.description.slice(0, 50), expirySeconds };
  const outcome = await authorityOf(c.env, tailnet).createAuthKey(BY_OWNER, options);
  return outcome.ok ? c.json({ key: outcome.value.key, ...keyJson(outcome.value.info) }) : refuse(c, outcome.error);
}

async function exportLock(c: AdminContext): Promise<Response> {
  const tailnet = tailnetOf(c);
  if (tailnet instanceof Response) return tailnet;
  return answer(c, await authorityOf(c.env, tailnet).exportLock());
}

/** A POST, since it is an act of its own and on the record. */
async function readSupport(c: AdminContext): Promise<Response> {
  const tailnet = tailnetOf(c);
  if (tailnet instanceof Response) return tailnet;
  return answer(c, await authorityOf(c.env, tailnet).readSupport(BY_OWNER));
}

export const adminApi = new Hono<AppTypes>();
adminApi.use("/api/v2/*", requireOwner);
adminApi.post("/api/v2/tailnets", createTailnet);
adminApi.get("/api/v2/tailnets", async (c) => c.json({ tailnets: await tailnetsOf(c.env).tailnets() }));
adminApi.post("/api/v2/tailnet/:tailnet/keys", createKey);
adminApi.get("/api/v2/tailnet/:tailnet/lock/export", exportLock);
adminApi.post("/api/v2/tailnet/:tailnet/lock/support-secret", readSupport);
adminApi.route("/", recordRoutes);
