/**
 * The admin API for webhooks, with Tailscale's paths and names. Health, deliveries and their replay are ours. A secret is in one answer alone: the one
 * that makes it; from then on it is sealed [W30]. The address is shown to whoever may read webhooks, as Tailscale's API shows it, and is sealed too [W35].
 */

import { z } from "zod";
import { newSecret, randomId, sealSecret, type SealedFor, type WebhookInfo } from "../../durable/index.ts";
import {
  ID_PATTERNS,
  WEBHOOK_PROVIDERS,
  WEBHOOK_SUBSCRIPTIONS,
  timeJson,
  type Outcome,
  type Refusal,
} from "../../protocol/index.ts";
import { given, nothing, noValue, tailnetRoute, time, type AdminRoute } from "./route.ts";
import { listOf, orNull, orZero } from "./shapes.ts";
import type { WorkerEnv } from "../env.ts";
import { MAX_URL_CHARS } from "../outbound/outbound-address.ts";
import { shownAddress, takeAddress } from "../outbound/sealed-address.ts";
import { deliveriesOf, deliveryOf, type HistoryPlace, type WebhookDelivery } from "../record/webhook-history.ts";

const providerType = z.enum(WEBHOOK_PROVIDERS);
const subscription = z.enum(WEBHOOK_SUBSCRIPTIONS as [string, ...string[]] & typeof WEBHOOK_SUBSCRIPTIONS);
const subscriptions = listOf(subscription, 2 * WEBHOOK_SUBSCRIPTIONS.length);
const PAGE = 100;
const CURSOR = new RegExp(`^\\d{1,15}-${ID_PATTERNS.delivery}$`);

const webhook = z
  .object({
    endpointId: z.string(),
    endpointUrl: z.string(),
    providerType,
    creatorLoginName: z.string(),
    created: time,
    lastModified: time,
    subscriptions: z.array(subscription),
    status: z.enum(["ok", "retrying", "failing"]).meta({
      description:
        "retrying: the last attempt failed; failing: a message was given up on after a day, and none taken since",
    }),
    failingSince: time.optional(),
    lastError: z.string().optional(),
    pending: z.int().meta({ description: "messages that wait for it" }),
    dropped: z.int().meta({ description: "messages that were not kept, since too many waited" }),
  })
  .meta({ id: "Webhook" });

const withSecret = webhook
  .extend({
    secret: z.string(),
    warning: z
      .string()
      .optional()
      .meta({ description: "what could not be found out of the address when it was given" }),
  })
  .meta({ id: "WebhookWithSecret" });

const delivery = z
  .object({
    id: z.string(),
    type: z.string(),
    epoch: z.string(),
    sequence: z.int(),
    created: time,
    attempts: z.int(),
    state: z.enum(["delivered", "waiting", "failed"]),
    lastAttempt: time,
    nextAttempt: time.optional(),
    status: z.int().optional().meta({ description: "of the endpoint's last answer" }),
    error: z.string().optional(),
    requestId: z.string().optional().meta({ description: "of the request that the event is of" }),
  })
  .meta({ id: "WebhookDelivery" });

function statusOf({ failing, failures }: WebhookInfo): "ok" | "retrying" | "failing" {
  if (failing !== null) return "failing";
  return failures > 0 ? "retrying" : "ok";
}

/** An endpoint with its address. */
interface Shown {
  readonly info: WebhookInfo;
  readonly url: string;
}

function addressFor(tailnet: string, subject: string): SealedFor {
  return { purpose: "webhook-address", tailnet, subject };
}

async function withAddress(env: WorkerEnv, tailnet: string, info: WebhookInfo): Promise<Shown> {
  const { id, address, host } = info;
  return { info, url: await shownAddress(env, addressFor(tailnet, id), address, `https://${host}`) };
}

async function shown({ env, tailnet }: { env: WorkerEnv; tailnet: string }, outcome: Outcome<WebhookInfo>) {
  return outcome.ok ? given(await withAddress(env, tailnet, outcome.value)) : outcome;
}

function webhookJson({ info, url }: Shown): z.input<typeof webhook> {
  return {
    endpointId: info.id,
    endpointUrl: url,
    providerType: info.provider,
    creatorLoginName: info.creator,
    created: timeJson(info.created),
    lastModified: timeJson(info.modified),
    subscriptions: [...info.subscriptions],
    status: statusOf(info),
    ...(info.failing === null ? {} : { failingSince: timeJson(info.failing) }),
    ...(info.lastError === "" ? {} : { lastError: info.lastError }),
    pending: info.waiting,
    dropped: info.dropped,
  };
}

