/**
 * Rebuilds the record of one tailnet from its object, by the page, and proves each page equal, row by row. D1 compares: what it counts as missing,
 * differing and surplus after the writing is zero, or the page is not done.
 */

import type { SQL } from "drizzle-orm";
import type { Outcome } from "../../protocol/index.ts";
import type { RecordPage } from "../../durable/index.ts";
import type { WorkerEnv } from "../env.ts";
import { authorityOf } from "../objects.ts";
import {
  EVENTS,
  NODES,
  NODE_KEYS,
  TAILNETS,
  countDiffering,
  countMissing,
  countSurplus,
  deleteSurplus,
} from "./tables.ts";
import {
  eventRow,
  force,
  nodeKeyRow,
  nodeRow,
  tailnetRow,
  type Expected,
  type NewRow,
  type RecordTable,
} from "./tables.ts";
import { chunksOf, prepared } from "./writes.ts";

/** Rows of the object that are compared at once. */
const PAGE = 200;
/** Times that a page is done anew because the object has moved on meanwhile. */
const MOST_ROUNDS = 5;
const PARTS = ["tailnet", "nodes", "events"] as const;
type Part = (typeof PARTS)[number];

/** How the record differs from the object, in rows. */
export interface Difference {
  readonly missing: number;
  readonly differing: number;
  readonly surplus: number;
}

export interface Rebuilt {
  /** Where to go on, or null at the end. */
  readonly cursor: string | null;
  /** Rows of the object that were compared. */
  readonly rows: number;
  /** What was found before anything was written, and what was left after it: nothing. */
  readonly found: Difference;
  readonly left: Difference;
}

const NONE: Difference = { missing: 0, differing: 0, surplus: 0 };

function sum(a: Difference, b: Difference): Difference {
  return {
    missing: a.missing + b.missing,
    differing: a.differing + b.differing,
    surplus: a.surplus + b.surplus,
  };
}

/** A page of the object as rows of the record. */
interface Sheet {
  readonly of: RecordTable;
  readonly rows: readonly NewRow[];
  /** The column by which the sheet is paged; null where it is all there is. */
  readonly by: "nodeId" | "seq" | null;
}

function sheetsOf(tailnetId: string, page: RecordPage): Sheet[] {
  switch (page.part) {
    case "tailnet":
      return [{ of: TAILNETS, rows: page.rows.map(tailnetRow), by: null }];
    case "nodes":
      return [{ of: NODES, rows: page.rows.map((node) => nodeRow(tailnetId, node)), by: "nodeId" }];
    case "events": {
      const keys = page.rows.map((event) => nodeKeyRow(tailnetId, event)).filter((row) => row !== null);
      return [
        { of: EVENTS, rows: page.rows.map((event) => eventRow(tailnetId, event)), by: "seq" },
        { of: NODE_KEYS, rows: keys, by: "seq" },
      ];
    }
  }
}

/** The sheet's chunks, each with the range of keys that it speaks for: together, all from `after` to `upTo`. */
function expectedOf(tailnetId: string, { rows, by }: Sheet, after: number, upTo: number | null): Expected[] {
  const chunks = chunksOf(rows);
  let from = after;
  return chunks.map(({ rows: own, json }, index) => {
    const last = by === null ? null : Number(own.at(-1)?.[by]);
    const expected = { tailnetId, json, after: from, upTo: index === chunks.length - 1 ? upTo : last };
    from = last ?? from;
    return expected;
  });
}

/** Counts, writes and counts again, in one transaction. */
async function mend(db: D1Database, of: RecordTable, expected: Expected): Promise<[Difference, Difference]> {
  const counts = [countMissing(of, expected), countDiffering(of, expected), countSurplus(of, expected)];
  const statements = [...counts, deleteSurplus(of, expected), force(of, expected), ...counts];
  const results = await db.batch<{ n: number }>(statements.map((statement: SQL) => prepared(db, statement)));
  const difference = (from: number): Difference => {
    const [missing = 0, differing = 0, surplus = 0] = results.slice(from).map(({ results: [row] }) => row?.n);
    return { missing, differing, surplus };
  };
  return [difference(0), difference(statements.length - counts.length)];
}

async function mendPage(
  db: D1Database,
  tailnetId: string,
  page: RecordPage,
  after: number,
): Promise<[Difference, Difference]> {
  const upTo = page.part === "tailnet" ? null : page.next;
  let [found, left] = [NONE, NONE];
  for (const sheet of sheetsOf(tailnetId, page)) {
    for (const expected of expectedOf(tailnetId, sheet, after, upTo)) {
      const [before, then] = await mend(db, sheet.of, expected);
      found = sum(found, before);
      left = sum(left, then);
    }
  }
  return [found, left];
}

function parseCursor(cursor: string): [Part, number] | null {
  const [part = "", after = ""] = cursor.split(":");
  const known = PARTS.find((name) => name === part);
  return known === undefined || !/^-?\d{1,15}$/.test(after) ? null : [known, Number(after)];
}

function cursorAfter(page: RecordPage): string | null {
  const next = page.part === "tailnet" ? null : page.next;
  if (next !== null) return `${page.part}:${next}`;
  const part = PARTS[PARTS.indexOf(page.part) + 1];
  return part === undefined ? null : `${part}:-1`;
}

function isDone({ missing, differing, surplus }: Difference): boolean {
  return missing + differing + surplus === 0;
}

/**
 * Does one page. The object is read again once the page is written: if its rows are the same still, so that nothing newer can have been written
 * meanwhile, the page is proven. Refuses with `try_again` where the object does not hold still, and with what the object refuses with.
 */
export async function rebuildPage(env: WorkerEnv, tailnet: string, cursor: string | null): Promise<Outcome<Rebuilt>> {
  const start = parseCursor(cursor ?? "tailnet:-1");
  if (start === null)
    return { ok: false, error: { code: "malformed_request", message: "this is no cursor of a rebuild" } };
  const [part, after] = start;
  const read = () => authorityOf(env, tailnet).recordPage(part, after, PAGE);
  const db = env.RECORD;
  let found = NONE;
  let page = await read();
  for (let round = 0; round < MOST_ROUNDS && page.ok; round++) {
    const [before, left] = await mendPage(db, tailnet, page.value, after);
    found = sum(found, before);
    const again = await read();
    if (again.ok && isDone(left) && JSON.stringify(again.value) === JSON.stringify(page.value))
      return { ok: true, value: { cursor: cursorAfter(page.value), rows: page.value.rows.length, found, left } };
    page = again;
  }
  return page.ok
    ? { ok: false, error: { code: "try_again", message: "the tailnet changes too fast: ask again" } }
    : page;
}
