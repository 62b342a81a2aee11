/**
 * Whether it is there, and whether it can work: for whoever watches a deployment. Both are open to anybody, and say no more than which part is missing;
 * why is in the log.
 *
 * Rule [O55]: readiness asks the parts themselves, an object and D1 with each table as this code knows it; once in some seconds at most, however many ask.
 */

import { Hono } from "hono";
import { getTableColumns, getTableName } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { log } from "../../durable/index.ts";
import type { AppTypes } from "../app-types.ts";
import type { WorkerEnv } from "../env.ts";
import { tailnetsOf } from "../objects.ts";
import * as schema from "../record/schema.ts";

export const READINESS = {
  /** Milliseconds for which an answer holds. */
  holdMs: 5000,
};

type Part = "objects" | "record";
type Parts = Readonly<Record<Part, boolean>>;

/** The last answer of this instance. */
let last: { readonly at: number; readonly parts: Parts } | null = null;

/** Reads no row, and fails where a column is not there. Each is qualified: SQLite takes an unknown name in quotes for a text. */
function nothingOf(table: SQLiteTable): string {
  const columns = Object.values(getTableColumns(table)).map(({ name }) => `t."${name}"`);
  return `SELECT ${columns.join(", ")} FROM "${getTableName(table)}" AS t LIMIT 0`;
}

const CHECKS: Readonly<Record<Part, (env: WorkerEnv) => Promise<unknown>>> = {
  objects: (env) => tailnetsOf(env).only(),
  /** A migration that is missing shows. */
  record: ({ RECORD }) => RECORD.batch(Object.values(schema).map((table) => RECORD.prepare(nothingOf(table)))),
};

async function isReady(part: Part, env: WorkerEnv): Promise<boolean> {
  try {
    await CHECKS[part](env);
    return true;
  } catch (error) {
    log.error("not ready", { part }, error);
    return false;
  }
}

async function readiness(env: WorkerEnv): Promise<Parts> {
  const now = Date.now();
  if (last !== null && now < last.at + READINESS.holdMs) return last.parts;
  const [objects, record] = await Promise.all([isReady("objects", env), isReady("record", env)]);
  const parts = { objects, record };
  last = { at: now, parts };
  return parts;
}

export const healthRoutes = new Hono<AppTypes>();

healthRoutes.get("/health", (c) => c.json({ ok: true }));

healthRoutes.get("/ready", async (c) => {
  const parts = await readiness(c.env);
  const ok = Object.values(parts).every(Boolean);
  c.header("cache-control", "no-store");
  return c.json({ ok, ...parts }, ok ? 200 : 503);
});
