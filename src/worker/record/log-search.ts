/**
 * Searches a tailnet's log in D1: by time, request, actor, target and event, the oldest or the newest first, by the page. Each value of the filter that leads
 * is one walk along one index, in the order of the answer; the walks are merged, and end with the page. Which filter leads is asked of the data
 * where there are several: the one with the fewest events, as far as that is counted.
 */

import { loginName } from "../../protocol/index.ts";
import type { AuditEvent } from "../../protocol/index.ts";
import { decodeHex } from "../../tka/index.ts";

export interface LogCursor {
  readonly at: number;
  readonly seq: number;
  readonly epoch: string;
}

export interface LogQuery {
  readonly tailnet: string;
  /** Milliseconds since the epoch: from `start` on, before `end`. */
  readonly start: number;
  readonly end: number;
  /** IDs of requests. */
  readonly requests: readonly string[];
  /** IDs, or logins, which have an `@`. Of each list one value has to hold; an empty one asks for nothing. */
  readonly actors: readonly string[];
  /** IDs or names. */
  readonly targets: readonly string[];
  /** Kinds (`lock.enabled`), or Tailscale's names (`TAILNET.ENABLE.TKA`). */
  readonly events: readonly string[];
  readonly newestFirst: boolean;
  /** The last event of the page before, or null. */
  readonly after: LogCursor | null;
  readonly limit: number;
}

export interface LogPage {
  /** The tailnet's name, or null where D1 has no such tailnet. */
  readonly name: string | null;
  readonly events: readonly AuditEvent[];
  /** Where the next page goes on, or null at the end. */
  readonly next: LogCursor | null;
}

/** One column and one value of it, and the index that leads to its events. */
interface Way {
  readonly column: "event_group" | "actor_id" | "actor_login" | "target_id" | "target_name" | "kind" | "event";
  readonly index: string;
  readonly value: string;
}

type Filter = readonly Way[];
type Value = string | number;

/** The values of a statement; one that comes again is bound once: D1 binds a hundred. */
class Values {
  readonly list: Value[] = [];

  /** What stands for the value in the statement. */
  of(value: Value): string {
    const known = this.list.indexOf(value);
    return `?${known >= 0 ? known + 1 : this.list.push(value)}`;
  }
}

/** Events of a filter that are counted: with more, it counts as one with many. */
const MOST_COUNTED = 1000;
const COLUMNS = "seq, epoch, at, kind, origin, actor, target, old, new, hash, event_group";

function actorWay(value: string): Way {
  const isLogin = value.includes("@");
  return {
    column: isLogin ? "actor_login" : "actor_id",
    index: isLogin ? "events_actor_login" : "events_actor",
    // Logins are kept in small letters.
    value: isLogin ? loginName(value) : value,
  };
}

function targetWays(value: string): Filter {
  return [
    { column: "target_id", index: "events_target", value },
    { column: "target_name", index: "events_target_name", value },
  ];
}

function eventWay(value: string): Way {
  const isKind = /^[a-z]/.test(value);
  return { column: isKind ? "kind" : "event", index: isKind ? "events_kind" : "events_event", value };
}

/** The filters that ask for anything, the one that mostly has the fewest events first. */
function filtersOf({ requests, targets, actors, events }: LogQuery): Filter[] {
  const filters = [
    [...new Set(requests)].map((value): Way => ({ column: "event_group", index: "events_group", value })),
    [...new Set(targets)].flatMap(targetWays),
    [...new Set(actors)].map(actorWay),
    [...new Set(events)].map(eventWay),
  ];
  return filters.filter((ways) => ways.length > 0);
}

function holds(filter: Filter, values: Values): string {
  return `(${filter.map(({ column, value }) => `${column} = ${values.of(value)}`).join(" OR ")})`;
}

/** Where the page is to be looked for. */
function range({ start, end, after, newestFirst }: LogQuery, values: Values): string[] {
  const from = newestFirst ? start : Math.max(start, after?.at ?? 0);
  const to = newestFirst ? Math.min(end, (after?.at ?? Infinity) + 1) : end;
  const times = [`at >= ${values.of(from)}`, `at < ${values.of(to)}`];
  if (after === null) return times;
  const place = [after.at, after.seq, after.epoch].map((value) => values.of(value)).join(", ");
  return [...times, `(at, seq, epoch) ${newestFirst ? "<" : ">"} (${place})`];
}

