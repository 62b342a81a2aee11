/** What is done to a stream of the log: it is set and ended by admins; its batches are begun, taken and settled by the control plane [W23]. */

import { auditHeadJson, type AuditHeadJson } from "../../protocol/index.ts";
import { BY_SYSTEM, type By, type StoredEvent } from "./events.ts";
import { headOf } from "./head.ts";
import type { LogStream, StreamSettings } from "./streams.ts";
import { randomId } from "../random-id.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

export const STREAM_LIMITS = {
  /** Events of a batch, and characters of their texts, about. */
  events: 500,
  characters: 500_000,
  /** Milliseconds for which nothing is heard of a batch until it is made anew. */
  batchMs: 60_000,
};
/** Milliseconds until a batch that failed is made anew: twice as long each time, up to the most. */
const FIRST_RETRY_MS = 15_000;
const MOST_RETRY_MS = 60 * 60_000;
/** Milliseconds of failing after which an event tells of it. */
const FAILING_MS = 24 * 60 * 60_000;
const MINUTE_MS = 60_000;
const PROPERTY = "LOGSTREAM_ENDPOINT";

/** A stream as admins are shown it. */
export interface StreamInfo extends Omit<LogStream, "box" | "batch" | "taken"> {
  readonly hasToken: boolean;
  /** Events that it has yet to send. */
  readonly waiting: number;
  /** Events that were let go of before it could send them [W19]. */
  readonly missed: number;
}

/** What the queue carries: a batch, by its number. */
export interface StreamPointer {
  readonly tailnet: string;
  readonly batch: number;
}

/** What is to be sent. */
export interface StreamBatch extends StreamSettings {
  readonly stream: string;
  readonly box: Uint8Array | null;
  /** The tailnet's name. */
  readonly name: string;
  readonly events: readonly StoredEvent[];
  readonly head: AuditHeadJson;
}

/** How it went. */
export type StreamResult =
  | { readonly ok: true; readonly upTo: number; readonly entries: number; readonly bytes: number }
  | { readonly ok: false; readonly error: string };

function requireStream(tailnet: Tailnet): LogStream {
  const stream = tailnet.logStreams.find();
  if (stream === null) throw new ControlError("unknown_log_stream", "the log of this tailnet is not streamed anywhere");
  return stream;
}

/** What events say of a stream: of its address the origin alone, since the rest of a URL may be a secret [W4]. */
function detailOf({ destinationType, url, user, compressionFormat, uploadPeriodMinutes }: StreamSettings) {
  return { destinationType, url: new URL(url).origin, user, compressionFormat, uploadPeriodMinutes };
}

/** Throws `unknown_log_stream`. */
export function streamInfo(tailnet: Tailnet): StreamInfo {
  const { box, batch: _batch, taken: _taken, ...rest } = requireStream(tailnet);
  const { seq } = tailnet.info();
  const floor = tailnet.store.row("SELECT log_floor FROM tailnet")?.integer("log_floor") ?? 0;
  const missed = Math.max(0, floor - rest.sent);
  return { ...rest, hasToken: box !== null, waiting: seq - rest.sent - missed, missed };
}

/** The ID that the token of the stream is to be sealed for: that of the one there is, or of a new one. */
export function streamId(tailnet: Tailnet): string {
  return tailnet.logStreams.find()?.id ?? randomId("s");
}

function isSame(one: StreamSettings, other: StreamSettings): boolean {
  return JSON.stringify(detailOf(one)) === JSON.stringify(detailOf(other)) && one.url === other.url;
}

/** Whether a stream that there is keeps its token: only where it goes to the same address, under the same name. */
function keptBox(before: LogStream, after: StreamSettings): Uint8Array | null {
  const isSamePlace = (["destinationType", "url", "user"] as const).every((name) => before[name] === after[name]);
  return isSamePlace ? before.box : null;
}

/**
 * Sets where the log goes; a stream that there is goes on from where it is. `box`: the token, sealed for the ID, or null for none, or for the one
 * that there is. Throws `try_again` where another stream was set meanwhile.
 */
