/**
 * Batches of the log, each in three turns of the object [W23]: it is begun, and goes to the queue as a pointer; the consumer takes what is to be sent; and
 * says how it went. A batch that was taken and of which nothing is heard any more has failed: whatever ended the consumer may have been in it. One whose
 * pointer never came is begun anew.
 */

import { auditHeadJson, type AuditHeadJson } from "../../protocol/index.ts";
import { BY_SYSTEM, type StoredEvent } from "./events.ts";
import { headOf, placeOf } from "./head.ts";
import type { LogStream, StreamSettings } from "./streams.ts";
import { STREAM_PROPERTY } from "./stream-acts.ts";
import { log } from "../log.ts";
import type { Tailnet } from "../authority/tailnet.ts";

export const STREAM_LIMITS = {
  /** Events of a batch, and characters of their texts, about. */
  events: 500,
  characters: 500_000,
  /** Milliseconds for which nothing is heard of a batch until it counts as lost. */
  batchMs: 60_000,
};
/** Milliseconds until a batch that failed is made anew: twice as long each time, up to the most. */
const FIRST_RETRY_MS = 15_000;
const MOST_RETRY_MS = 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** Milliseconds of failing after which an event tells of it. */
const FAILING_MS = DAY_MS;
/** Milliseconds for which a place is told of its end: as long as a webhook's message. */
const GIVE_UP_MS = DAY_MS;
const MINUTE_MS = 60_000;
const UNHEARD = "the control plane began a batch, and did not come to its end";

/** What the queue carries: a batch of a stream, by its number. */
export interface StreamPointer {
  readonly tailnet: string;
  readonly stream: string;
  readonly batch: number;
}

/** What is to be sent. */
export interface StreamBatch extends StreamSettings {
  readonly stream: string;
  /** Address and token, sealed. */
  readonly address: Uint8Array;
  readonly box: Uint8Array | null;
  /** The tailnet's name. */
  readonly name: string;
  readonly events: readonly StoredEvent[];
  /** The newest event that is for this place. */
  readonly head: AuditHeadJson;
}

/** How it went. */
export type StreamResult =
  | { readonly ok: true; readonly upTo: number; readonly entries: number; readonly bytes: number }
  | { readonly ok: false; readonly error: string };

/** When the next batch of a stream is due, or null for never. */
function dueOf({ sent, until, due, taken }: LogStream, seq: number): number | null {
  return sent >= (until ?? seq) ? null : Math.max(due, taken ?? 0);
}

/** When the next batch is to be begun, in milliseconds since the epoch, or null where nothing is to be sent. */
export function nextBatch(tailnet: Tailnet): number | null {
  const info = tailnet.find();
  if (info === null) return null;
  const dues = tailnet.logStreams.all().flatMap((stream) => dueOf(stream, info.seq) ?? []);
  return dues.length === 0 ? null : Math.min(...dues);
}

/** Begins the batches that are due, one of each stream. */
export function beginBatches(tailnet: Tailnet, now: number): StreamPointer[] {
  const { id, seq } = tailnet.info();
  return tailnet.logStreams.all().flatMap((stream) => {
    const due = dueOf(stream, seq);
    if (due === null || due > now) return [];
    if (stream.taken !== null && stream.started) {
      fail(tailnet, stream, UNHEARD, now);
      return [];
    }
    if (isOver(stream, now)) {
      giveUp(tailnet, stream, "its batches do not come to the queue's consumer");
      return [];
    }
    tailnet.logStreams.begin(stream.id, now + STREAM_LIMITS.batchMs);
    return [{ tailnet: id, stream: stream.id, batch: stream.batch + 1 }];
  });
}

/** The stream, while that batch of it is under way; else null. */
function underWay(tailnet: Tailnet, id: string, batch: number): LogStream | null {
  const stream = tailnet.logStreams.byId(id);
  return stream === null || stream.taken === null || stream.batch !== batch ? null : stream;
}

/** What is to be sent; null where there is nothing to be done. */
export function takeBatch(tailnet: Tailnet, id: string, batch: number): StreamBatch | null {
  const stream = underWay(tailnet, id, batch);
  if (stream === null) return null;
  tailnet.logStreams.start(id);
  const { box, address, destinationType, user, compressionFormat, uploadPeriodMinutes, sent, until } = stream;
  const { rows } = tailnet.events.page(sent, STREAM_LIMITS.events, STREAM_LIMITS.characters);
  const events = rows.filter(({ seq }) => seq <= (until ?? seq));
  const head = (until === null ? null : placeOf(tailnet, until)) ?? headOf(tailnet);
  const settings = { destinationType, user, compressionFormat, uploadPeriodMinutes };
  return { ...settings, stream: id, address, box, name: tailnet.info().name, events, head: auditHeadJson(head) };
}

/** Notes how a batch went; one that counts no more changes nothing. */
export function settleBatch(tailnet: Tailnet, id: string, batch: number, result: StreamResult, now: number): null {
  const stream = underWay(tailnet, id, batch);
  if (stream === null) return null;
  if (!result.ok) fail(tailnet, stream, result.error, now);
  else if (stream.until !== null && result.upTo >= stream.until) tailnet.logStreams.forget(id);
  else {
    const wait = stream.until === null ? stream.uploadPeriodMinutes * MINUTE_MS : 0;
    tailnet.logStreams.settle(id, { ...result, due: now + wait }, now);
  }
  return null;
}

function fail(tailnet: Tailnet, stream: LogStream, error: string, now: number): void {
  if (isOver(stream, now)) {
    giveUp(tailnet, stream, error);
    return;
  }
  const { id, tries, failing, told, until } = stream;
  const wait = Math.min(FIRST_RETRY_MS * 2 ** Math.min(tries, 20), MOST_RETRY_MS);
  tailnet.logStreams.settle(id, { ok: false, error, due: now + wait }, now);
  if (until !== null || told || failing === null || now - failing < FAILING_MS) return;
  tailnet.logStreams.setTold(id);
  const detail = { since: new Date(failing).toISOString(), error };
  tailnet.record(BY_SYSTEM, { kind: "stream.failing", target: tailnet.target(STREAM_PROPERTY), new: detail }, now);
}

/** True for a stream that has ended, and was to be told so for as long as it may be [W26]. */
function isOver({ ended }: LogStream, now: number): boolean {
  return ended !== null && now - ended >= GIVE_UP_MS;
}

function giveUp(tailnet: Tailnet, { id, origin }: LogStream, why: string): void {
  log.warn("a collector could not be told for a day that the log does not go to it any more", {
    tailnet: tailnet.info().id,
    origin,
    why,
  });
  tailnet.logStreams.forget(id);
}
