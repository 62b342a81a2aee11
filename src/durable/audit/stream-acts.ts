/** What admins do with the stream of the log: it is set, changed and ended. How its batches go is in stream-batches.ts. */

import { auditHeadJson } from "../../protocol/index.ts";
import type { By } from "./events.ts";
import { headOf } from "./head.ts";
import type { LogStream, NewStream, StreamManner } from "./streams.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Of an event that is about a stream. */
export const STREAM_PROPERTY = "LOGSTREAM_ENDPOINT";
/** A stream as the Worker is given it: address and token are sealed. */
export interface StreamInfo extends LogStream {
  /** Events that it has yet to send. */
  readonly waiting: number;
  /** Events that were let go of before it could send them [W19]. */
  readonly missed: number;
}

function requireStream(tailnet: Tailnet): LogStream {
  const stream = tailnet.logStreams.find();
  if (stream === null) throw new ControlError("unknown_log_stream", "the log of this tailnet is not streamed anywhere");
  return stream;
}

/** What events say of a stream: of its address the origin alone, since the rest of a URL may be a secret [W4]. */
function detailOf({ destinationType, origin, user, compressionFormat, uploadPeriodMinutes }: Omit<NewStream, "id">) {
  return { destinationType, url: origin, user, compressionFormat, uploadPeriodMinutes };
}

function infoOf(tailnet: Tailnet, stream: LogStream): StreamInfo {
  const { seq } = tailnet.info();
  const floor = tailnet.store.row("SELECT log_floor FROM tailnet")?.integer("log_floor") ?? 0;
  const missed = Math.max(0, floor - stream.sent);
  return { ...stream, waiting: seq - stream.sent - missed, missed };
}

/** Throws `unknown_log_stream`. */
export function streamInfo(tailnet: Tailnet): StreamInfo {
  return infoOf(tailnet, requireStream(tailnet));
}

/** The stream that is set, or null. */
export function findStream(tailnet: Tailnet): StreamInfo | null {
  const stream = tailnet.logStreams.find();
  return stream === null ? null : infoOf(tailnet, stream);
}

/** Refuses where another stream was set than the one that whoever asks has seen. */
function requireSeen(stream: LogStream | null, seen: string | null): void {
  if ((stream?.id ?? null) !== seen) throw new ControlError("try_again", "another stream was set meanwhile: ask again");
}

/** Changes how the stream with that ID is sent; the same again is a no-op. Throws `unknown_log_stream`, `try_again`. */
export function changeStream(tailnet: Tailnet, by: By, id: string, manner: StreamManner, now: number): StreamInfo {
  const before = requireStream(tailnet);
  requireSeen(before, id);
  const after = { ...before, ...manner };
  if (JSON.stringify(detailOf(before)) === JSON.stringify(detailOf(after))) return streamInfo(tailnet);
  tailnet.logStreams.change(manner);
  const target = tailnet.target(STREAM_PROPERTY);
  tailnet.record(by, { kind: "stream.set", target, old: detailOf(before), new: detailOf(after) }, now);
  return streamInfo(tailnet);
}

/**
 * Sets where the log goes, in the place of the stream `seen`, which ends [W26]; the new one goes on from where that is. Throws `try_again` where `seen`
 * is not the one that is set.
 */
export function setStream(tailnet: Tailnet, by: By, seen: string | null, made: NewStream, now: number): StreamInfo {
  const before = tailnet.logStreams.find();
  requireSeen(before, seen);
  const head = headOf(tailnet);
  const target = tailnet.target(STREAM_PROPERTY);
  const [old, fresh] = [before === null ? null : detailOf(before), detailOf(made)];
  const detail = before === null ? { ...fresh, after: auditHeadJson(head) } : { ...fresh, newToken: made.box !== null };
  const seq = tailnet.record(by, { kind: "stream.set", target, old, new: detail }, now);
  tailnet.logStreams.end(seq, now);
  tailnet.logStreams.add(made, before?.sent ?? head.sequence, now);
  return streamInfo(tailnet);
}

/** Ends the stream, which is told so [W26]. Throws `unknown_log_stream`. */
export function removeStream(tailnet: Tailnet, by: By, now: number): null {
  const stream = requireStream(tailnet);
  const target = tailnet.target(STREAM_PROPERTY);
  const seq = tailnet.record(by, { kind: "stream.removed", target, old: detailOf(stream) }, now);
  tailnet.logStreams.end(seq, now);
  return null;
}
