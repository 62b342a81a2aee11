/**
 * The record's tables as data: which rows an object's news become, what tells rows apart, and which of two is the later one. Rows reach D1 as
 * one JSON text a statement: a statement takes a hundred values at most.
 */

import { getTableColumns, sql, type SQL } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { auditEventName } from "../../protocol/index.ts";
import { encodeHex } from "../../tka/index.ts";
import type { RecordedNode, RecordedTailnet, StoredEvent } from "../../durable/index.ts";
import { events, nodeKeys, nodes, tailnets } from "./schema.ts";

export type NewRow = Readonly<Record<string, string | number | null>>;

export interface RecordTable {
  readonly table: SQLiteTable;
  /** What tells rows of one tailnet apart, the column first by which they are paged. */
  readonly key: readonly SQLiteColumn[];
  /** When a row takes the place of the one that is there [W12]. */
  readonly replaces: SQL;
}

/** What stands in a row that is about to be written. */
function written(column: SQLiteColumn): SQL {
  return sql`excluded.${sql.identifier(column.name)}`;
}

function isLater({ era, seq }: { readonly era: SQLiteColumn; readonly seq: SQLiteColumn }): SQL {
  return sql`(${written(era)}, ${written(seq)}) > (${era}, ${seq})`;
}

export const TAILNETS: RecordTable = { table: tailnets, key: [tailnets.tailnetId], replaces: isLater(tailnets) };
export const NODES: RecordTable = { table: nodes, key: [nodes.nodeId], replaces: isLater(nodes) };
/** An event does not change: one that is there and differs was put there by somebody else. */
export const EVENTS: RecordTable = {
  table: events,
  key: [events.seq, events.epoch],
  replaces: sql`${written(events.hash)} <> ${events.hash}`,
};
export const NODE_KEYS: RecordTable = {
  table: nodeKeys,
  key: [nodeKeys.seq, nodeKeys.epoch],
  replaces: sql`(${written(nodeKeys.stableId)}, ${written(nodeKeys.nodeKey)}) <> (${nodeKeys.stableId}, ${nodeKeys.nodeKey})`,
};

export function tailnetRow(tailnet: RecordedTailnet): NewRow {
  return { ...tailnet };
}

export function nodeRow(tailnetId: string, node: RecordedNode): NewRow {
  return { tailnetId, ...node };
}

interface Named {
  readonly id: string;
  readonly name: string;
  readonly login?: string;
}

function idIn(json: string): string {
  return (JSON.parse(json) as Named).id;
}

/** A text as D1 keeps it whole: its JSON functions end one at U+0000. */
function plain(text: string): string {
  return text.replaceAll("\0", "\u{fffd}");
}

export function eventRow(tailnetId: string, { hash, group, ...event }: StoredEvent): NewRow {
  const [actor, target] = [JSON.parse(event.actor) as Named, JSON.parse(event.target) as Named];
  return {
    tailnetId,
    ...event,
    actorId: actor.id,
    actorLogin: actor.login ?? null,
    targetId: target.id,
    targetName: plain(target.name),
    event: auditEventName(event),
    eventGroup: group,
    hash: encodeHex(hash),
  };
}

/** The key that a node has from this event on, empty once it is gone; null for an event that does not say. */
export function nodeKeyRow(tailnetId: string, event: StoredEvent): NewRow | null {
  const { seq, epoch, at, kind } = event;
  if (kind !== "node.joined" && kind !== "node.rekeyed" && kind !== "node.removed") return null;
  const detail = JSON.parse(event.new) as { readonly nodeKey?: string } | null;
  const nodeKey = kind === "node.removed" ? "" : (detail?.nodeKey ?? "");
  return { tailnetId, seq, epoch, at, stableId: idIn(event.target), nodeKey };
}

function names(columns: readonly SQLiteColumn[]): SQL {
  return list(columns.map((column) => sql.identifier(column.name)));
}

