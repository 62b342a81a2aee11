/**
 * The admin API for a tailnet's audit log. Source: Tailscale's `/api/v2/tailnet/{tailnet}/logging/configuration`; paging, the head and the export are
 * ours. A search is answered from D1, a moment behind; head and export come from the tailnet's object.
 */

import { z } from "zod";
import type { LogHead } from "../../durable/index.ts";
import {
  EVENT_KINDS,
  actionOf,
  auditRecord,
  formatAuditHead,
  headInDetail,
  type AuditHeadJson,
  type Outcome,
} from "../../protocol/index.ts";
import { byOf, given, tailnetRoute, time, type AdminContext, type AdminRoute, type TailnetCall } from "./route.ts";
import { orZero, shapeQuery } from "./shapes.ts";
import { refuse } from "../http-errors.ts";
import { exportLog } from "./log-export.ts";
import { formatCursor, parseCursor, searchLog, type LogPage } from "../record/log-search.ts";
import { authorityOf } from "../objects.ts";

/** Events of a page. */
const PAGE = { usual: 1000, most: 5000 };
/** Values of a filter. */
const MOST_VALUES = 5;
const VERSION = "1.1" as const;
const END_OF_TIME = 8_640_000_000_000_000;

const moment = z.iso.datetime({ offset: true, error: "a time such as 2026-01-02T03:04:05Z" });
/** One value, or several of which one has to hold. */
const values = orZero(
  z.union([z.string().max(256), z.array(z.string().max(256)).max(MOST_VALUES)]).transform((one) => [one].flat()),
  [],
);
const whole = (most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, { error: "a whole number" })
    .transform(Number)
    .pipe(z.int().max(most));

/** A filter that is not known is refused: whoever misspells one would take all for what was asked. */
const searchQuery = z.strictObject({
  start: moment.optional().meta({ description: "events from then on; all, if not given" }),
  end: moment.optional().meta({ description: "events before then; all, if not given" }),
  actor: values.meta({ description: "by whom: an ID or a login; of several, any" }),
  target: values.meta({ description: "about what: an ID or a name; of several, any" }),
  event: values.meta({
    description: "a kind (lock.enabled) or Tailscale's name (TAILNET.ENABLE.TKA); of several, any",
  }),
  request: values.meta({ description: "of which request (eventGroupID, X-Request-Id); of several, any" }),
  order: z.enum(["asc", "desc"]).optional().meta({ description: "asc: the oldest first, as is usual" }),
  limit: whole(PAGE.most)
    .optional()
    .meta({ description: `events of a page; ${PAGE.usual} are usual` }),
  cursor: z.string().max(64).optional().meta({ description: "`next` of the page before" }),
});

type SearchQuery = z.output<typeof searchQuery>;

const record = z
  .object({
    eventTime: time,
    type: z.literal("CONFIG"),
    deferredAt: time,
    eventGroupID: z.string().meta({ description: "the ID of the request; empty in events from before there were any" }),
    origin: z.string(),
    actor: z.looseObject({
      id: z.string(),
      type: z.string(),
      displayName: z.string(),
      loginName: z.string().optional(),
    }),
    target: z.looseObject({ id: z.string(), type: z.string(), name: z.string(), property: z.string().optional() }),
    action: z.string(),
    old: z.unknown(),
    new: z.unknown(),
    actionDetails: z.string().optional(),
    error: z.string().optional(),
    kind: z.string(),
    epoch: z.string(),
    sequence: z.int(),
    hash: z
      .string()
      .meta({ description: "of the hash before it, of the same epoch, and this event (docs/spec.md, W17)" }),
  })
  .meta({ id: "ConfigurationAuditLog" });

const place = z
  .object({
    epoch: z.string(),
    sequence: z.int(),
    hash: z.string(),
    text: z.string().meta({ description: "the same as `tailward audit verify --head` takes it" }),
  })
  .meta({ id: "LogHead" });

function placeJson(head: AuditHeadJson): z.input<typeof place> {
  const parsed = headInDetail(head);
  return { ...head, text: parsed === null ? "" : formatAuditHead(parsed) };
}

