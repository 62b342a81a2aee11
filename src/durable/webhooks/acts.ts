/** What people do with endpoints that are told of events. Secrets arrive sealed, and leave by no way but an attempt's. */

import { ownWebhookTypeOf, webhookTypesOf, type WebhookSubscription, type WebhookType } from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import { OVERLAP_MS, WEBHOOK_LIMITS, webhookTarget, type NewWebhook, type Webhook } from "./webhooks.ts";

/** An endpoint as it is shown. */
export interface WebhookInfo extends Webhook {
  /** Messages that wait for it. */
  readonly waiting: number;
}

/** A message as the history knows it, that is to be sent once more. */
export interface WebhookReplay {
  readonly id: string;
  readonly epoch: string;
  readonly seq: number;
  readonly type: WebhookType;
  readonly attempts: number;
}

/** A new secret, sealed; `overlaps`: those before it go on for a day. */
export interface NewSecret {
  readonly box: Uint8Array;
  readonly overlaps: boolean;
}

function infoOf(tailnet: Tailnet, webhook: Webhook): WebhookInfo {
  return { ...webhook, waiting: tailnet.webhooks.waiting(webhook.id) };
}

export function webhookInfos(tailnet: Tailnet): WebhookInfo[] {
  return tailnet.webhooks.all().map((webhook) => infoOf(tailnet, webhook));
}

/** Throws `unknown_webhook`. */
export function webhookInfo(tailnet: Tailnet, id: string): WebhookInfo {
  return infoOf(tailnet, tailnet.webhooks.require(id));
}

/** What an event may tell of an endpoint [W4]. */
function detailOf({ provider, subscriptions }: Pick<Webhook, "provider" | "subscriptions">) {
  return { provider, subscriptions };
}

/** Makes an endpoint, with the box of its first secret. Throws `too_many_webhooks`. The same ID again is a success. */
export function createWebhook(tailnet: Tailnet, by: By, made: NewWebhook, box: Uint8Array, now: number): WebhookInfo {
  const { webhooks } = tailnet;
  if (webhooks.find(made.id) !== null) return webhookInfo(tailnet, made.id);
  if (webhooks.all().length >= WEBHOOK_LIMITS.endpoints)
    throw new ControlError(
      "too_many_webhooks",
      `a tailnet has ${WEBHOOK_LIMITS.endpoints} webhooks at most: delete one first`,
    );
  // Told before it is there: its first message is not about itself.
  tailnet.record(by, { kind: "webhook.created", target: webhookTarget(made), new: detailOf(made) }, now);
  webhooks.add(made, now);
  webhooks.addSecret(made.id, box, 0, now);
  return webhookInfo(tailnet, made.id);
}

/** Changes what an endpoint is told; the same again is a no-op. Throws `unknown_webhook`. */
export function changeWebhook(
  tailnet: Tailnet,
  by: By,
  id: string,
  subscriptions: readonly WebhookSubscription[],
  now: number,
): WebhookInfo {
  const before = tailnet.webhooks.require(id);
  if (JSON.stringify(before.subscriptions) === JSON.stringify(subscriptions)) return webhookInfo(tailnet, id);
  tailnet.webhooks.setSubscriptions(id, subscriptions, now);
  const details = { old: detailOf(before), new: detailOf({ ...before, subscriptions }) };
  tailnet.record(by, { kind: "webhook.changed", target: webhookTarget(before), ...details }, now);
  return webhookInfo(tailnet, id);
}

/** Ends an endpoint's rest: somebody who sees to it waits for no back-off [W34]. What fails then has it rest anew, for as long as before and longer. */
function wake(tailnet: Tailnet, { id, failures, failing, lastError }: Webhook): void {
  tailnet.webhooks.setHealth(id, { failures, resume: 0, failing, lastError });
}

/** Gives an endpoint another secret; those before it sign beside it for a day, or not at all. Throws `unknown_webhook`. */
export function rotateWebhook(
  tailnet: Tailnet,
  by: By,
  id: string,
  { box, overlaps }: NewSecret,
  now: number,
): WebhookInfo {
  const webhook = tailnet.webhooks.require(id);
  const overlap = overlaps ? OVERLAP_MS : 0;
  tailnet.webhooks.addSecret(id, box, overlap, now);
  wake(tailnet, webhook);
  const detail = { oldSecretUntil: new Date(now + overlap).toISOString() };
  tailnet.record(by, { kind: "webhook.rotated", target: webhookTarget(webhook), new: detail }, now);
  return webhookInfo(tailnet, id);
}

/** Ends an endpoint, which is still told what it was to be told, and of its end [W26]; one that has ended is a success. */
export function deleteWebhook(tailnet: Tailnet, by: By, id: string, now: number): null {
  if (tailnet.webhooks.hasEnded(id)) return null;
  const webhook = tailnet.webhooks.require(id);
  tailnet.webhooks.end(id, now);
  tailnet.record(by, { kind: "webhook.deleted", target: webhookTarget(webhook), old: detailOf(webhook) }, now);
  tailnet.webhooks.pushOut();
  return null;
}

/** Has an endpoint told of a test. Throws `unknown_webhook`. */
export function testWebhook(tailnet: Tailnet, by: By, id: string, now: number): null {
  const webhook = tailnet.webhooks.require(id);
  wake(tailnet, webhook);
  tailnet.record(by, { kind: "webhook.tested", target: webhookTarget(webhook) }, now);
  return null;
}

/** True if a message of that type is what the endpoint could have been told of the event: the history is not taken at its word. */
function isOf(tailnet: Tailnet, webhook: Webhook, { epoch, seq, type }: WebhookReplay): boolean {
  const event = tailnet.events.at(seq);
  if (event?.epoch !== epoch) return false;
  const { id } = JSON.parse(event.target) as { readonly id: string };
  if (ownWebhookTypeOf(event.kind) === type) return id === webhook.id;
  return webhookTypesOf(event.kind, JSON.parse(event.new)).includes(type);
}

/** Sends a message once more; one that waits already is a success. Throws `unknown_webhook`, `unknown_delivery`. */
export function replayWebhook(tailnet: Tailnet, by: By, id: string, replay: WebhookReplay, now: number): null {
  const webhook = tailnet.webhooks.require(id);
  if (!isOf(tailnet, webhook, replay))
    throw new ControlError("unknown_delivery", "the event of this delivery is not in the log any more");
  wake(tailnet, webhook);
  const detail = { delivery: replay.id, type: replay.type, sequence: replay.seq };
  tailnet.record(by, { kind: "webhook.replayed", target: webhookTarget(webhook), new: detail }, now);
  const { seq, type, attempts: tries } = replay;
  tailnet.webhooks.put({ id: replay.id, webhook: id, seq, type, tries }, now);
  return null;
}
