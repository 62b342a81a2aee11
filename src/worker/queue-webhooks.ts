/**
 * The consumer of `tailward-webhooks`: makes one attempt for each pointer, and tells the tailnet's object how it went. It acknowledges whatever it is
 * given: an attempt that is lost is made anew by the object's alarm, which alone makes retries [W33].
 */

import { integer, record, ShapeError, text } from "../protocol/index.ts";
import {
  log,
  type WebhookAttempt,
  type WebhookPointer,
  type WebhookResult,
  type WebhookSettled,
} from "../durable/index.ts";
import type { WorkerEnv } from "./env.ts";
import { guardedPost } from "./guarded-post.ts";
import { authorityOf } from "./objects.ts";
import { valueOf } from "./queue-outcome.ts";
import { openSecret } from "./sealed.ts";
import { messageOf, webhookBody } from "./webhook-body.ts";
import { writeDeliveries, type WebhookDelivery } from "./webhook-history.ts";
import { SIGNATURE_HEADER, signatureHeader } from "./webhook-signature.ts";

const pointerShape = record({ tailnet: text, delivery: text, attempt: integer });

function pointerOf({ body }: Message): WebhookPointer | null {
  try {
    return pointerShape(body, "message");
  } catch (error) {
    if (error instanceof ShapeError) return null;
    throw error;
  }
}

async function secretsOf(env: WorkerEnv, tailnet: string, { webhook, boxes }: WebhookAttempt): Promise<string[]> {
  const what = { purpose: "webhook", tailnet, subject: webhook } as const;
  return (await Promise.all(boxes.map((box) => openSecret(env, what, box)))).map(valueOf);
}

/** Tells the endpoint. */
async function post(
  env: WorkerEnv,
  { tailnet, delivery }: WebhookPointer,
  attempt: WebhookAttempt,
): Promise<WebhookResult> {
  const message = messageOf(attempt);
  const body = webhookBody(attempt.provider, message);
  try {
    const secrets = await secretsOf(env, tailnet, attempt);
    const headers = {
      "content-type": "application/json",
      "user-agent": "Tailward-Webhook/1",
      "tailward-delivery": delivery,
      "tailward-request-id": message.requestId,
      [SIGNATURE_HEADER]: await signatureHeader(secrets, body, Date.now()),
    };
    return await guardedPost(env, attempt.url, headers, body);
  } catch (error) {
    // The secret does not open: without a signature nothing is sent.
    return { ok: false, status: null, error: error instanceof Error ? error.message : "it could not be signed" };
  }
}

async function attempt(env: WorkerEnv, pointer: WebhookPointer): Promise<void> {
  const authority = authorityOf(env, pointer.tailnet);
  const taken: WebhookAttempt | null = valueOf(await authority.takeWebhookAttempt(pointer.delivery, pointer.attempt));
  if (taken === null) return;
  const result = await post(env, pointer, taken);
  const settled = valueOf(await authority.settleWebhookAttempt(pointer.delivery, pointer.attempt, result));
  if (settled === null) return;
  await writeDeliveries(env.RECORD, rowsOf(pointer, taken, result, settled, Date.now()), Date.now());
}

/** What the history is to say: of the message, and of those that were given up on with it. */
function rowsOf(
  { tailnet: tailnetId, delivery: id, attempt: attempts }: WebhookPointer,
  { webhook: webhookId, type, event, created }: WebhookAttempt,
  { status, error }: WebhookResult,
  { state, next, abandoned }: WebhookSettled,
  at: number,
): WebhookDelivery[] {
  const { epoch, seq } = event;
  return [
    { tailnetId, id, webhookId, epoch, seq, type, created, attempts, state, status, error, at, next },
    ...abandoned.map((one) => ({ ...one, tailnetId, webhookId, state: "failed", status, error, at, next: null })),
  ];
}

async function attend(env: WorkerEnv, message: Message): Promise<void> {
  const pointer = pointerOf(message);
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
