/**
 * The consumer of `tailward-webhooks`: makes one attempt for each pointer, and tells the tailnet's object how it went. It acknowledges whatever it is
 * given: an attempt that is lost is made anew by the object's alarm, which alone makes retries [W33].
 */

import { integer, record, text, withDefault, type Shape } from "../../protocol/index.ts";
import {
  inRequest,
  log,
  newRequestId,
  openSecret,
  type WebhookAttempt,
  type WebhookPointer,
  type WebhookResult,
  type WebhookSettled,
} from "../../durable/index.ts";
import type { WorkerEnv } from "../env.ts";
import { guardedPost } from "../outbound/guarded-post.ts";
import { authorityOf } from "../objects.ts";
import { valueOf } from "../outcome.ts";
import { pointerIn } from "./pointer.ts";
import { messageOf, webhookBody } from "../outbound/webhook-body.ts";
import { writeDeliveries, type WebhookDelivery } from "../record/webhook-history.ts";
import { SIGNATURE_HEADER, signatureHeader } from "../outbound/webhook-signature.ts";

const pointerShape: Shape<WebhookPointer> = record({
  tailnet: text,
  delivery: text,
  attempt: integer,
  request: withDefault(text, ""),
});

/** The secrets that sign, the newest first. Throws where that one does not open; of those before it, the ones that do are enough. */
async function secretsOf(env: WorkerEnv, tailnet: string, { webhook, boxes }: WebhookAttempt): Promise<string[]> {
  const what = { purpose: "webhook", tailnet, subject: webhook } as const;
  const [newest, ...others] = await Promise.all(boxes.map((box) => openSecret(env, what, box)));
  if (newest === undefined) throw new Error("it has no secret");
  return [valueOf(newest), ...others.flatMap((secret) => (secret.ok ? [secret.value] : []))];
}

async function addressOf(env: WorkerEnv, tailnet: string, { webhook, address }: WebhookAttempt): Promise<string> {
  return valueOf(await openSecret(env, { purpose: "webhook-address", tailnet, subject: webhook }, address));
}

/** Tells the endpoint. */
async function post(
  env: WorkerEnv,
  { tailnet, delivery }: WebhookPointer,
  attempt: WebhookAttempt,
): Promise<WebhookResult> {
  try {
    const message = messageOf(attempt);
    const body = webhookBody(attempt.provider, message);
    const secrets = await secretsOf(env, tailnet, attempt);
    const headers = {
      "content-type": "application/json",
      "user-agent": "Tailward-Webhook/1",
      "tailward-delivery": delivery,
      "tailward-request-id": message.requestId,
      [SIGNATURE_HEADER]: await signatureHeader(secrets, body, Date.now()),
    };
    return await guardedPost(env, await addressOf(env, tailnet, attempt), headers, body);
  } catch (error) {
    // The secret or the address does not open: without a signature nothing is sent. Whatever it is, the message is not tried for ever.
    return { ok: false, status: null, error: error instanceof Error ? error.message : "it could not be signed" };
  }
}

async function attempt(env: WorkerEnv, pointer: WebhookPointer): Promise<void> {
  const authority = authorityOf(env, pointer.tailnet);
  const taken: WebhookAttempt | null = valueOf(await authority.takeWebhookAttempt(pointer.delivery, pointer.attempt));
  if (taken !== null) await tell(env, pointer, taken);
}

function tellLog(
  { tailnet, delivery, attempt: number }: WebhookPointer,
  { webhook, type }: WebhookAttempt,
  { status, error }: WebhookResult,
  { state }: WebhookSettled,
): void {
  const fields = { tailnet, webhook, delivery, type, attempt: number, status, state };
  if (state === "delivered") log.debug("an endpoint was told", fields);
  else if (state === "waiting") log.warn("an endpoint was not told; it is tried again", { ...fields, why: error });
  else log.warn("an endpoint could not be told for a day; the message is given up", { ...fields, why: error });
}

async function tell(env: WorkerEnv, pointer: WebhookPointer, taken: WebhookAttempt): Promise<void> {
  const authority = authorityOf(env, pointer.tailnet);
  const result = await post(env, pointer, taken);
  const settled = valueOf(await authority.settleWebhookAttempt(pointer.delivery, pointer.attempt, result));
  if (settled === null) return;
  tellLog(pointer, taken, result, settled);
  const now = Date.now();
  try {
    await writeDeliveries(env.RECORD, rowsOf(pointer, taken, result, settled, now), now);
  } catch (error) {
    log.warn("the history of an endpoint was not written", { tailnet: pointer.tailnet, webhook: taken.webhook }, error);
  }
}

/** What the history is to say: of the message, and of those that were given up on with it. */
function rowsOf(
  { tailnet: tailnetId, delivery: id, attempt: attempts }: WebhookPointer,
  { webhook: webhookId, type, event, created }: WebhookAttempt,
  { status, error }: WebhookResult,
  { state, next, abandoned }: WebhookSettled,
  at: number,
): WebhookDelivery[] {
  const { epoch, seq, group: request } = event;
  return [
    { tailnetId, id, webhookId, epoch, seq, type, created, attempts, state, status, error, at, next, request },
    ...abandoned.map((one) => ({ ...one, tailnetId, webhookId, state: "failed", status, error, at, next: null })),
  ];
}

/** What is logged of an attempt stands under the request that its event is of [O54]. */
function attend(env: WorkerEnv, message: Message): Promise<void> {
  const pointer = pointerIn(message, pointerShape);
  return inRequest(pointer?.request || newRequestId(), () => handle(env, message, pointer));
}

async function handle(env: WorkerEnv, message: Message, pointer: WebhookPointer | null): Promise<void> {
  try {
    if (pointer === null) log.error("a message of the queue of webhooks is no pointer", { id: message.id });
    else await attempt(env, pointer);
  } catch (error) {
    const { tailnet = "", delivery = "" } = pointer ?? {};
    log.warn("an attempt to tell an endpoint was not finished; it is made anew", { tailnet, delivery }, error);
  }
  message.ack();
}

export async function consumeWebhooks(batch: MessageBatch, env: WorkerEnv): Promise<void> {
  await Promise.all(batch.messages.map((message) => attend(env, message)));
}
