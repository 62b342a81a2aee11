/** `tailward admin audit …`: a tailnet's audit log: searched, exported, its head, and where it is streamed to. To check one, see audit-verify.ts. */

import type { Command } from "commander";
import { createWriteStream } from "node:fs";
import { printable } from "../node/index.ts";
import {
  boolean,
  integer,
  list,
  nullable,
  optional,
  parseAuditHead,
  record,
  text,
  withDefault,
  type Shape,
  type ShapeOf,
} from "../protocol/index.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";
import { fileArgument } from "./file-argument.ts";
import { wholeNumber } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

const MOST_EVENTS = 5000;
const LOG = "/logging/configuration";
const STREAM = `${LOG}/stream`;

const anything: Shape<unknown> = (value) => value;
const event = record({
  eventTime: text,
  kind: text,
  origin: text,
  actor: record({ id: text, displayName: text, loginName: withDefault(text, "") }),
  target: record({ id: text, name: text, type: text, property: withDefault(text, "") }),
  error: withDefault(text, ""),
  old: anything,
  new: anything,
  sequence: integer,
  epoch: text,
});
/** A record, looked at and left as it came: `--json` prints what `tailward audit verify` reads, with all that its hash is over. */
const whole: Shape<unknown> = (value, path) => {
  event(value, path);
  return value;
};
const page = record({ logs: list(whole, MOST_EVENTS), next: optional(text) });
const logPlace = record({ epoch: text, sequence: integer, hash: text, text });
const standing = record({ head: logPlace, before: nullable(logPlace) });
const stream = record({
  destinationType: text,
  url: text,
  user: text,
  compressionFormat: text,
  uploadPeriodMinutes: integer,
  hasToken: boolean,
  /** What could not be found out of the address when it was set. */
  warning: withDefault(text, ""),
});
const streamStatus = record({
  lastActivity: text,
  lastError: text,
  numEntriesSent: integer,
  numFailedRequests: integer,
  sequence: integer,
  waiting: integer,
  missed: integer,
  failingSince: withDefault(text, ""),
  nextAttempt: withDefault(text, ""),
});

type Event = ShapeOf<typeof event>;

interface ListFlags {
  readonly start?: string;
  readonly end?: string;
  readonly request: readonly string[];
  readonly actor: readonly string[];
  readonly target: readonly string[];
  readonly event: readonly string[];
  readonly limit: number;
  readonly cursor?: string;
  readonly oldest: boolean;
}

