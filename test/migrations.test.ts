/**
 * D1's migrations: what is in `migrations/` makes what the schema says, and a file that has landed is never edited.
 */

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { getTableColumns, getTableName } from "drizzle-orm";
import { getTableConfig, type SQLiteColumn, type SQLiteTable } from "drizzle-orm/sqlite-core";
import { describe, expect, test } from "vitest";
import * as schema from "../src/worker/record/schema.ts";

const FOLDER = fileURLToPath(new URL("../migrations/", import.meta.url));

/** SHA-256 of the files that have landed. A new file gets a line; no line changes. */
const LANDED: Readonly<Record<string, string>> = {
  "0000_record.sql": "6b712c0cce83b07f277be04ed22c92db7d35bbb215298558ef80e61267bff5aa",
  "0001_audit_and_webhooks.sql": "714c9ca2e6e1f65ace0d2decd93abd4abba4fa165b2dff80c944bf839f44ce1c",
};

function files(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".sql"))
    .sort();
}

function columnsOf(table: SQLiteTable): SQLiteColumn[] {
  return Object.values(getTableColumns(table));
}

function migrated(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  for (const name of files()) db.exec(readFileSync(FOLDER + name, "utf8"));
  return db;
}

describe("D1's migrations", () => {
  test("that have landed are as they were", () => {
    const found = files().map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(FOLDER + name))
        .digest("hex"),
    ]);
    expect(Object.fromEntries(found)).toEqual(LANDED);
  });

  test.each(Object.values(schema).map((table) => [getTableName(table), table] as const))(
    "make the table %s",
    (name, table) => {
      const db = migrated();
      const made = db.prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY cid').all(name);
      const { primaryKeys, indexes } = getTableConfig(table);
      const key = primaryKeys.flatMap(({ columns }) => columns.map((column) => column.name));
      const wanted = columnsOf(table).map((column) => ({
        name: column.name,
        type: column.getSQLType().toUpperCase(),
        notnull: column.notNull ? 1 : 0,
        pk: column.primary ? 1 : key.indexOf(column.name) + 1,
      }));
      expect(made.map((row) => ({ ...row, type: String(row["type"]).toUpperCase() }))).toEqual(wanted);
      const names = db.prepare("SELECT name FROM pragma_index_list(?) WHERE origin = 'c' ORDER BY name").all(name);
      expect(names.map((row) => row["name"])).toEqual(indexes.map(({ config }) => config.name).sort());
      const [flags] = db.prepare("SELECT wr, strict FROM pragma_table_list(?)").all(name);
      expect({ ...flags }).toEqual({ wr: 1, strict: 1 });
    },
  );

  test("make no table that the schema does not have", () => {
    const names = migrated().prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
    expect(names.map((row) => row["name"])).toEqual(Object.values(schema).map(getTableName).sort());
  });
});
