/**
 * The consumer of the dead-letter queues: keeps in D1 what the other consumers gave up on, so that it can be seen and sent again. Nothing is
 * lost by it: what is not acknowledged, the tailnet's object sends again as well.
 */

import { sql, type SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { Queues, type Lane } from "../../durable/index.ts";
import { parseJson } from "../../protocol/index.ts";
import type { WorkerEnv } from "../env.ts";
import { pointerShape } from "./batch.ts";
import { deadLetters } from "../record/schema.ts";

/** Letters that are listed or sent again at once. */
export const MOST_LETTERS = 100;

export type DeadLetter = typeof deadLetters.$inferSelect;

function letterOf(lane: Lane, { id, body }: Message, now: number): DeadLetter {
  const json = JSON.stringify(body ?? null);
  try {
    const { tailnet, epoch, seq } = parseJson(json, pointerShape, "message");
    // One that dies again is the same letter.
    return { id: `${lane}/${tailnet}/${epoch}/${seq}`, queue: lane, body: json, tailnetId: tailnet, died: now };
  } catch {
    return { id: `${lane}/${id}`, queue: lane, body: json, tailnetId: null, died: now };
  }
}

/** Stores them. Where D1 does not take them, the queue keeps them. */
export async function keepDeadLetters({ messages }: MessageBatch, lane: Lane, env: WorkerEnv): Promise<void> {
  const db = drizzle(env.RECORD);
  const now = Date.now();
  const inserts = messages.map((message) =>
    db
      .insert(deadLetters)
      .values(letterOf(lane, message, now))
      .onConflictDoUpdate({ target: deadLetters.id, set: { died: sql`excluded.died` } }),
  );
  const [first, ...rest] = inserts;
  if (first !== undefined) await db.batch([first, ...rest]);
}

/** Letters with these IDs: one parameter, since D1 binds a hundred and no more. */
function named(ids: readonly string[]): SQL {
  return sql`${deadLetters.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
}

/** The letters, the oldest first. */
export function listDeadLetters(env: WorkerEnv): Promise<DeadLetter[]> {
  return drizzle(env.RECORD).select().from(deadLetters).orderBy(deadLetters.died).limit(MOST_LETTERS);
}

/** Sends letters again, those with these IDs or the oldest, and strikes them off. Gives how many. */
export async function replayDeadLetters(env: WorkerEnv, ids: readonly string[] | null): Promise<number> {
  const db = drizzle(env.RECORD);
  const wanted = ids === null ? sql`true` : named(ids.slice(0, MOST_LETTERS));
  const letters = await db.select().from(deadLetters).where(wanted).orderBy(deadLetters.died).limit(MOST_LETTERS);
  const queues = new Queues(env);
  for (const lane of ["sessions", "record"] as const) {
    const bodies = letters.filter(({ queue }) => queue === lane).map(({ body }) => JSON.parse(body) as never);
    if (bodies.length > 0) await queues.send(lane, bodies);
  }
  if (letters.length > 0) await db.delete(deadLetters).where(named(letters.map(({ id }) => id)));
  return letters.length;
}
