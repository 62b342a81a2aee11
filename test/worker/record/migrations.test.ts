/** D1, the real one: a database at each earlier migration is brought up to date with its rows. (Their layout is in test/migrations.test.ts.) */

import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";

interface Column {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
}

type Row = Record<string, unknown>;

const db = env.OLD_RECORD;
/** Rows that are put into every table. */
const ROWS = 3;

async function rowsOf<T = Row>(sql: string): Promise<T[]> {
  return (await db.prepare(sql).all<T>()).results;
}

async function tables(): Promise<string[]> {
  const all = await rowsOf<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  );
  return all.map(({ name }) => name).filter((name) => name !== "d1_migrations");
}

/** Columns that hold JSON, by their names: migrations may look into them. */
const JSON_COLUMNS = new Set(["actor", "target", "old", "new", "body", "tags"]);

function valueOf({ name, type }: Column, i: number): string | number {
  if (type === "INTEGER") return 1_800_000_000_000 + i;
  return JSON_COLUMNS.has(name)
    ? JSON.stringify({ type: "NODE", id: `${name}${i}`, name: "'quoted' \u00fc" })
    : `${name} ${i} 'quoted' \u00fc`;
}

async function fill(table: string): Promise<void> {
  const columns = await rowsOf<Column>(`PRAGMA table_info(${table})`);
  const marks = columns.map(() => "?").join(", ");
  for (let i = 0; i < ROWS; i++) {
    const values = columns.map((column) => valueOf(column, i));
    await db
      .prepare(`INSERT INTO ${table} VALUES (${marks})`)
      .bind(...values)
      .run();
  }
}

beforeEach(async () => {
  for (const { name } of await rowsOf<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  ))
    await db.exec(`DROP TABLE ${name}`);
});

const earlier = env.MIGRATIONS.slice(0, -1).map(({ name }, i) => [name, i + 1] as const);

describe("a database as it was with", () => {
  test.each(earlier)("%s as its last migration keeps every row and every value", async (_, applied) => {
    await applyD1Migrations(db, env.MIGRATIONS.slice(0, applied));
    const before = new Map<string, Row[]>();
    for (const table of await tables()) {
      await fill(table);
      before.set(table, await rowsOf(`SELECT * FROM ${table}`));
    }
    expect(before.size).toBeGreaterThan(3);
    await applyD1Migrations(db, env.MIGRATIONS);
    for (const [table, rows] of before) {
      const names = Object.keys(rows[0] ?? {}).map((name) => `"${name}"`);
      expect([table, rows.length]).toEqual([table, ROWS]);
      expect([table, await rowsOf(`SELECT ${names.join(", ")} FROM ${table}`)]).toEqual([table, rows]);
    }
    // Again is a no-op.
    await applyD1Migrations(db, env.MIGRATIONS);
    const done = await rowsOf<{ name: string }>("SELECT name FROM d1_migrations ORDER BY id");
    expect(done.map(({ name }) => name)).toEqual(env.MIGRATIONS.map(({ name }) => name));
  });
});
