/** The admin API for tailnets. To make, list and delete tailnets is ours: Tailscale does that elsewhere. */

import { z } from "zod";
import { ownerLogin, randomId, type By, type TailnetEntry } from "../../durable/index.ts";
import { timeJson, type Outcome } from "../../protocol/index.ts";
import { controlRoute, given, nothing, noValue, tailnetRoute, time, type AdminRoute } from "./route.ts";
import { optionalSecret } from "./disablement-secret.ts";
import { orNull, orZero } from "./shapes.ts";
import { enrol } from "../people/memberships.ts";
import { authorityOf, tailnetsOf } from "../objects.ts";
import type { WorkerEnv } from "../env.ts";

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const createBody = z.object({
  name: z.string().regex(NAME, { error: "a tailnet's name is a domain name of at most 63 lower-case characters" }),
  /** The login name of its first owner; without one it is `owner@` and the name. */
  owner: orNull(z.string()),
});
const deleteBody = orZero(z.object({ disablementSecret: optionalSecret }), { disablementSecret: null });

const tailnetShape = z
  .object({ id: z.string(), name: z.string(), created: z.int(), createdAt: time })
  .meta({ id: "Tailnet" });

/** `created` and `createdAt` are the same in two forms: milliseconds, and as Tailscale's API writes times. */
function tailnetJson({ id, name, created }: TailnetEntry): z.input<typeof tailnetShape> {
  return { id, name, created, createdAt: timeJson(created) };
}

/** Makes the tailnet, or gives the one that has the name. One whose deletion stopped halfway is taken off the list first. */
async function make(env: WorkerEnv, by: By, name: string, owner: string | null): Promise<Outcome<TailnetEntry>> {
  for (let tries = 0; ; tries++) {
    const entry = await tailnetsOf(env).list(randomId("T"), name);
    const outcome = await authorityOf(env, entry.id).create(entry.id, entry.name, owner, by);
    if (outcome.ok) {
      await enrol(env, owner ?? ownerLogin(entry.name), entry.id);
      return { ok: true, value: entry };
    }
    if (outcome.error.code !== "unknown_tailnet" || tries > 0) return outcome;
    await tailnetsOf(env).unlist(entry.id);
  }
}

const TAILNET = "/api/v2/tailnet/:tailnet";

export const TAILNET_ROUTES: readonly AdminRoute[] = [
  controlRoute({
    method: "POST",
    path: "/api/v2/tailnets",
    act: "tailnet.create",
    summary: "Makes a tailnet, or gives the one that has the name",
    body: createBody,
    answer: tailnetShape,
    call: ({ env, by, body }) => make(env, by, body.name, body.owner),
    format: tailnetJson,
  }),
  controlRoute({
    method: "GET",
    path: "/api/v2/tailnets",
    act: "tailnet.list",
    summary: "The tailnets there are",
    answer: z.object({ tailnets: z.array(tailnetShape) }),
    call: async ({ env }) => given(await tailnetsOf(env).tailnets()),
    format: (entries) => ({ tailnets: entries.map(tailnetJson) }),
  }),
  tailnetRoute({
    method: "GET",
    path: TAILNET,
    act: "tailnet.read",
    summary: "A tailnet",
    answer: tailnetShape,
    call: ({ authority }) => authority.summary(),
    format: tailnetJson,
  }),
  // Deleted in its object, then taken off the list. Whoever got no answer asks again, by ID: that is a success.
  tailnetRoute({
    method: "DELETE",
    path: TAILNET,
    act: "tailnet.delete",
    summary: "Gives a tailnet up; where its lock is on, by a disablement secret",
    body: deleteBody,
    answer: nothing,
    call: async ({ authority, env, by, tailnet, body }) => {
      const outcome = await authority.delete(by, body.disablementSecret);
      if (outcome.ok) await tailnetsOf(env).unlist(tailnet);
      return outcome;
    },
    format: noValue,
  }),
];