/** A time as the API takes it: a day is its beginning, and what has no zone is of this machine's. Throws UsageError. */
function timeOf(flag: string): (value: string) => string {
  return (value) => {
    const at = new Date(value);
    if (Number.isNaN(at.getTime())) throw new UsageError(`${flag} is a time such as 2026-01-02T03:04:05Z, or a day`, 2);
    return at.toISOString();
  };
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function queryOf({ start, end, request, actor, target, event: events, limit, cursor, oldest }: ListFlags): string {
  const query = new URLSearchParams({ limit: String(limit), order: oldest ? "asc" : "desc" });
  for (const [name, value] of Object.entries({ start, end, cursor })) if (value !== undefined) query.set(name, value);
  for (const [name, values] of Object.entries({ request, actor, target, event: events }))
    for (const value of values) query.append(name, value);
  return query.toString();
}

function eventCells({ eventTime, kind, actor, target, error, sequence }: Event): string[] {
  const by = actor.loginName === "" ? actor.displayName : actor.loginName;
  const what = target.name === "" ? target.id : target.name;
  return [`#${sequence}`, eventTime, kind, printable(by), printable(what), printable(error)];
}

function addList(group: Command, place: AdminPlace): void {
  group
    .command("list")
    .description(
      "search the log: the newest events first; --request, --actor, --target and --event may be given again, and mean any",
    )
    .option("--start <time>", "events from then on", timeOf("--start"))
    .option("--end <time>", "events before then", timeOf("--end"))
    .option("--request <id>", "of that request, as X-Request-Id, log lines and webhooks name it", collect, [])
    .option("--actor <who>", "by that ID or login", collect, [])
    .option("--target <what>", "about that ID or name", collect, [])
    .option("--event <event>", "of that kind (lock.enabled), or by Tailscale's name (TAILNET.ENABLE.TKA)", collect, [])
    .option("--limit <number>", "so many at most", wholeNumber("--limit"), 50)
    .option("--cursor <text>", "go on where the page before has ended")
    .option("--oldest", "the oldest events first", false)
    .action(async (flags: ListFlags) => {
      const found = await place.ask("GET", place.path(`${LOG}?${queryOf(flags)}`), page);
      place.print(found, ({ logs, next }) => {
        if (logs.length === 0) return "No events\n";
        return (
          columns(logs.map((one) => eventCells(event(one, "")))) +
          (next === null ? "" : `more: --cursor ${printable(next)}\n`)
        );
      });
    });
}

/** Where an export goes. */
interface Sink {
  readonly write: (chunk: Uint8Array) => Promise<void>;
  readonly end: () => Promise<void>;
}

function sinkFor(output: string | undefined, out: (text: string) => void): Sink {
  if (output === undefined) {
    const decoder = new TextDecoder();
    return {
      write: (chunk) => {
        out(decoder.decode(chunk, { stream: true }));
        return Promise.resolve();
      },
      end: () => Promise.resolve(),
    };
  }
  // Of those who may read it, nobody is asked: the log names people and machines.
  const file = createWriteStream(output, { mode: 0o600 });
  const failed = new Promise<never>((_, reject) => {
    file.on("error", (error) => {
      reject(new UsageError(`cannot write ${output}: ${error.message}`));
    });
  });
  failed.catch(() => undefined);
  const done = (begin: (over: () => void) => void): Promise<void> => Promise.race([new Promise<void>(begin), failed]);
  return {
    write: (chunk) =>
      done((over) => {
        file.write(chunk, over);
      }),
    end: () =>
      done((over) => {
        file.end(over);
      }),
  };
}

/** The number of the last event in what came last of an export; 0 where no line is whole. */
function lastSequence(tail: string): number {
  const line = tail.trimEnd().split("\n").at(-1) ?? "";
  try {
    return (JSON.parse(line) as { readonly sequence?: number }).sequence ?? 0;
  } catch {
    return 0;
  }
}

/** Characters of an export that are kept, to see its last line whole. */
const TAIL = 1_000_000;

async function exportLog(place: AdminPlace, after: number, output: string | undefined): Promise<void> {
  const { headers, chunks } = await place.client.download(place.path(`${LOG}/export?after=${after}`));
  const head = parseAuditHead(headers.get("tailward-log-head") ?? "");
  const sink = sinkFor(output, place.terminal.out);
  const decoder = new TextDecoder();
  let tail = "";
  try {
    for await (const chunk of chunks) {
      tail = (tail + decoder.decode(chunk, { stream: true })).slice(-TAIL);
      await sink.write(chunk);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    tail = tail.slice(0, tail.lastIndexOf("\n") + 1);
  }
  await sink.end();
  const last = Math.max(after, lastSequence(tail));
  if (head === null || last < head.sequence)
    throw new UsageError(`the export broke off: go on with --after ${last}, and leave a line that is not whole out`);
  if (output !== undefined)
    place.terminal.out(
      `Exported up to event ${last}. Keep this head apart from it: ${headers.get("tailward-log-head") ?? ""}\n`,
    );
}

interface StreamFlags {
  readonly to: string;
  readonly collectorToken?: string;
  readonly user?: string;
  readonly compression?: string;
  readonly period?: number;
}

function tokenOf(token: string | undefined): string | null {
  if (token === undefined) return null;
  if (!token.startsWith("file:"))
    throw new UsageError("a token on the command line can be read by others: use --collector-token file:PATH", 2);
  return fileArgument(token);
}

function statusText({ sequence, waiting, missed, lastError, failingSince, nextAttempt }: ShapeOf<typeof streamStatus>) {
  return columns([
    ["sent up to event", String(sequence)],
    ["waiting", String(waiting)],
    ...(missed === 0 ? [] : [["let go of unsent", String(missed)]]),
    ...(lastError === "" ? [] : [["last error", printable(lastError)]]),
    ...(failingSince === ""
      ? []
      : [
          ["failing since", printable(failingSince)],
          ["next attempt", printable(nextAttempt)],
        ]),
  ]);
}

function streamText(one: ShapeOf<typeof stream>): string {
  const said = Object.entries(one).filter(([name, value]) => name !== "warning" || value !== "");
  return columns(said.map(([name, value]) => [name, printable(String(value))]));
}

function addStream(group: Command, place: AdminPlace): void {
  const streams = group.command("stream").description("where the log is sent as it grows");
  streams
    .command("show")
    .description("show where the log is streamed to")
    .action(async () => place.print(await place.ask("GET", place.path(STREAM), stream), streamText));
  streams
    .command("set <url>")
    .description(
      "stream the log there from now on; where there is a stream, from where that is, whose place is told so",
    )
    .requiredOption("--to <kind>", "splunk, or ndjson for any collector that takes a line of JSON an event")
    .option("--collector-token <file>", "file:PATH of the collector's token")
    .option("--user <name>", "the token is this user's password")
    .option("--compression <format>", "gzip or zstd")
    .option("--period <minutes>", "so many minutes between two batches at least", wholeNumber("--period"))
    .action(async (url: string, flags: StreamFlags) => {
      const body = {
        destinationType: flags.to,
        url,
        user: flags.user ?? null,
        token: tokenOf(flags.collectorToken),
        compressionFormat: flags.compression ?? null,
        uploadPeriodMinutes: flags.period ?? null,
      };
      place.print(await place.ask("PUT", place.path(STREAM), stream, body), streamText);
    });
  streams
    .command("status")
    .description("how far the stream is, and how it goes")
    .action(async () => place.print(await place.ask("GET", place.path(`${STREAM}/status`), streamStatus), statusText));
  streams
    .command("remove")
    .description("stream the log no more; the place that it went to is told so")
    .action(async () => {
      await place.ask("DELETE", place.path(STREAM), NOTHING);
      place.terminal.out("The log is streamed no more\n");
    });
}

export function addAuditLog(admin: Command, place: AdminPlace): void {
  const group = admin
    .command("audit")
    .description("the audit log: search, export, its head, and where it is streamed to");
  addList(group, place);
  group
    .command("head")
    .description("print the log's head: who keeps it elsewhere sees whether the log is changed before it")
    .action(async () =>
      place.print(await place.ask("GET", place.path(`${LOG}/head`), standing), (it) => `${printable(it.head.text)}\n`),
    );
  group
    .command("export")
    .description("write the whole log, a line of JSON an event, as `tailward audit verify` reads it")
    .option("--output <file>", "into that file, for this user's eyes; standard output, if not given")
    .option("--after <number>", "only events after the one with that number", wholeNumber("--after"), 0)
    .action(({ output, after }: { readonly output?: string; readonly after: number }) =>
      exportLog(place, after, output),
    );
  addStream(group, place);
}