function list(parts: readonly (SQL | ReturnType<typeof sql.identifier>)[], separator = ", "): SQL {
  return sql.join([...parts], sql.raw(separator));
}

/** A column's value in a row of the JSON. Property names are the schema's own. */
function inJson([property]: readonly [string, SQLiteColumn]): SQL {
  return sql`value ->> ${sql.raw(`'$.${property}'`)}`;
}

/** Writes rows; where `replaces` does not hold for one, what is there stays. */
export function upsert({ table, key, replaces }: RecordTable, json: string, condition = replaces): SQL {
  const columns = Object.entries(getTableColumns(table));
  const all = columns.map(([, column]) => column);
  const own = new Set(["tailnet_id", ...key.map(({ name }) => name)]);
  const set = all
    .filter(({ name }) => !own.has(name))
    .map((column) => sql`${sql.identifier(column.name)} = ${written(column)}`);
  return sql`INSERT INTO ${table} (${names(all)}) SELECT ${list(columns.map(inJson))} FROM json_each(${json}) WHERE true
    ON CONFLICT (${names(all.filter(({ name }) => own.has(name)))}) DO UPDATE SET ${list(set)} WHERE ${condition}`;
}

/** The rows of one page as they should be, and which rows of the table should be among them. */
export interface Expected {
  readonly tailnetId: string;
  readonly json: string;
  /** The page: rows whose first key is greater than `after`, up to `upTo`; null for all that follow. */
  readonly after: number;
  readonly upTo: number | null;
}

function sameRow({ table, key }: RecordTable): SQL {
  const columns = Object.entries(getTableColumns(table));
  const own = new Set(["tailnet_id", ...key.map(({ name }) => name)]);
  return list(
    columns.filter(([, { name }]) => own.has(name)).map((entry) => sql`${entry[1]} = ${inJson(entry)}`),
    " AND ",
  );
}

/** How many of the expected rows are not there. */
export function countMissing(of: RecordTable, { json }: Expected): SQL {
  return sql`SELECT count(*) AS n FROM json_each(${json}) WHERE NOT EXISTS (SELECT 1 FROM ${of.table} WHERE ${sameRow(of)})`;
}

/** How many are there and are not as expected, in any column. */
export function countDiffering(of: RecordTable, { json }: Expected): SQL {
  const differs = Object.entries(getTableColumns(of.table)).map((entry) => sql`${entry[1]} IS NOT ${inJson(entry)}`);
  return sql`SELECT count(*) AS n FROM json_each(${json}) JOIN ${of.table} ON ${sameRow(of)} WHERE ${list(differs, " OR ")}`;
}

function isSurplus({ table, key }: RecordTable, { tailnetId, json, after, upTo }: Expected): SQL {
  const names = new Set(key.map(({ name }) => name));
  const own = Object.entries(getTableColumns(table)).filter(([, { name }]) => names.has(name));
  const [page] = key;
  const range =
    page === tailnets.tailnetId ? sql`true` : sql`${page} > ${after} AND (${upTo} IS NULL OR ${page} <= ${upTo})`;
  return sql`tailnet_id = ${tailnetId} AND ${range} AND (${list(own.map(([, column]) => sql`${column}`))}) NOT IN
    (SELECT ${list(own.map(inJson))} FROM json_each(${json}))`;
}

/** How many there are that should not be. */
export function countSurplus(of: RecordTable, expected: Expected): SQL {
  return sql`SELECT count(*) AS n FROM ${of.table} WHERE ${isSurplus(of, expected)}`;
}

export function deleteSurplus(of: RecordTable, expected: Expected): SQL {
  return sql`DELETE FROM ${of.table} WHERE ${isSurplus(of, expected)}`;
}

/** Writes what is missing and what differs, whatever is there. */
export function force(of: RecordTable, { json }: Expected): SQL {
  const differs = Object.values(getTableColumns(of.table)).map((column) => sql`${column} IS NOT ${written(column)}`);
  return upsert(of, json, list(differs, " OR "));
}