export function setStream(
  tailnet: Tailnet,
  by: By,
  id: string,
  settings: StreamSettings,
  box: Uint8Array | null,
  now: number,
): StreamInfo {
  const before = tailnet.logStreams.find();
  const target = tailnet.target(PROPERTY);
  if (before === null) {
    const head = headOf(tailnet);
    const detail = { ...detailOf(settings), after: auditHeadJson(head) };
    tailnet.logStreams.add(id, settings, box, head.sequence, now);
    tailnet.record(by, { kind: "stream.set", target, new: detail }, now);
    return streamInfo(tailnet);
  }
  if (before.id !== id) throw new ControlError("try_again", "another stream was set meanwhile: ask again");
  if (box === null && isSame(before, settings)) return streamInfo(tailnet);
  tailnet.logStreams.change(settings, box ?? keptBox(before, settings));
  const details = { old: detailOf(before), new: { ...detailOf(settings), newToken: box !== null } };
  tailnet.record(by, { kind: "stream.set", target, ...details }, now);
  return streamInfo(tailnet);
}

/** Ends the stream. Throws `unknown_log_stream`. */
export function removeStream(tailnet: Tailnet, by: By, now: number): null {
  const stream = requireStream(tailnet);
  tailnet.logStreams.remove();
  tailnet.record(by, { kind: "stream.removed", target: tailnet.target(PROPERTY), old: detailOf(stream) }, now);
  return null;
}

/** When the next batch is to be begun, in milliseconds since the epoch, or null where nothing is to be sent. */
export function nextBatch(tailnet: Tailnet): number | null {
  const info = tailnet.find();
  if (info === null) return null;
  const stream = tailnet.logStreams.find();
  return stream === null || stream.sent >= info.seq ? null : Math.max(stream.due, stream.taken ?? 0);
}

/** Begins the next batch, or gives null where none is due. */
export function beginBatch(tailnet: Tailnet, now: number): StreamPointer | null {
  const due = nextBatch(tailnet);
  if (due === null || due > now) return null;
  tailnet.logStreams.begin(now + STREAM_LIMITS.batchMs);
  return { tailnet: tailnet.info().id, batch: tailnet.logStreams.find()?.batch ?? 0 };
}

/** The stream whose batch that is, while it is under way; else null. */
function underWay(tailnet: Tailnet, batch: number): LogStream | null {
  const stream = tailnet.logStreams.find();
  return stream === null || stream.taken === null || stream.batch !== batch ? null : stream;
}

/** What is to be sent; null where there is nothing to be done. */
export function takeBatch(tailnet: Tailnet, batch: number): StreamBatch | null {
  const stream = underWay(tailnet, batch);
  if (stream === null) return null;
  const { id, box, destinationType, url, user, compressionFormat, uploadPeriodMinutes, sent } = stream;
  const settings = { destinationType, url, user, compressionFormat, uploadPeriodMinutes };
  const { rows: events } = tailnet.events.page(sent, STREAM_LIMITS.events, STREAM_LIMITS.characters);
  return { ...settings, stream: id, box, name: tailnet.info().name, events, head: auditHeadJson(headOf(tailnet)) };
}

/** Notes how a batch went; one that counts no more changes nothing. */
export function settleBatch(tailnet: Tailnet, batch: number, result: StreamResult, now: number): null {
  const stream = underWay(tailnet, batch);
  if (stream === null) return null;
  const { tries, failing, told, uploadPeriodMinutes } = stream;
  if (result.ok) {
    tailnet.logStreams.settle({ ...result, due: now + uploadPeriodMinutes * MINUTE_MS }, now);
    const { deleted, seq } = tailnet.info();
    if (deleted && result.upTo >= seq) tailnet.logStreams.remove();
    return null;
  }
  const wait = Math.min(FIRST_RETRY_MS * 2 ** Math.min(tries, 20), MOST_RETRY_MS);
  tailnet.logStreams.settle({ ok: false, error: result.error, due: now + wait }, now);
  if (told || failing === null || now - failing < FAILING_MS) return null;
  tailnet.logStreams.setTold();
  const detail = { since: new Date(failing).toISOString(), error: result.error };
  tailnet.record(BY_SYSTEM, { kind: "stream.failing", target: tailnet.target(PROPERTY), new: detail }, now);
  return null;
}