function deliveryJson(row: WebhookDelivery): z.input<typeof delivery> {
  return {
    id: row.id,
    type: row.type,
    epoch: row.epoch,
    sequence: row.seq,
    created: timeJson(row.created),
    attempts: row.attempts,
    state: row.state as "delivered" | "waiting" | "failed",
    lastAttempt: timeJson(row.at),
    ...(row.next === null ? {} : { nextAttempt: timeJson(row.next) }),
    ...(row.status === null ? {} : { status: row.status }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.request === null ? {} : { requestId: row.request }),
  };
}

interface NewSecret {
  readonly text: string;
  readonly box: Uint8Array;
}

/** A new secret of an endpoint, and its box. The text names the endpoint, as an auth key's names the key. */
async function sealedSecret(env: WorkerEnv, tailnet: string, id: string): Promise<Outcome<NewSecret>> {
  const text = `tskey-webhook-${id}-${newSecret()}`;
  const sealed = await sealSecret(env, { purpose: "webhook", tailnet, subject: id }, text);
  return sealed.ok ? { ok: true, value: { text, box: sealed.value } } : sealed;
}

function refused(refusal: Refusal): { readonly ok: false; readonly error: Refusal } {
  return { ok: false, error: refusal };
}

interface Made extends Shown {
  readonly secret: string;
  readonly warning: string | null;
}

async function made(
  place: { env: WorkerEnv; tailnet: string },
  outcome: Outcome<WebhookInfo>,
  secret: string,
  warning: string | null = null,
): Promise<Outcome<Made>> {
  const found = await shown(place, outcome);
  return found.ok ? given({ ...found.value, secret, warning }) : found;
}

function madeJson({ secret, warning, ...found }: Made): z.input<typeof withSecret> {
  return { ...webhookJson(found), secret, ...(warning === null ? {} : { warning }) };
}

/** Where a page ends: attacker-controlled when it comes back. */
function cursorOf({ created, id }: WebhookDelivery): string {
  return `${created}-${id}`;
}

function placeOf(cursor: string): HistoryPlace {
  const [created, id = ""] = cursor.split("-");
  return { created: Number(created), id };
}

const WEBHOOKS = "/api/v2/tailnet/:tailnet/webhooks";
const WEBHOOK = "/api/v2/webhooks/:webhookId";

const ENDPOINTS: readonly AdminRoute[] = [
  tailnetRoute({
    method: "GET",
    path: WEBHOOKS,
    act: "webhook.read",
    summary: "The webhooks of a tailnet",
    answer: z.object({ webhooks: z.array(webhook) }),
    call: async ({ authority, env, tailnet }) => {
      const infos = await authority.webhooks();
      if (!infos.ok) return infos;
      return given(await Promise.all(infos.value.map((info) => withAddress(env, tailnet, info))));
    },
    format: (infos) => ({ webhooks: infos.map(webhookJson) }),
  }),
  tailnetRoute({
    method: "POST",
    path: WEBHOOKS,
    act: "webhook.create",
    summary: "Makes a webhook, whose secret is in this answer alone",
    body: z.object({
      endpointUrl: z
        .string()
        .max(MAX_URL_CHARS)
        .meta({ format: "uri", examples: ["https://hooks.example.com/tailnet"] }),
      providerType: orZero(providerType, ""),
      subscriptions,
    }),
    answer: withSecret,
    call: async (call) => {
      const { authority, env, by, tailnet, body } = call;
      const { endpointUrl: url, providerType: provider } = body;
      const id = `${randomId("w")}${tailnet}`;
      const refusing = { code: "bad_webhook_address", field: "endpointUrl" } as const;
      const address = await takeAddress(env, addressFor(tailnet, id), url, refusing);
      if (!address.ok) return address;
      const secret = await sealedSecret(env, tailnet, id);
      if (!secret.ok) return secret;
      const creator = by.actor.login ?? by.actor.name;
      const { host } = new URL(url);
      const { box, warning } = address.value;
      const wanted = { id, host, address: box, provider, subscriptions: [...new Set(body.subscriptions)], creator };
      const outcome = await authority.createWebhook(by, wanted, secret.value.box);
      return made(call, outcome, secret.value.text, warning);
    },
    format: madeJson,
  }),
  tailnetRoute({
    method: "GET",
    path: WEBHOOK,
    act: "webhook.read",
    summary: "A webhook",
    answer: webhook,
    call: async (call) => shown(call, await call.authority.webhook(call.param("webhookId"))),
    format: webhookJson,
  }),
  tailnetRoute({
    method: "PATCH",
    path: WEBHOOK,
    act: "webhook.change",
    summary: "Changes what a webhook is told",
    body: z.object({ subscriptions }),
    answer: webhook,
    call: async (call) => {
      const { authority, by, body, param } = call;
      return shown(call, await authority.changeWebhook(by, param("webhookId"), [...new Set(body.subscriptions)]));
    },
    format: webhookJson,
  }),
  tailnetRoute({
    method: "DELETE",
    path: WEBHOOK,
    act: "webhook.delete",
    summary: "Ends a webhook, which is told so",
    answer: nothing,
    call: ({ authority, by, param }) => authority.deleteWebhook(by, param("webhookId")),
    format: noValue,
  }),
];

