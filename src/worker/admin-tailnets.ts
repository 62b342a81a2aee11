/** The admin API for tailnets and their settings. To make, list and delete tailnets is ours: Tailscale does that elsewhere. */

import { randomId, type By, type Settings, type SettingsPatch, type TailnetEntry } from "../durable/index.ts";
import { ShapeError, boolean, integer, optional, record, text, type Outcome, type Shape } from "../protocol/index.ts";
import {
  byOf,
  tailnetBodyRoute,
  tailnetOf,
  tailnetRoute,
  timeJson,
  type AdminContext,
  type AdminRoute,
} from "./admin-route.ts";
import { optionalSecret } from "./admin-secret.ts";
import { readBody } from "./body.ts";
import { refuse } from "./http-errors.ts";
import { authorityOf, tailnetsOf } from "./objects.ts";
import type { WorkerEnv } from "./env.ts";

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const createBody = record({ name: text });
const deleteBody = record({ disablementSecret: optionalSecret });
/** What is set there: not the names of DNS, which have routes of their own. */
function settingsJson({ devicesApprovalOn, devicesKeyDurationDays, lockAllowsOldClients }: Settings) {
  return { devicesApprovalOn, devicesKeyDurationDays, lockAllowsOldClients };
}

const settings = {
  devicesApprovalOn: optional(boolean),
  devicesKeyDurationDays: optional(integer),
  lockAllowsOldClients: optional(boolean),
};
/** A setting that there is not here, of Tailscale's or anybody's, is refused rather than passed over; null, as Tailscale's client sends it, says nothing. */
const settingsBody: Shape<SettingsPatch> = (value, at) => {
  const patch = record(settings)(value, at);
  const strange = Object.entries(value as object).find(
    ([name, given]) => given !== null && !Object.hasOwn(settings, name),
  );
  if (strange === undefined) return patch;
  throw new ShapeError(
    `${at}: there is no setting ${strange[0].slice(0, 64)} here: they are ${Object.keys(settings).join(", ")}`,
  );
};

/** `created` and `createdAt` are the same in two forms: milliseconds, and as Tailscale's API writes times. */
function tailnetJson({ id, name, created }: TailnetEntry) {
  return { id, name, created, createdAt: timeJson(created) };
}

/** Makes the tailnet, or gives the one that has the name. One whose deletion stopped halfway is taken off the list first. */
async function make(env: WorkerEnv, by: By, name: string): Promise<Outcome<TailnetEntry>> {
  for (let tries = 0; ; tries++) {
    const entry = await tailnetsOf(env).list(randomId("T"), name);
    const outcome = await authorityOf(env, entry.id).create(entry.id, entry.name, by);
    if (outcome.ok) return { ok: true, value: entry };
    if (outcome.error.code !== "unknown_tailnet" || tries > 0) return outcome;
    await tailnetsOf(env).unlist(entry.id);
  }
}

async function createTailnet(c: AdminContext): Promise<Response> {
  const body = await readBody(c, createBody);
  if (body instanceof Response) return body;
  if (!NAME.test(body.name))
    return refuse(c, {
      code: "malformed_request",
      message: "a tailnet's name is a domain name of at most 63 lower-case characters",
    });
  const outcome = await make(c.env, byOf(c), body.name);
  return outcome.ok ? c.json(tailnetJson(outcome.value)) : refuse(c, outcome.error);
}

async function listTailnets(c: AdminContext): Promise<Response> {
  return c.json({ tailnets: (await tailnetsOf(c.env).tailnets()).map(tailnetJson) });
}

/** Deletes it in its object, then takes it off the list. Whoever got no answer asks again, by ID: that is a success. */
async function deleteTailnet(c: AdminContext): Promise<Response> {
  const tailnet = await tailnetOf(c);
  if (tailnet instanceof Response) return tailnet;
  const hasBody = (await c.req.text()) !== "";
  const body = hasBody ? await readBody(c, deleteBody) : { disablementSecret: null };
  if (body instanceof Response) return body;
  const outcome = await authorityOf(c.env, tailnet).delete(byOf(c), body.disablementSecret);
  if (!outcome.ok) return refuse(c, outcome.error);
  await tailnetsOf(c.env).unlist(tailnet);
  return c.json({});
}

const TAILNET = "/api/v2/tailnet/:tailnet";

export const TAILNET_ROUTES: readonly AdminRoute[] = [
  { method: "POST", path: "/api/v2/tailnets", act: "tailnet.create", handle: createTailnet },
  { method: "GET", path: "/api/v2/tailnets", act: "tailnet.list", handle: listTailnets },
  {
    method: "GET",
    path: TAILNET,
    act: "tailnet.read",
    handle: tailnetRoute((authority) => authority.summary(), tailnetJson),
  },
  { method: "DELETE", path: TAILNET, act: "tailnet.delete", handle: deleteTailnet },
  {
    method: "GET",
    path: `${TAILNET}/settings`,
    act: "settings.read",
    handle: tailnetRoute((authority) => authority.settings(), settingsJson),
  },
  {
    method: "PATCH",
    path: `${TAILNET}/settings`,
    act: "settings.change",
    handle: tailnetBodyRoute(
      settingsBody,
      (authority, c, patch) => authority.changeSettings(byOf(c), patch),
      settingsJson,
    ),
  },
];
