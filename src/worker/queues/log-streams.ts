/**
 * The consumer of `tailward-log-streams`: sends one batch for each pointer, and tells the tailnet's object how it went. It acknowledges whatever it is
 * given: a batch that is lost is made anew by the object [W23].
 */

import { integer, record, text, type Shape } from "../../protocol/index.ts";
import { log, openSecret, type StreamBatch, type StreamPointer, type StreamResult } from "../../durable/index.ts";
import type { WorkerEnv } from "../env.ts";
import { guardedPost } from "../outbound/guarded-post.ts";
import { batchHeaders, batchText, batchUrl, compressed } from "../outbound/log-stream-body.ts";
import { authorityOf } from "../objects.ts";
import { valueOf } from "../outcome.ts";
import { pointerIn } from "./pointer.ts";

const pointerShape: Shape<StreamPointer> = record({ tailnet: text, stream: text, batch: integer });

async function tokenOf(env: WorkerEnv, tailnet: string, { stream, box }: StreamBatch): Promise<string | null> {
  if (box === null) return null;
  return valueOf(await openSecret(env, { purpose: "log-stream", tailnet, subject: stream }, box));
}

async function addressOf(env: WorkerEnv, tailnet: string, { stream, address }: StreamBatch): Promise<string> {
  return valueOf(await openSecret(env, { purpose: "log-stream-address", tailnet, subject: stream }, address));
}

/** Sends the batch. Never rejects. */
async function post(env: WorkerEnv, tailnet: string, batch: StreamBatch): Promise<StreamResult> {
  const upTo = batch.events.at(-1)?.seq;
  if (upTo === undefined) return { ok: false, error: "there was nothing to send" };
  try {
    const body = compressed(batch, batchText(batch));
    const headers = batchHeaders(batch, await tokenOf(env, tailnet, batch));
    const url = batchUrl(batch, await addressOf(env, tailnet, batch));
    const { ok, error } = await guardedPost(env, url, headers, body);
    if (!ok) return { ok, error: error ?? "it was not taken" };
    return { ok, upTo, entries: batch.events.length, bytes: body.length };
  } catch (error) {
    // The token or the address does not open.
    return { ok: false, error: error instanceof Error ? error.message : "it could not be sent" };
  }
}

async function send(env: WorkerEnv, { tailnet, stream, batch }: StreamPointer): Promise<void> {
  const authority = authorityOf(env, tailnet);
  const taken: StreamBatch | null = valueOf(await authority.takeLogBatch(stream, batch));
  if (taken === null) return;
  valueOf(await authority.settleLogBatch(stream, batch, await post(env, tailnet, taken)));
}

async function attend(env: WorkerEnv, message: Message): Promise<void> {
  const pointer = pointerIn(message, pointerShape);
  try {
    if (pointer === null) log.error("a message of the queue of log streams is no pointer", { id: message.id });
    else await send(env, pointer);
  } catch (error) {
    log.warn("a batch of a log was not sent to its end; it is made anew", { tailnet: pointer?.tailnet ?? "" }, error);
  }
  message.ack();
}

export async function consumeLogStreams(batch: MessageBatch, env: WorkerEnv): Promise<void> {
  await Promise.all(batch.messages.map((message) => attend(env, message)));
}
