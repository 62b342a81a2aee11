/**
 * The receiving half of an HTTP/2 server: header blocks and DATA as whole requests (RFC 9113, sections 6.1, 6.2, 6.10 and 8.1).
 *
 * Rule [H61]: a request is told once, whole: its body is as long as it said, and no longer than all bodies of a connection may be together.
 * Rule [H62]: between the frames of a header block comes nothing else; its octets and frames are bounded.
 * Rule [H63]: a window of ours is filled again once half of it is used; a stream's only while its request goes on. What is kept is bounded by [H61].
 */

import { joinBytes } from "../tka/index.ts";
import { HpackDecoder, type HpackState } from "./hpack-decoder.ts";
import { HpackError } from "./hpack-error.ts";
import type { HpackField } from "./hpack-static-table.ts";
import type { Budget } from "./http2-budget.ts";
import { FLAG, FRAME, HTTP2_CODE } from "./http2-codes.ts";
import { ConnectionError, StreamError } from "./http2-error.ts";
import type { Frame } from "./http2-frame-reader.ts";
import { checkTrailers, requestHead, type RequestHead } from "./http2-head.ts";
import {
  BUDGET,
  MAX_BLOCK_BYTES,
  MAX_BUFFERED_BYTES,
  MAX_CONTINUATIONS,
  MAX_FIELD_LIST,
  MAX_STREAMS,
  RECEIVE_WINDOW,
} from "./http2-limits.ts";
import type { Http2Sender } from "./http2-sender.ts";
import { Http2Stream, type PartialRequest } from "./http2-stream.ts";

/** A whole request. */
export interface Http2Request {
  readonly stream: number;
  readonly method: string;
  /** With its query, as it came: it begins with a slash, or is `*`. */
  readonly path: string;
  readonly authority: string;
  /** Names in lower case, without pseudo-header fields. Each character of a value is one octet. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** The receiving half at rest: no request that is partly here. */
export interface RequestsState {
  /** The highest stream that the client has opened. */
  readonly last: number;
  /** Octets that the client has sent since the connection's window was last filled. */
  readonly consumed: number;
  readonly hpack: HpackState;
}

/** A header block whose end has not come. */
interface Block {
  readonly stream: number;
  readonly ends: boolean;
  bytes: Uint8Array;
  continuations: number;
}

const CONTENT_TOO_LARGE = 413;
const FIELDS_TOO_LARGE = 431;
const NOT_IMPLEMENTED = 501;
const CONTINUE = 100;
const PRIORITY_OCTETS = 5;

export class Http2Requests {
  readonly #streams: Map<number, Http2Stream>;
  readonly #sender: Http2Sender;
  readonly #budget: Budget;
  readonly #told: (request: Http2Request) => void;
  readonly #hpack: HpackDecoder;
  #last: number;
  #consumed: number;
  #block: Block | null = null;
  #buffered = 0;

  constructor(
    streams: Map<number, Http2Stream>,
    sender: Http2Sender,
    budget: Budget,
    told: (request: Http2Request) => void,
    state?: RequestsState,
  ) {
    this.#streams = streams;
    this.#sender = sender;
    this.#budget = budget;
    this.#told = told;
    this.#hpack = new HpackDecoder(state?.hpack);
    this.#last = state?.last ?? 0;
    this.#consumed = state?.consumed ?? 0;
  }

