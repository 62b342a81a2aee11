/**
 * What the tailnets' objects say: how much is on its way and has not arrived, and who is there. Each is asked, so that their number is bounded: what the
 * others lack is said in the log, by their objects.
 */

import type { TailnetEntry, Watched } from "../../durable/index.ts";
import { log } from "../../durable/index.ts";
import type { WorkerEnv } from "../env.ts";
import { authorityOf, tailnetsOf } from "../objects.ts";
import type { Metric } from "./prometheus.ts";

/** Tailnets that are asked, the first by name; a few at a time, since a Worker has six connections. */
const MOST_ASKED = 200;
const AT_ONCE = 6;

const WATCHED: readonly (readonly [keyof Watched, Metric["name"], string])[] = [
  ["recordPending", "tailward_record_pending_events", "Events that D1 is not known to have."],
  [
    "sessionsBehind",
    "tailward_sessions_behind_changes",
    "Changes that not all sessions objects are known to have heard of.",
  ],
  ["resends", "tailward_outbox_resends", "How often what is pending was sent again since anything last arrived."],
  ["webhooksPending", "tailward_webhook_pending_messages", "Messages that webhook endpoints have yet to be told."],
  ["webhooksFailing", "tailward_webhooks_failing", "Webhook endpoints that are failing."],
  ["streamBehind", "tailward_log_stream_behind_events", "Events that the collector of the log has yet to take."],
  ["streamFailing", "tailward_log_stream_failing", "1 while the collector of the log takes nothing."],
  [
    "sealedOlder",
    "tailward_sealed_under_older_key",
    "Secrets and addresses that are sealed under an older storage key.",
  ],
  ["sealedLost", "tailward_sealed_under_lost_key", "The same under a storage key that is not configured any more."],
  ["online", "tailward_nodes_online", "Nodes that are connected."],
];

interface Asked {
  readonly entry: TailnetEntry;
  /** Null where the object does not answer. */
  readonly watched: Watched | null;
}

async function ask(env: WorkerEnv, entry: TailnetEntry): Promise<Asked> {
  try {
    const outcome = await authorityOf(env, entry.id).watched();
    return { entry, watched: outcome.ok ? outcome.value : null };
  } catch (error) {
    log.warn("a tailnet's object was not asked what is to be watched", { tailnet: entry.id }, error);
    return { entry, watched: null };
  }
}

/** `now` in milliseconds since the epoch. Rejects where the list of tailnets cannot be had. */
export async function objectMetrics(env: WorkerEnv, now: number): Promise<Metric[]> {
  const all = await tailnetsOf(env).tailnets();
  const entries = all.slice(0, MOST_ASKED);
  const asked: Asked[] = [];
  for (let i = 0; i < entries.length; i += AT_ONCE)
    asked.push(...(await Promise.all(entries.slice(i, i + AT_ONCE).map((entry) => ask(env, entry)))));
  const of = (value: (watched: Watched) => number): Metric["samples"] =>
    asked.flatMap(({ entry: { id, name }, watched }) =>
      watched === null ? [] : [{ labels: { tailnet: id, name }, value: value(watched) }],
    );
  const gauge = (name: Metric["name"], help: string, samples: Metric["samples"]): Metric => ({
    name,
    type: "gauge",
    help,
    samples,
  });
  return [
    ...WATCHED.map(([field, name, help]) =>
      gauge(
        name,
        help,
        of((watched) => watched[field] ?? 0),
      ),
    ),
    gauge(
      "tailward_record_pending_oldest_seconds",
      "How long the oldest of the events that D1 is not known to have has waited.",
      of(({ recordPendingSince: since }) => (since === null ? 0 : Math.max(0, (now - since) / 1000))),
    ),
    gauge("tailward_tailnets_unanswered", "Tailnets whose objects did not say what is to be watched.", [
      { value: asked.filter(({ watched }) => watched === null).length },
    ]),
    gauge("tailward_tailnets_unasked", "Tailnets beyond those that are asked.", [
      { value: all.length - entries.length },
    ]),
  ];
}
