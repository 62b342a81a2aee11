/**
 * `npm run bench -- log`: searches of an audit log of a million events, by the admin API's own route, over D1 as workerd has it. Time on the wall, until
 * the last byte of the answer is here: a page of 1,000 events is some 0.6 MB.
 */

import type { BenchOptions } from "./options.ts";
import { Plane } from "./plane/plane.ts";
import { line } from "./report.ts";
import { median, quantile } from "./statistics.ts";

const EVENTS = { quick: 20_000, full: 1_000_000 };
const ROUNDS = { quick: 3, full: 30 };
/** Events that one statement makes. */
const AT_ONCE = 10_000;
/** When the first event was, and milliseconds from each to the next: a million are two and a half years. */
const FIRST = Date.UTC(2024, 0, 1);
const EVERY = 80_000;
const TRIES = 5;
const NODES = 2000;
const PEOPLE = 200;

/**
 * Events of a tailnet with 2,000 nodes and 200 people. Two in five are by one person, a fifth are about the tailnet itself; one in ten thousand is
 * of a rare kind. What that person does to the tailnet is of one kind: who asks for another one has the longest to wait.
 */
const FILL = `WITH RECURSIVE numbers (n) AS (SELECT CAST(?2 AS INTEGER) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?3),
  mixed AS (SELECT n, (n * 7919) % 1000003 AS a, (n * 104729) % 1000003 AS b, (n * 1299709) % 1000003 AS c FROM numbers),
  named AS (SELECT n,
    CASE WHEN a % 5 < 2 THEN 0 ELSE a % ${PEOPLE} END AS person,
    CASE WHEN b % 5 = 0 THEN 'tailnet' ELSE 'n' || (b % ${NODES}) || 'T' END AS target,
    CASE WHEN n % 10000 = 17 THEN 'lock.disabled' WHEN a % 5 < 2 AND b % 5 = 0 THEN 'node.signed' WHEN c % 3 = 0 THEN 'node.described' WHEN c % 3 = 1 THEN 'node.signed'
      ELSE 'policy.changed' END AS kind
    FROM mixed)
  INSERT OR IGNORE INTO events (tailnet_id, seq, epoch, at, kind, origin, actor_id, actor, target_id, target, old, new, hash,
    actor_login, target_name, event, event_group)
  SELECT ?1, n, 'e0123456789', CAST(?4 AS INTEGER) + n * ${EVERY}, kind, 'CONFIG_API', 'u' || person || 'T',
    '{"id":"u' || person || 'T","login":"person' || person || '@example.com","name":"Person","type":"USER"}',
    target, '{"id":"' || target || '","name":"' || target || '.name","type":"NODE"}', '{"tags":["tag:a"]}', '{"tags":["tag:a","tag:b"]}',
    printf('%064x', n), 'person' || person || '@example.com', target || '.name',
    CASE kind WHEN 'lock.disabled' THEN 'TAILNET.DISABLE.TKA' WHEN 'node.signed' THEN 'NODE.UPDATE.TKA' ELSE 'NODE.UPDATE' END,
    printf('%032x', n) FROM named`;

function timeText(n: number): string {
  return new Date(FIRST + n * EVERY).toISOString();
}

/** What is searched for. */
function searches(events: number): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const middle = { start: timeText(Math.floor(events / 2)), end: timeText(Math.floor(events / 2) + 1080) };
  return {
    "the newest 100": { order: "desc", limit: "100" },
    "time: a day": middle,
    "time: the oldest 1,000": { limit: "1000" },
    "actor: two fifths of all, the newest 100": { actor: "u0T", order: "desc", limit: "100" },
    "actor: a person in 200, by login": { actor: "person77@example.com", limit: "100" },
    "actor and a day": { actor: "u0T", ...middle },
    "target: a node": { target: "n1234T" },
    "target: a node, by name": { target: "n1234T.name" },
    "target: the tailnet, the newest 100": { target: "tailnet", order: "desc", limit: "100" },
    "action: a third of all, the newest 100": { event: "node.signed", order: "desc", limit: "100" },
    "action: one in 10,000": { event: "TAILNET.DISABLE.TKA", order: "desc", limit: "100" },
    "actor of two fifths, and an action in 10,000": { actor: "u0T", event: "lock.disabled" },
    "actor, target and action": { actor: "u0T", target: "n1234T", event: "node.signed" },
    "target, and an actor that never touched it": { target: "tailnet", actor: "nobody" },
    "actor and action that are frequent, target as well": {
      actor: "u0T",
      target: "tailnet",
      event: "node.signed",
      limit: "100",
    },
    "actor, target, action, frequent, and never together": { actor: "u0T", target: "tailnet", event: "policy.changed" },
    "request: the one event of it": { request: (events - 2).toString(16).padStart(32, "0") },
    "request, and an actor with two fifths of all": {
      request: (events - 2).toString(16).padStart(32, "0"),
      actor: "u0T",
    },
    "several of each": { actor: "u0T", target: "tailnet", event: "node.signed", order: "desc" },
  };
}

/** A statement that takes long may lose its connection on a busy machine: what it has written is passed over the next time. */
async function again(body: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      await body();
      return;
    } catch (error) {
      if (tries === TRIES) throw error;
    }
}

async function fill(plane: Plane, tailnet: string, events: number): Promise<void> {
  const database = await plane.runtime.miniflare.getD1Database("RECORD", "tailward");
  for (let from = 2; from <= events; from += AT_ONCE) {
    const to = Math.min(from + AT_ONCE, events + 1);
    await again(() => database.prepare(FILL).bind(tailnet, from, to, FIRST).run());
  }
}

/** Milliseconds of each round, and the events that a search found. */
async function time(
  plane: Plane,
  path: string,
  rounds: number,
): Promise<{ readonly figures: number[]; readonly found: number }> {
  const figures: number[] = [];
  let found = 0;
  for (let i = 0; i < rounds; i++) {
    const begun = performance.now();
    const { logs } = await plane.read(path);
    figures.push(performance.now() - begun);
    found = (logs as readonly unknown[]).length;
  }
  return { figures, found };
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;

export async function benchLogSearch({ isQuick }: BenchOptions): Promise<void> {
  const size = isQuick ? "quick" : "full";
  const [events, rounds] = [EVENTS[size], ROUNDS[size]];
  const plane = await Plane.start();
  try {
    const { id } = await plane.tailnet("log.test");
    await fill(plane, id, events);
    console.log(line([`searches of a log of ${events} events, ${rounds} rounds`, "found", "median", "worst"]));
    const worst: number[] = [];
    for (const [title, query] of Object.entries(searches(events))) {
      const path = `tailnet/${id}/logging/configuration?${new URLSearchParams(query).toString()}`;
      const { figures, found } = await time(plane, path, rounds);
      worst.push(quantile(figures, 1));
      console.log(line([title, String(found), ms(median(figures)), ms(quantile(figures, 1))]));
    }
    console.log(line(["the worst of all", "", "", ms(Math.max(...worst))]));
  } finally {
    await plane.close();
  }
}
