/** The queues' consumers by the names in wrangler.toml. */

import { inRequest, newRequestId } from "../durable/index.ts";
import { count } from "./counters.ts";
import type { WorkerEnv } from "./env.ts";
import { keepDeadLetters } from "./queue-dead-letters.ts";
import { consumeLogStreams } from "./queue-log-streams.ts";
import { consumeRecord } from "./queue-record.ts";
import { consumeSessions } from "./queue-sessions.ts";
import { consumeWebhooks } from "./queue-webhooks.ts";

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