/** A page of the events of one value of the leading filter. */
function walk(db: D1Database, query: LogQuery, way: Way | null, others: readonly Filter[]): D1PreparedStatement {
  const values = new Values();
  const conditions = [
    `tailnet_id = ${values.of(query.tailnet)}`,
    ...(way === null ? [] : [`${way.column} = ${values.of(way.value)}`]),
    ...range(query, values),
    ...others.map((filter) => holds(filter, values)),
  ];
  const order = ["at", "seq", "epoch"].map((column) => `${column} ${query.newestFirst ? "DESC" : "ASC"}`).join(", ");
  // The page is found first, by the index alone where that has all that is asked for; then its events are read.
  const page = `SELECT seq, epoch FROM events INDEXED BY ${way?.index ?? "events_at"} WHERE ${conditions.join(" AND ")}
    ORDER BY ${order} LIMIT ${values.of(query.limit)}`;
  const text = `SELECT ${COLUMNS} FROM events WHERE (tailnet_id, seq, epoch) IN
    (SELECT ${values.of(query.tailnet)}, seq, epoch FROM (${page})) ORDER BY ${order}`;
  return db.prepare(text).bind(...values.list);
}

/** How many events one value has in the time asked for, up to a bound. */
function count(db: D1Database, { tailnet, start, end }: LogQuery, { index, column, value }: Way): D1PreparedStatement {
  const text = `SELECT count(*) AS n FROM (SELECT 1 FROM events INDEXED BY ${index}
    WHERE tailnet_id = ? AND ${column} = ? AND at >= ? AND at < ? LIMIT ${MOST_COUNTED})`;
  return db.prepare(text).bind(tailnet, value, start, end);
}

/** The filters, the one with the fewest events first. */
async function inOrder(db: D1Database, query: LogQuery): Promise<Filter[]> {
  const filters = filtersOf(query);
  if (filters.length < 2) return filters;
  const ways = filters.flat();
  const counts = await db.batch<{ n: number }>(ways.map((way) => count(db, query, way)));
  const numbers = new Map(ways.map((way, i) => [way, counts[i]?.results[0]?.n ?? 0]));
  const counted = (filter: Filter): number => filter.reduce((sum, way) => sum + (numbers.get(way) ?? 0), 0);
  // Of filters with many the first leads: its indexes have what the others ask for.
  const events = (filter: Filter): number => Math.min(counted(filter), MOST_COUNTED);
  return filters.sort((one, other) => events(one) - events(other));
}

interface EventRow {
  readonly seq: number;
  readonly epoch: string;
  readonly at: number;
  readonly kind: string;
  readonly origin: string;
  readonly actor: string;
  readonly target: string;
  readonly old: string;
  readonly new: string;
  readonly hash: string;
  readonly event_group: string | null;
}

function eventOf({ hash, event_group: group, ...row }: EventRow): AuditEvent {
  return { ...row, group, hash: decodeHex(hash) ?? new Uint8Array(0) };
}

function isBefore(one: EventRow, other: EventRow): boolean {
  if (one.at !== other.at) return one.at < other.at;
  return one.seq === other.seq ? one.epoch < other.epoch : one.seq < other.seq;
}

/** The first page of what the walks gave: an event to which several lead is there once. */
function merged(walks: readonly (readonly EventRow[])[], { newestFirst, limit }: LogQuery): EventRow[] {
  const [only, ...more] = walks;
  if (only !== undefined && more.length === 0) return [...only];
  const rows = [...new Map(walks.flat().map((row) => [`${row.seq} ${row.epoch}`, row])).values()];
  return rows.sort((one, other) => (isBefore(one, other) === newestFirst ? 1 : -1)).slice(0, limit);
}

export async function searchLog(db: D1Database, query: LogQuery): Promise<LogPage> {
  const [lead, ...others] = await inOrder(db, query);
  const walks = (lead ?? [null]).map((way) => walk(db, query, way, others));
  const name = db.prepare("SELECT name FROM tailnets WHERE tailnet_id = ?").bind(query.tailnet);
  const [named, ...found] = await db.batch([name, ...walks]);
  const [tailnet] = (named?.results ?? []) as { readonly name: string }[];
  const events = merged(
    found.map(({ results }) => results as EventRow[]),
    query,
  ).map(eventOf);
  const last = events.length < query.limit ? undefined : events.at(-1);
  const next = last === undefined ? null : { at: last.at, seq: last.seq, epoch: last.epoch };
  return { name: tailnet?.name ?? null, events, next };
}

/** A cursor as a text that whoever pages sends back. */
export function formatCursor({ at, seq, epoch }: LogCursor): string {
  return `${at}.${seq}.${epoch}`;
}

/** Null where the attacker-controlled text is none. */
export function parseCursor(text: string): LogCursor | null {
  const [, at = "", seq = "", epoch = ""] = /^(\d{1,15})\.(\d{1,15})\.([0-9A-Za-z]{1,32})$/.exec(text) ?? [];
  return epoch === "" ? null : { at: Number(at), seq: Number(seq), epoch };
}
