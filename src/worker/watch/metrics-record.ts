/** What D1 says of the whole deployment. Each question is one pass over tables that are small beside the log, which is not asked. */

import type { WorkerEnv } from "../env.ts";
import type { Metric, Sample } from "./prometheus.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

type Row = Readonly<Record<string, string | number | null>>;

const QUESTIONS = {
  tailnets:
    "SELECT COUNT(*) AS n, COUNT(lock_head) AS locked, COALESCE(SUM(seq), 0) AS changes FROM tailnets WHERE deleted IS NULL",
  nodes: `SELECT CASE WHEN n.authorized = 0 THEN 'unapproved' WHEN t.lock_head IS NULL THEN 'unlocked' WHEN n.signed = 1 THEN 'signed'
      ELSE 'locked_out' END AS state, COUNT(*) AS n
    FROM nodes n JOIN tailnets t ON t.tailnet_id = n.tailnet_id
    WHERE n.removed = 0 AND n.home = '' AND t.deleted IS NULL GROUP BY 1 ORDER BY 1`,
  dead: "SELECT queue, COUNT(*) AS n, MIN(died) AS oldest FROM dead_letters GROUP BY queue ORDER BY queue",
  deliveries: "SELECT state, COUNT(*) AS n FROM webhook_deliveries WHERE created >= ?1 GROUP BY state ORDER BY state",
} as const;

function numberOf(row: Row | undefined, column: string): number {
  return Number(row?.[column] ?? 0);
}

function by(label: string, rows: readonly Row[], column = "n"): Sample[] {
  return rows.map((row) => ({ labels: { [label]: String(row[label]) }, value: numberOf(row, column) }));
}

/** `now` in milliseconds since the epoch. Rejects where D1 does not answer. */
export async function recordMetrics({ RECORD }: WorkerEnv, now: number): Promise<Metric[]> {
  const statements = Object.values(QUESTIONS).map((sql) => {
    const statement = RECORD.prepare(sql);
    return sql.includes("?1") ? statement.bind(now - DAY_MS) : statement;
  });
  const [tailnets = [], nodes = [], dead = [], deliveries = []] = (await RECORD.batch<Row>(statements)).map(
    ({ results }) => results,
  );
  const gauge = (name: Metric["name"], help: string, samples: readonly Sample[]): Metric => ({
    name,
    type: "gauge",
    help,
    samples,
  });
  const ages = dead.map((row) => ({ ...row, age: Math.max(0, (now - numberOf(row, "oldest")) / 1000) }));
  return [
    gauge("tailward_tailnets", "Tailnets that there are.", [{ value: numberOf(tailnets[0], "n") }]),
    gauge("tailward_tailnets_locked", "Tailnets whose lock is on.", [{ value: numberOf(tailnets[0], "locked") }]),
    {
      name: "tailward_changes",
      type: "counter",
      help: "Changes of all tailnets, each an event of its log.",
      samples: [{ value: numberOf(tailnets[0], "changes") }],
    },
    gauge("tailward_nodes", "Nodes by what the lock and device approval mean for them.", by("state", nodes)),
    gauge("tailward_dead_letters", "Messages that a queue's consumer gave up on.", by("queue", dead)),
    gauge(
      "tailward_dead_letter_oldest_seconds",
      "How long the oldest of them has been there.",
      by("queue", ages, "age"),
    ),
    gauge(
      "tailward_webhook_messages_day",
      "Messages to webhook endpoints of the last day, by how they stand.",
      by("state", deliveries),
    ),
  ];
}
