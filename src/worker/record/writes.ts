/** Writes what an object has told of itself into D1, in few statements, each of many rows. */

import { sql, type SQL } from "drizzle-orm";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import type { RecordedNews } from "../../durable/index.ts";
import { EVENTS, NODES, NODE_KEYS, TAILNETS, eventRow, nodeKeyRow, nodeRow, tailnetRow, upsert } from "./tables.ts";
import { events, nodeKeys } from "./schema.ts";
import type { NewRow, RecordTable } from "./tables.ts";

/** Rows and characters of one statement: D1 takes texts of 2 MB. */
const MOST_ROWS = 100;
const MOST_TEXT = 250_000;

const dialect = new SQLiteAsyncDialect();

/** A statement made of parts, as D1 takes it. (Drizzle's own batch does not take such.) */
export function prepared(db: D1Database, statement: SQL): D1PreparedStatement {
  const { sql, params } = dialect.sqlToQuery(statement);
  return db.prepare(sql).bind(...params);
}

/** Some rows, and the JSON that brings them to D1. */
export interface Chunk {
  readonly rows: readonly NewRow[];
  readonly json: string;
}

/** Rows in chunks that a statement takes, in order; one empty chunk for none. */
export function chunksOf(rows: readonly NewRow[]): Chunk[] {
  const chunks: Chunk[] = [];
  let texts: string[] = [];
  let size = 0;
  const close = (end: number): void => {
    chunks.push({ rows: rows.slice(end - texts.length, end), json: `[${texts.join(",")}]` });
    texts = [];
    size = 0;
  };
  for (const [index, row] of rows.entries()) {
    const text = JSON.stringify(row);
    if (texts.length === MOST_ROWS || (texts.length > 0 && size + text.length > MOST_TEXT)) close(index);
    texts.push(text);
    size += text.length;
  }
  close(rows.length);
  return chunks;
}

function statementsFor(table: RecordTable, rows: readonly NewRow[]): SQL[] {
  return rows.length === 0 ? [] : chunksOf(rows).map(({ json }) => upsert(table, json));
}

/** What the object has let go of goes here too [W19]. */
function letGo(table: typeof events | typeof nodeKeys, { tailnetId, logFloor }: RecordedNews["tailnet"]): SQL {
  return sql`DELETE FROM ${table} WHERE ${table.tailnetId} = ${tailnetId} AND ${table.seq} <= ${logFloor}`;
}

/** Writes news as one transaction. Again, late or out of order, it changes nothing that is newer [W12][W13]. */
export async function writeNews(db: D1Database, { tailnet, events: told, nodes }: RecordedNews): Promise<void> {
  const { tailnetId } = tailnet;
  const keys = told.map((event) => nodeKeyRow(tailnetId, event)).filter((row) => row !== null);
  const statements = [
    ...statementsFor(TAILNETS, [tailnetRow(tailnet)]),
    ...statementsFor(
      NODES,
      nodes.map((node) => nodeRow(tailnetId, node)),
    ),
    ...statementsFor(
      EVENTS,
      told.map((event) => eventRow(tailnetId, event)),
    ),
    ...statementsFor(NODE_KEYS, keys),
    ...(tailnet.logFloor === 0 ? [] : [letGo(events, tailnet), letGo(nodeKeys, tailnet)]),
  ];
  await db.batch(statements.map((statement) => prepared(db, statement)));
}
