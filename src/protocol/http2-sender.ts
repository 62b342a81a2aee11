/**
 * The sending half of an HTTP/2 server: responses as frames, as far as the client's windows let them out (RFC 9113, section 5.2).
 *
 * Rule [H59]: no DATA goes beyond the stream's window or the connection's. What waits is bounded: a response past the bound is reset.
 * Rule [H60]: streams that wait take turns, a frame each.
 */

import { encodeResponse } from "./hpack-encoder.ts";
import type { HpackField } from "./hpack-static-table.ts";
import type { Budget } from "./http2-budget.ts";
import { DEFAULT_WINDOW, FLAG, FRAME, FRAME_PAYLOAD, HTTP2_CODE, MAX_WINDOW } from "./http2-codes.ts";
import { ConnectionError, StreamError } from "./http2-error.ts";
import { BUDGET, MAX_QUEUED_BYTES } from "./http2-limits.ts";
import { FrameWriter } from "./http2-output.ts";
import type { Http2Stream } from "./http2-stream.ts";

/** The sending half at rest: nothing queued. */
export interface SenderState {
  /** True once a header block went out (H55). */
  readonly spoken: boolean;
  readonly window: number;
  readonly initialWindow: number;
}

const NOTHING = new Uint8Array(0);

export class Http2Sender {
  readonly writer = new FrameWriter();
  readonly #streams: Map<number, Http2Stream>;
  readonly #budget: Budget;
  readonly #waiting = new Set<Http2Stream>();
  #spoken: boolean;
  #window: number;
  #initialWindow: number;
  #queued = 0;

  /** A stream leaves `streams` when its last frame is out. */
  constructor(
    streams: Map<number, Http2Stream>,
    budget: Budget,
    state: SenderState = { spoken: false, window: DEFAULT_WINDOW, initialWindow: DEFAULT_WINDOW },
  ) {
    this.#streams = streams;
    this.#budget = budget;
    this.#spoken = state.spoken;
    this.#window = state.window;
    this.#initialWindow = state.initialWindow;
  }

  get state(): SenderState {
    return { spoken: this.#spoken, window: this.#window, initialWindow: this.#initialWindow };
  }

  /** Octets that wait for a window. */
  get queued(): number {
    return this.#queued;
  }

  /** The window of a stream that begins. */
  get initialWindow(): number {
    return this.#initialWindow;
  }

  /** Octets that could go out on a stream at once. */
  room(stream: Http2Stream): number {
    return Math.max(0, Math.min(this.#window - this.#queued, stream.window - stream.queued));
  }

  /** The head of a response, or of an informational one. */
  head(stream: number, status: number, fields: readonly HpackField[], end: boolean): void {
    const block = encodeResponse(status, fields, !this.#spoken);
    this.#spoken = true;
    const flags = end ? FLAG.endStream : 0;
    let at = Math.min(block.length, FRAME_PAYLOAD);
    this.writer.frame(FRAME.headers, flags | (at === block.length ? FLAG.endHeaders : 0), stream, block, 0, at);
    while (at < block.length) {
      const to = Math.min(block.length, at + FRAME_PAYLOAD);
      this.writer.frame(FRAME.continuation, to === block.length ? FLAG.endHeaders : 0, stream, block, at, to);
      at = to;
    }
  }

  /** False where the bytes would have to wait and too much waits already: nothing was taken. Bytes that were taken must not change. */
  data(stream: Http2Stream, bytes: Uint8Array, end: boolean): boolean {
    const room = this.room(stream);
    const waits = bytes.length > room;
    if (waits && this.#queued + bytes.length > MAX_QUEUED_BYTES) return false;
    stream.ending = end;
    this.#budget.earn(BUDGET.write);
    if (!waits && bytes.length <= FRAME_PAYLOAD && stream.queued === 0) {
      if (bytes.length > 0 || end) this.#send(stream, bytes, 0, bytes.length, end);
      return true;
    }
    if (bytes.length > 0) {
      stream.queue.push(bytes);
      stream.queued += bytes.length;
      this.#queued += bytes.length;
    }
    this.writer.expect(Math.min(bytes.length, room));
    this.#waiting.add(stream);
    this.pump();
    return true;
  }

  /** Ends a stream with RST_STREAM. */
  reset(stream: number, code: number): void {
    this.writer.numbers(FRAME.resetStream, 0, stream, code);
    this.forget(stream);
  }

  /** Drops a stream and what waits on it. */
  forget(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    this.#waiting.delete(stream);
    this.#queued -= stream.queued;
  }

  /** The client widens the connection's window, or a stream's. Throws ConnectionError or StreamError past the largest one. */
  widen(stream: Http2Stream | null, by: number): void {
    if (stream === null) {
      this.#window += by;
      if (this.#window > MAX_WINDOW) throw new ConnectionError(HTTP2_CODE.flowControlError, "the window is too wide");
    } else {
      stream.window += by;
      if (stream.window > MAX_WINDOW)
        throw new StreamError(stream.id, HTTP2_CODE.flowControlError, "the window is too wide");
    }
    this.pump();
  }

  /** The client has changed the window of every stream by changing the initial one: `pump` once that is acknowledged. Throws ConnectionError. */
  setInitialWindow(octets: number): void {
    const by = octets - this.#initialWindow;
    this.#initialWindow = octets;
    for (const stream of this.#streams.values()) {
      stream.window += by;
      if (stream.window > MAX_WINDOW) throw new ConnectionError(HTTP2_CODE.flowControlError, "a window is too wide");
    }
  }

  /** Lets out what the windows let out. Each stream that waits and may send does so in its turn. */
  pump(): void {
    for (const stream of this.#waiting) {
      if (this.#window <= 0) return;
      if (stream.window <= 0) continue;
      // At the end of the set, so that it comes again after the others.
      this.#waiting.delete(stream);
      if (!this.#sendQueued(stream)) this.#waiting.add(stream);
    }
  }

  /** One frame of what waits on a stream. True where nothing is left. */
  #sendQueued(stream: Http2Stream): boolean {
    const chunk = stream.queue[0] ?? NOTHING;
    const from = stream.offset;
    const to = Math.min(chunk.length, from + Math.min(FRAME_PAYLOAD, this.#window, stream.window));
    stream.queued -= to - from;
    this.#queued -= to - from;
    if (to === chunk.length) {
      stream.queue.shift();
      stream.offset = 0;
    } else stream.offset = to;
    this.#send(stream, chunk, from, to, stream.ending && stream.queued === 0);
    return stream.queued === 0;
  }

  #send(stream: Http2Stream, bytes: Uint8Array, from: number, to: number, end: boolean): void {
    this.writer.frame(FRAME.data, end ? FLAG.endStream : 0, stream.id, bytes, from, to);
    this.#window -= to - from;
    stream.window -= to - from;
    this.#budget.earn(2 * Math.floor((to - from) / BUDGET.bytesAPoint));
    if (end) this.#streams.delete(stream.id);
  }
}
