/** The queues' consumers by the names in wrangler.toml. */

import { inRequest, newRequestId } from "../../durable/index.ts";
import { count } from "../counters.ts";
import type { WorkerEnv } from "../env.ts";
import { keepDeadLetters } from "./dead-letters.ts";
import { consumeLogStreams } from "./log-streams.ts";
import { consumeRecord } from "./record.ts";
import { consumeSessions } from "./sessions.ts";
import { consumeWebhooks } from "./webhooks.ts";

type Consumer = (batch: MessageBatch, env: WorkerEnv) => Promise<void>;

const CONSUMERS: Readonly<Record<string, Consumer>> = {
  "tailward-sessions": consumeSessions,
  "tailward-record": consumeRecord,
  "tailward-webhooks": consumeWebhooks,
  "tailward-log-streams": consumeLogStreams,
  "tailward-sessions-dead": (batch, env) => keepDeadLetters(batch, "sessions", env),
  "tailward-record-dead": (batch, env) => keepDeadLetters(batch, "record", env),
};

export async function consume(batch: MessageBatch, env: WorkerEnv): Promise<void> {
  const consumer = CONSUMERS[batch.queue];
  if (consumer === undefined) throw new Error(`nobody consumes the queue ${batch.queue}`);
  const begun = Date.now();
  await inRequest(newRequestId(), () => consumer(batch, env));
  const ms = Date.now() - begun;
  count(env, {
    what: "queue",
    by: batch.queue,
    part: "",
    outcome: "taken",
    code: "",
    count: batch.messages.length,
    ms,
  });
}