/** What is wrong with the events that are asked for, or null. A kind that there is not is refused: none of it found would be taken for peace. */
function strangeEvent(events: readonly string[]): string | null {
  const strange = events.find((event) => /^[a-z]/.test(event) && actionOf(event) === null);
  if (strange === undefined) return null;
  const [group = ""] = strange.split(".");
  const near = EVENT_KINDS.filter((kind) => kind.startsWith(`${group}.`));
  const known = near.length > 0 ? near : new Set(EVENT_KINDS.map((kind) => `${kind.split(".")[0] ?? ""}.…`));
  return `query.event: there is no ${JSON.stringify(strange)}; there are ${[...known].join(", ")}`;
}

async function search(call: TailnetCall<SearchQuery, undefined>): Promise<Outcome<LogPage>> {
  const { env, tailnet, authority, query } = call;
  const after = query.cursor === undefined ? null : parseCursor(query.cursor);
  if (after === null && query.cursor !== undefined)
    return { ok: false, error: { code: "malformed_request", message: "query.cursor: `next` of an earlier page" } };
  const strange = strangeEvent(query.event);
  if (strange !== null) return { ok: false, error: { code: "malformed_request", message: strange } };
  const page = await searchLog(env.RECORD, {
    tailnet,
    start: query.start === undefined ? 0 : Date.parse(query.start),
    end: query.end === undefined ? END_OF_TIME : Date.parse(query.end),
    requests: query.request,
    actors: query.actor,
    targets: query.target,
    events: query.event,
    newestFirst: query.order === "desc",
    after,
    limit: Math.max(1, query.limit ?? PAGE.usual),
  });
  if (page.name !== null) return given(page);
  // D1 may not have heard of it yet: the object knows.
  const known = await authority.logHead();
  return known.ok ? given(page) : known;
}

async function exported(c: AdminContext): Promise<Response> {
  const query = shapeQuery(c, exportQuery);
  if (query instanceof Response) return query;
  const authority = authorityOf(c.env, c.var.tailnet);
  const known: Outcome<LogHead> = await authority.logHead();
  if (!known.ok) return refuse(c, known.error);
  const body = exportLog(authority, byOf(c), query.after ?? 0);
  return c.body(body, 200, { "content-type": NDJSON, "tailward-log-head": placeJson(known.value.head).text });
}

const NDJSON = "application/x-ndjson";
const LOG = "/api/v2/tailnet/:tailnet/logging/configuration";
const exportQuery = z.strictObject({
  after: whole(Number.MAX_SAFE_INTEGER).optional().meta({ description: "events after the one with that number" }),
});

export const LOG_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "GET",
    path: LOG,
    act: "log.read",
    summary: "Events of the audit log, by time, request, actor, target and event; a page at a time",
    query: searchQuery,
    answer: z.object({
      version: z.literal(VERSION),
      tailnet: z.string(),
      logs: z.array(record),
      next: z.string().optional().meta({ description: "where the next page begins; none at the end" }),
    }),
    call: search,
    format: ({ name, events, next }, { tailnet }) => ({
      version: VERSION,
      tailnet: name ?? tailnet,
      logs: events.map(auditRecord) as z.input<typeof record>[],
      ...(next === null ? {} : { next: formatCursor(next) }),
    }),
  }),
  tailnetRoute({
    method: "GET",
    path: `${LOG}/head`,
    act: "log.read",
    summary: "Where the audit log stands: whoever keeps that sees whether the log is changed before it",
    answer: z.object({ head: place, before: place.nullable() }),
    call: ({ authority }) => authority.logHead(),
    format: ({ head, before }) => ({ head: placeJson(head), before: before === null ? null : placeJson(before) }),
  }),
  {
    method: "GET",
    path: `${LOG}/export`,
    act: "log.read",
    summary: "The audit log as it is kept, in the order of its numbers: a line of JSON an event",
    query: exportQuery,
    body: null,
    answer: { media: { [NDJSON]: z.string() } },
    handle: exported,
  },
];
