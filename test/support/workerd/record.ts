/** The record (D1) of a tailnet as tests look at it. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { admin, authorityOf } from "./control.ts";
import { eventually } from "../eventually.ts";

export type D1Row = Record<string, unknown>;

/** Rows of D1. */
export async function d1(sql: string, ...values: readonly unknown[]): Promise<D1Row[]> {
  const { results } = await env.RECORD.prepare(sql)
    .bind(...values)
    .all<D1Row>();
  return results;
}

/** What of a tailnet's events has not arrived: seqs of the record's lane, and how far the sessions objects are known to be. */
export function pending(
  tailnet: string,
): Promise<{ readonly record: number[]; readonly sessions: number; readonly seq: number }> {
  return runInDurableObject(authorityOf(tailnet), (_, { storage: { sql } }) => {
    const record = sql.exec<{ seq: number }>("SELECT seq FROM outbox ORDER BY seq").toArray();
    const { sessions } = sql.exec<{ sessions: number }>("SELECT sessions FROM delivery").one();
    const { seq } = sql.exec<{ seq: number }>("SELECT seq FROM tailnet").one();
    return { record: record.map((row) => row.seq), sessions, seq };
  });
}

/** Waits until everything has arrived, by whatever way. */
export async function settled(tailnet: string): Promise<void> {
  await eventually(async () => {
    const { record, sessions, seq } = await pending(tailnet);
    if (record.length > 0 || sessions < seq) throw new Error(`of ${tailnet} ${record.length} events have not arrived`);
  }, 50);
}

interface Difference {
  missing: number;
  differing: number;
  surplus: number;
}

export interface Rebuild {
  readonly calls: number;
  readonly rows: number;
  readonly found: Difference;
  readonly left: Difference;
}

const NONE: Difference = { missing: 0, differing: 0, surplus: 0 };
export const EQUAL = { found: NONE, left: NONE };

/** Rebuilds the record of a tailnet, page after page, and gives what was found and left in all. */
export async function rebuild(tailnet: string): Promise<Rebuild> {
  const found = { ...NONE };
  const left = { ...NONE };
  let [rows, calls] = [0, 0];
  for (let cursor: string | null = "tailnet:-1"; cursor !== null; calls++) {
    const { status, json } = await admin("POST", `/api/v2/tailnet/${tailnet}/record/rebuild`, { cursor });
    if (status !== 200) throw new Error(JSON.stringify(json));
    const page = json as unknown as Rebuild & { readonly cursor: string | null };
    for (const [sum, part] of [
      [found, page.found],
      [left, page.left],
    ] as const)
      for (const name of ["missing", "differing", "surplus"] as const) sum[name] += part[name];
    rows += page.rows;
    cursor = page.cursor;
  }
  return { calls, rows, found, left };
}
