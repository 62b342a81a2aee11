/** What became of messages to the endpoints of webhooks: a row of D1 each, for thirty days after it was put in. */

import { and, desc, eq, lt, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { webhookDeliveries } from "./schema.ts";

export type WebhookDelivery = typeof webhookDeliveries.$inferSelect;

/** Milliseconds for which a row is kept. */
const KEPT_MS = 30 * 24 * 60 * 60_000;
/** Old rows that go with one that is written. */
const MOST_FORGOTTEN = 20;

/** Writes what is known of messages after an attempt. What is known from a later one stays. */
export async function writeDeliveries(db: D1Database, rows: readonly WebhookDelivery[], now: number): Promise<void> {
  const client = drizzle(db);
  const upserts = rows.map((row) => {
    const { tailnetId: _tailnet, id: _id, ...known } = row;
    return client
      .insert(webhookDeliveries)
      .values(row)
      .onConflictDoUpdate({
        target: [webhookDeliveries.tailnetId, webhookDeliveries.id],
        set: known,
        setWhere: sql`excluded.attempts >= ${webhookDeliveries.attempts}`,
      });
  });
  const forget = client.delete(webhookDeliveries).where(
    sql`(tailnet_id, id) IN (SELECT tailnet_id, id FROM ${webhookDeliveries}
      WHERE ${webhookDeliveries.created} < ${now - KEPT_MS} LIMIT ${MOST_FORGOTTEN})`,
  );
  await client.batch([forget, ...upserts]);
}

/** Where a page of the history goes on: after the message put in then, of that ID. */
export interface HistoryPlace {
  readonly created: number;
  readonly id: string;
}

/** Messages to an endpoint, the newest first. */
export function deliveriesOf(
  db: D1Database,
  tailnet: string,
  webhook: string,
  after: HistoryPlace | null,
  limit: number,
): Promise<WebhookDelivery[]> {
  const { tailnetId, webhookId, created, id } = webhookDeliveries;
  const place =
    after === null ? undefined : or(lt(created, after.created), and(eq(created, after.created), lt(id, after.id)));
  return drizzle(db)
    .select()
    .from(webhookDeliveries)
    .where(and(eq(tailnetId, tailnet), eq(webhookId, webhook), place))
    .orderBy(desc(created), desc(id))
    .limit(limit);
}

/** One message to an endpoint, or null. */
export async function deliveryOf(
  db: D1Database,
  tailnet: string,
  webhook: string,
  delivery: string,
): Promise<WebhookDelivery | null> {
  const { tailnetId, webhookId, id } = webhookDeliveries;
  const rows = await drizzle(db)
    .select()
    .from(webhookDeliveries)
    .where(and(eq(tailnetId, tailnet), eq(id, delivery), eq(webhookId, webhook)));
  return rows[0] ?? null;
}
