/** docs/storage.md lists every table that there is, with every column. */

import { readFileSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { CURRENT_DIRECTORY_LAYOUT, CURRENT_LAYOUT } from "./durable/authority/current-layout.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const page = readFileSync(`${root}docs/storage.md`, "utf8");

/** What stands under a heading that begins so, up to the next one. */
function section(heading: string): string {
  const found = page.split(/^## /m).find((each) => each.startsWith(heading));
  if (found === undefined) throw new Error(`docs/storage.md has no section ${heading}`);
  return found;
}

interface Column {
  readonly table: string;
  readonly column: string;
}

/** The columns of all tables that the statements make. */
function columnsOf(statements: readonly string[]): Column[] {
  const db = new DatabaseSync(":memory:");
  // Tables before their indexes.
  for (const statement of [...statements].sort((a, b) => Number(/INDEX/.test(a)) - Number(/INDEX/.test(b))))
    db.exec(statement);
  const rows = db
    .prepare(
      `SELECT t.name AS "table", c.name AS "column" FROM sqlite_master t, pragma_table_info(t.name) c
       WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY 1, c.cid`,
    )
    .all();
  return rows.map((row) => ({ table: String(row["table"]), column: String(row["column"]) }));
}

/** Columns that the section's row of their table does not name. */
function unlisted(columns: readonly Column[], text: string): string[] {
  const rows = new Map(
    text.split("\n").flatMap((line) => {
      const name = /^\| `(\w+)` \|/.exec(line)?.[1];
      return name === undefined ? [] : [[name, line] as const];
    }),
  );
  return columns
    .filter(({ table, column }) => rows.get(table)?.includes(`\`${column}\``) !== true)
    .map(({ table, column }) => `${table}.${column}`);
}

const migrations = (): string[] =>
  readdirSync(`${root}migrations`)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => readFileSync(`${root}migrations/${name}`, "utf8"));

describe("docs/storage.md", () => {
  test.each([
    ["a tailnet's object", "`TailnetAuthority`", () => CURRENT_LAYOUT],
    ["a directory's object", "`Directory`", () => CURRENT_DIRECTORY_LAYOUT],
    ["D1", "D1", migrations],
  ])("lists every table and column of %s", (_what, heading, statements) => {
    const columns = columnsOf(statements());
    expect(columns.length).toBeGreaterThan(10);
    expect(unlisted(columns, section(heading))).toEqual([]);
  });
});