  get state(): RequestsState {
    return { last: this.#last, consumed: this.#consumed, hpack: this.#hpack.state };
  }

  get last(): number {
    return this.#last;
  }

  /** Octets of bodies whose end has not come. */
  get buffered(): number {
    return this.#buffered;
  }

  /** The stream whose header block must go on before anything else comes, or null. */
  get inBlock(): number | null {
    return this.#block?.stream ?? null;
  }

  /** The client has acknowledged our SETTINGS. */
  forbidTable(): void {
    this.#hpack.forbidTable();
  }

  /** HEADERS. `accepting`: the highest stream that may begin, or null where any may. */
  headers(frame: Frame, accepting: number | null): void {
    if (frame.stream % 2 === 0) throw new ConnectionError(HTTP2_CODE.protocolError, "a client's streams are odd");
    let payload = unpadded(frame);
    if (frame.flags & FLAG.priority) {
      if (payload.length < PRIORITY_OCTETS) throw new ConnectionError(HTTP2_CODE.frameSizeError, "HEADERS cut short");
      payload = payload.subarray(PRIORITY_OCTETS);
    }
    const ends = (frame.flags & FLAG.endStream) !== 0;
    const block = { stream: frame.stream, ends, bytes: payload, continuations: 0 };
    if (frame.flags & FLAG.endHeaders) this.#whole(block, accepting);
    else this.#block = { ...block, bytes: payload.slice() };
  }

  continuation(frame: Frame, accepting: number | null): void {
    const block = this.#block;
    if (block?.stream !== frame.stream) throw new ConnectionError(HTTP2_CODE.protocolError, "CONTINUATION of nothing");
    block.continuations++;
    if (block.continuations > MAX_CONTINUATIONS || block.bytes.length + frame.payload.length > MAX_BLOCK_BYTES)
      throw new ConnectionError(HTTP2_CODE.enhanceYourCalm, "a header block without end");
    block.bytes = joined([block.bytes, frame.payload]);
    if ((frame.flags & FLAG.endHeaders) === 0) return;
    this.#block = null;
    this.#whole(block, accepting);
  }

  data(frame: Frame): void {
    if (frame.stream === 0 || frame.stream > this.#last)
      throw new ConnectionError(HTTP2_CODE.protocolError, "DATA on a stream that was not opened");
    this.#receive(frame.payload.length);
    const payload = unpadded(frame);
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) {
      // Perhaps on its way when the stream was reset: it costs no more than any frame.
      this.#sender.reset(frame.stream, HTTP2_CODE.streamClosed);
      return;
    }
    const { request } = stream;
    if (request === null) throw new StreamError(frame.stream, HTTP2_CODE.streamClosed, "DATA after the end");
    this.#budget.earn(Math.floor(payload.length / BUDGET.bytesAPoint));
    const expected = request.head.length;
    if (expected !== null && request.bytes + payload.length > expected) throw wrongLength(frame.stream);
    if (this.#buffered + payload.length > MAX_BUFFERED_BYTES) {
      this.#refuse(frame.stream, CONTENT_TOO_LARGE, false);
      return;
    }
    if (payload.length > 0) request.chunks.push(payload.slice());
    request.bytes += payload.length;
    this.#buffered += payload.length;
    if (frame.flags & FLAG.endStream) this.#end(stream, request);
    else this.#refill(stream.id, request, frame.payload.length);
  }

  /** Drops a stream and what is here of its request. */
  forget(id: number): void {
    this.#buffered -= this.#streams.get(id)?.request?.bytes ?? 0;
    this.#sender.forget(id);
  }

  #whole(block: Block, accepting: number | null): void {
    const { stream: id, ends } = block;
    const fields = this.#fields(block.bytes);
    const stream = this.#streams.get(id);
    if (stream !== undefined) {
      this.#trailers(stream, fields, ends);
      return;
    }
    if (id <= this.#last) throw new ConnectionError(HTTP2_CODE.streamClosed, "HEADERS on a stream that has ended");
    this.#last = id;
    if (accepting !== null && id > accepting) return;
    if (this.#streams.size >= MAX_STREAMS) throw new StreamError(id, HTTP2_CODE.refusedStream, "too many streams");
    if (fields === null) this.#refuse(id, FIELDS_TOO_LARGE, ends);
    else this.#open(id, requestHead(id, fields), ends);
  }

  #fields(block: Uint8Array): HpackField[] | null {
    try {
      return this.#hpack.decode(block, MAX_FIELD_LIST);
    } catch (error) {
      if (error instanceof HpackError) throw new ConnectionError(HTTP2_CODE.compressionError, error.message);
      throw error;
    }
  }

  #trailers(stream: Http2Stream, fields: HpackField[] | null, ends: boolean): void {
    if (stream.request === null) throw new StreamError(stream.id, HTTP2_CODE.streamClosed, "HEADERS after the end");
    if (!ends) throw new StreamError(stream.id, HTTP2_CODE.protocolError, "trailers that do not end the stream");
    if (fields === null) {
      this.#refuse(stream.id, FIELDS_TOO_LARGE, true);
      return;
    }
    checkTrailers(stream.id, fields);
    this.#end(stream, stream.request);
  }

  #open(id: number, head: RequestHead, ends: boolean): void {
    if (head.method === "CONNECT") {
      this.#refuse(id, NOT_IMPLEMENTED, ends);
      return;
    }
    if (head.length !== null && this.#buffered + head.length > MAX_BUFFERED_BYTES) {
      this.#refuse(id, CONTENT_TOO_LARGE, ends);
      return;
    }
    const request: PartialRequest = { head, chunks: [], bytes: 0, consumed: 0 };
    const stream = new Http2Stream(id, this.#sender.initialWindow, request);
    if (ends && head.length !== null && head.length !== 0) throw wrongLength(id);
    this.#streams.set(id, stream);
    if (ends) this.#end(stream, request);
    else if (head.headers.get("expect")?.toLowerCase() === "100-continue") this.#sender.head(id, CONTINUE, [], false);
  }

  #end(stream: Http2Stream, request: PartialRequest): void {
    const { head, chunks, bytes } = request;
    if (head.length !== null && head.length !== bytes) throw wrongLength(stream.id);
    stream.request = null;
    this.#buffered -= bytes;
    this.#budget.earn(BUDGET.request);
    const { method, path, authority, headers } = head;
    this.#told({ stream: stream.id, method, path, authority, headers, body: joined(chunks) });
  }

  /** Answers a request that reaches nobody. The client may still be sending: it is told to stop. */
  #refuse(id: number, status: number, ended: boolean): void {
    this.#budget.spend(BUDGET.reset);
    this.#sender.head(id, status, [], true);
    this.forget(id);
    if (!ended) this.#sender.reset(id, HTTP2_CODE.noError);
  }

  /** Counts the octets of a DATA frame against the connection's window. */
  #receive(octets: number): void {
    this.#consumed += octets;
    if (this.#consumed < RECEIVE_WINDOW / 2) return;
    this.#sender.writer.numbers(FRAME.windowUpdate, 0, 0, this.#consumed);
    this.#consumed = 0;
  }

  /** The same for a stream's. */
  #refill(id: number, request: PartialRequest, octets: number): void {
    request.consumed += octets;
    if (request.consumed < RECEIVE_WINDOW / 2) return;
    this.#sender.writer.numbers(FRAME.windowUpdate, 0, id, request.consumed);
    request.consumed = 0;
  }
}

function wrongLength(stream: number): StreamError {
  return new StreamError(stream, HTTP2_CODE.protocolError, "a body of another length than was said");
}

/** The payload of DATA or HEADERS without its padding. Throws ConnectionError. */
function unpadded({ flags, payload }: Frame): Uint8Array {
  if ((flags & FLAG.padded) === 0) return payload;
  const padding = payload[0];
  if (padding === undefined) throw new ConnectionError(HTTP2_CODE.frameSizeError, "a frame cut short");
  if (padding >= payload.length) throw new ConnectionError(HTTP2_CODE.protocolError, "more padding than frame");
  return payload.subarray(1, payload.length - padding);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  return joinBytes(chunks);
}