const ACTIONS: readonly AdminRoute[] = [
  tailnetRoute({
    method: "POST",
    path: `${WEBHOOK}/test`,
    act: "webhook.change",
    summary: "Has a webhook told of a test",
    success: 202,
    answer: nothing,
    call: ({ authority, by, param }) => authority.testWebhook(by, param("webhookId")),
    format: noValue,
  }),
  tailnetRoute({
    method: "POST",
    path: `${WEBHOOK}/rotate`,
    act: "webhook.change",
    summary: "Gives a webhook another secret, which is in this answer alone; those before it sign beside it for a day",
    body: orZero(
      z.object({
        endOldSecrets: orZero(z.boolean(), false).meta({
          description: "those before it sign no more from now on, but for the message that says so",
        }),
      }),
      { endOldSecrets: false },
    ),
    answer: withSecret,
    call: async (call) => {
      const { authority, env, by, tailnet, body, param } = call;
      const id = param("webhookId");
      const secret = await sealedSecret(env, tailnet, id);
      if (!secret.ok) return secret;
      const { text, box } = secret.value;
      return made(call, await authority.rotateWebhook(by, id, { box, overlaps: !body.endOldSecrets }), text);
    },
    format: madeJson,
  }),
];

const DELIVERIES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "GET",
    path: `${WEBHOOK}/deliveries`,
    act: "webhook.read",
    summary: "What became of messages to a webhook in the last thirty days, the newest first",
    query: z.object({
      cursor: orNull(z.string().regex(CURSOR)).meta({ description: "of the page before" }),
    }),
    answer: z.object({
      deliveries: z.array(delivery),
      cursor: z.string().optional().meta({ description: "of the next page" }),
    }),
    call: async ({ authority, env, tailnet, query, param }) => {
      const found = await authority.webhook(param("webhookId"));
      if (!found.ok) return found;
      const after = query.cursor === null ? null : placeOf(query.cursor);
      return { ok: true, value: await deliveriesOf(env.RECORD, tailnet, found.value.id, after, PAGE) };
    },
    format: (rows) => {
      const last = rows.at(-1);
      const cursor = last === undefined || rows.length < PAGE ? {} : { cursor: cursorOf(last) };
      return { deliveries: rows.map(deliveryJson), ...cursor };
    },
  }),
  tailnetRoute({
    method: "POST",
    path: `${WEBHOOK}/deliveries/:deliveryId/replay`,
    act: "webhook.change",
    summary: "Sends a message to a webhook once more",
    answer: nothing,
    call: async ({ authority, env, by, tailnet, param }) => {
      const id = param("webhookId");
      const row = await deliveryOf(env.RECORD, tailnet, id, param("deliveryId"));
      if (row === null) return refused({ code: "unknown_delivery", message: "there is no such delivery" });
      const { epoch, seq, attempts } = row;
      const type = row.type as Parameters<typeof authority.replayWebhook>[2]["type"];
      return authority.replayWebhook(by, id, { id: row.id, epoch, seq, type, attempts });
    },
    format: noValue,
  }),
];

export const WEBHOOK_ROUTES: readonly AdminRoute[] = [...ENDPOINTS, ...ACTIONS, ...DELIVERIES];
