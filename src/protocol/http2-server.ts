/**
 * The server's end of one HTTP/2 connection (RFC 9113): bytes in; events and bytes out. No I/O, no clock, no host types.
 *
 * Rule [H64]: the client's bytes throw nothing. What breaks a stream resets it; what breaks the connection gives GOAWAY and `closed`.
 * Rule [H65]: between two frames, with no request partly here and nothing waiting, `save` is the whole of the connection: a server restored
 *             from it goes on as this one would have.
 * Rule [H66]: of what the client sends besides requests, only PING and SETTINGS are answered. Priorities and unknown frames are passed over.
 *
 * After every call that may write (`receive`, `respond`, `write`, `reset`, `ping`, `goAway`), and after construction, send what `take` gives.
 */

import type { HpackField } from "./hpack-static-table.ts";
import { Budget } from "./http2-budget.ts";
import { DEFAULT_WINDOW, FLAG, FRAME, HTTP2_CODE, SETTING } from "./http2-codes.ts";
import { checkControl, initialWindow, pingNumber, pingNumbers, widening } from "./http2-control.ts";
import { ConnectionError, Http2Error, StreamError } from "./http2-error.ts";
import { FrameReader, type Frame } from "./http2-frame-reader.ts";
import { isField, isOfConnection } from "./http2-head.ts";
import { BUDGET, MAX_FIELD_LIST, MAX_STREAMS, RECEIVE_WINDOW } from "./http2-limits.ts";
import { Http2Requests, type Http2Request } from "./http2-requests.ts";
import { decodeState, encodeState, type Http2State } from "./http2-saved.ts";
import { Http2Sender } from "./http2-sender.ts";
import { Http2Stream } from "./http2-stream.ts";

export type Http2Event =
  | { readonly kind: "request"; readonly request: Http2Request }
  /** A stream whose request was told has ended before its response: the client reset it, or broke it. Forget it. */
  | { readonly kind: "reset"; readonly stream: number }
  /** A PING of ours was answered, or the client says so: `data` is attacker-controlled. */
  | { readonly kind: "pong"; readonly data: number }
  /** The connection has ended, with all its streams: send what `take` gives, and close the transport. The last event there is. */
  | { readonly kind: "closed" };

const PRIORITY_OCTETS = 5;

export class Http2Server {
  readonly #streams = new Map<number, Http2Stream>();
  readonly #budget: Budget;
  readonly #reader: FrameReader;
  readonly #sender: Http2Sender;
  readonly #requests: Http2Requests;
  #events: Http2Event[] = [];
  #settled = false;
  #acknowledged = false;
  /** What our GOAWAY said is the last stream that is served, or null before it. */
  #accepting: number | null = null;
  #clientLeaves = false;
  #ended = false;
  #fault: string | null = null;

  /** A new connection: our SETTINGS wait in `take`. */
  constructor(state?: Http2State) {
    this.#budget = new Budget(state?.budget.points, state?.budget.at);
    this.#reader = new FrameReader(state !== undefined && state.prefaceSeen);
    this.#sender = new Http2Sender(this.#streams, this.#budget, state?.sender);
    const told = (request: Http2Request): void => void this.#events.push({ kind: "request", request });
    this.#requests = new Http2Requests(this.#streams, this.#sender, this.#budget, told, state?.requests);
    if (state === undefined) this.#greet();
    else this.#resume(state);
  }

  /** The connection that was saved. Throws Http2Error `unknown_version` for another version's, `bad_saved_state` for what is none. */
  static restore(saved: Uint8Array): Http2Server {
    return new Http2Server(decodeState(saved));
  }

  /** Octets that wait for the client's windows. */
  get queued(): number {
    return this.#sender.queued;
  }

  /** Octets of requests that are partly here. */
  get buffered(): number {
    return this.#requests.buffered;
  }

  /** True where the connection has ended: send what `take` gives, and close the transport. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Why the connection was broken off, for a log: words of ours alone. Null where it was not. */
  get fault(): string | null {
    return this.#fault;
  }

  /** Streams whose requests were told and that wait for the head of a response. */
  get unanswered(): readonly number[] {
    return [...this.#streams.values()]
      .filter(({ request, responded }) => request === null && !responded)
      .map(({ id }) => id);
  }

  /** True where `save` gives the whole of the connection: nothing partly here, nothing queued, nothing to take. */
  get idle(): boolean {
    return !this.#ended && !this.partial && this.#sender.queued === 0 && this.#sender.writer.empty;
  }

  /** True where a frame, a header block or a request is partly here. A client that leaves it so keeps us awake: that is for a clock to end. */
  get partial(): boolean {
    if (!this.#reader.between || this.#requests.inBlock !== null) return true;
    for (const { request } of this.#streams.values()) if (request !== null) return true;
    return false;
  }

  /**
   * Takes bytes of the client's, attacker-controlled, in any pieces; throws nothing. `now` is in milliseconds since 1970: time earns back what
   * floods cost (H57). The bytes are not kept.
   */
  receive(bytes: Uint8Array, now: number): Http2Event[] {
    if (this.#ended) return this.#told();
    try {
      this.#budget.tick(now);
      this.#reader.push(bytes);
      this.#frames();
    } catch (error) {
      this.#fail(error);
    }
    return this.#told();
  }

  /**
   * Begins the response to a request; names of headers in lower case. `body` is its first bytes, or null; `end` ends the stream after it. False
   * where the stream is gone, or was reset because too much is queued. Throws Http2Error `bad_response` for a second head or a bad header.
   */
  respond(id: number, status: number, headers: readonly HpackField[], body: Uint8Array | null, end: boolean): boolean {
    const stream = this.#streams.get(id);
    if (stream === undefined) return false;
    if (stream.request !== null || stream.responded) throw new Http2Error("bad_response", "a response to no request");
    if (!isStatus(status)) throw new Http2Error("bad_response", "a status that is none");
    if (!headers.every(isField)) throw new Http2Error("bad_response", "a header with characters that are not allowed");
    stream.responded = true;
    const fields = headers.some(([name]) => isOfConnection(name))
      ? headers.filter(([name]) => !isOfConnection(name))
      : headers;
    const bare = end && (body === null || body.length === 0);
    this.#sender.head(id, status, fields, bare);
    if (bare) {
      this.#streams.delete(id);
      this.#endWhereDone();
    }
    return bare || body === null || this.write(id, body, end);
  }

  /**
   * More of a response. What no window lets out is queued, and must not change. False where the stream is gone, or was reset because too much is
   * queued (H59). Throws Http2Error `bad_response` before `respond` and after the end.
   */
  write(id: number, bytes: Uint8Array, end: boolean): boolean {
    const stream = this.#streams.get(id);
    if (stream === undefined) return false;
    if (!stream.responded || stream.ending)
      throw new Http2Error("bad_response", "DATA before the head or after the end");
    const taken = this.#sender.data(stream, bytes, end);
    if (!taken) this.#sender.reset(id, HTTP2_CODE.enhanceYourCalm);
    this.#endWhereDone();
    return taken;
  }

  /** Octets that could go out on a stream at once, beyond what is queued; 0 where it is gone. */
  room(id: number): number {
    const stream = this.#streams.get(id);
    return stream === undefined ? 0 : this.#sender.room(stream);
  }

  /** Ends a stream before its response has. No event follows. */
  reset(id: number, code: number): void {
    if (!this.#streams.has(id)) return;
    this.#requests.forget(id);
    this.#sender.reset(id, code);
    this.#endWhereDone();
  }

  /** Asks for a sign of life, which comes as `pong` with the same number: a safe integer, not negative. */
  ping(data: number): void {
    if (!this.#ended) this.#sender.writer.numbers(FRAME.ping, 0, 0, ...pingNumbers(data));
  }

  /** Takes no new requests. The connection ends with its last stream, at once where there is none: see `ended`. */
  goAway(): void {
    if (this.#ended || this.#accepting !== null) return;
    this.#accepting = this.#requests.last;
    this.#sayGoAway(HTTP2_CODE.noError, "");
    this.#endWhereDone();
  }

  /** What is to be sent now; empty where nothing is. */
  take(): Uint8Array {
    return this.#sender.writer.take();
  }

  /** The connection as some tens of bytes, and some more for each open stream. Throws Http2Error `not_idle`. */
  save(): Uint8Array {
    if (!this.idle) throw new Http2Error("not_idle", "the connection has more than can be saved");
    return encodeState({
      prefaceSeen: this.#reader.prefaceSeen,
      settled: this.#settled,
      acknowledged: this.#acknowledged,
      clientLeaves: this.#clientLeaves,
      accepting: this.#accepting,
      budget: { points: this.#budget.points, at: this.#budget.at },
      sender: this.#sender.state,
      requests: this.#requests.state,
      streams: [...this.#streams.values()].map(({ id, window, responded }) => ({ id, window, responded })),
    });
  }

  #told(): Http2Event[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #greet(): void {
    this.#sender.writer.settings(
      [SETTING.headerTableSize, 0],
      [SETTING.maxConcurrentStreams, MAX_STREAMS],
      [SETTING.initialWindowSize, RECEIVE_WINDOW],
      [SETTING.maxHeaderListSize, MAX_FIELD_LIST.size],
    );
    this.#sender.writer.numbers(FRAME.windowUpdate, 0, 0, RECEIVE_WINDOW - DEFAULT_WINDOW);
  }

  #resume(state: Http2State): void {
    this.#settled = state.settled;
    this.#acknowledged = state.acknowledged;
    this.#clientLeaves = state.clientLeaves;
    this.#accepting = state.accepting;
    for (const { id, window, responded } of state.streams) {
      const stream = new Http2Stream(id, window, null);
      stream.responded = responded;
      this.#streams.set(id, stream);
    }
  }

  /** Ends the connection. The client is told why in the words of its own fault, and nothing of a fault of ours. */
  #fail(error: unknown): void {
    const { code, message } =
      error instanceof ConnectionError ? error : { code: HTTP2_CODE.internalError, message: "a fault of the server's" };
    this.#fault = error instanceof ConnectionError ? message : String(error);
    this.#sayGoAway(code, message);
    this.#end();
  }

  #sayGoAway(code: number, message: string): void {
    const last = this.#accepting ?? this.#requests.last;
    this.#sender.writer.goAway(last, code, message);
  }

  #endWhereDone(): void {
    if (!this.#ended && (this.#clientLeaves || this.#accepting !== null) && this.#streams.size === 0) this.#end();
  }

  #end(): void {
    this.#ended = true;
    for (const id of this.#streams.keys()) this.#requests.forget(id);
    this.#events.push({ kind: "closed" });
  }

  /** The frames that are here, up to the one that ends the connection: what comes after it is nobody's. */
  #frames(): void {
    while (!this.#ended) {
      const frame = this.#reader.next();
      if (frame === null) return;
      this.#frame(frame);
      this.#endWhereDone();
    }
  }

  /** One frame. A fault of one stream ends here. Throws ConnectionError. */
  #frame(frame: Frame): void {
    try {
      this.#budget.spend(BUDGET.frame);
      if (!this.#settled && (frame.type !== FRAME.settings || (frame.flags & FLAG.ack) !== 0))
        throw broken("the first frame is not SETTINGS");
      if (this.#requests.inBlock !== null && frame.type !== FRAME.continuation)
        throw broken("a frame inside a header block");
      checkControl(frame);
      this.#dispatch(frame);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.#budget.spend(BUDGET.reset);
      this.#drop(error.stream);
      this.#sender.reset(error.stream, error.code);
    }
  }

  #dispatch(frame: Frame): void {
    switch (frame.type) {
      case FRAME.data:
        return this.#requests.data(frame);
      case FRAME.headers:
        return this.#requests.headers(frame, this.#accepting);
      case FRAME.continuation:
        return this.#requests.continuation(frame, this.#accepting);
      case FRAME.priority:
        return this.#priority(frame);
      case FRAME.resetStream:
        return this.#resetByClient(frame);
      case FRAME.settings:
        return this.#settings(frame);
      case FRAME.ping:
        return this.#pinged(frame);
      case FRAME.goAway:
        this.#clientLeaves = true;
        return;
      case FRAME.windowUpdate:
        return this.#windowUpdate(frame);
      default:
        return;
    }
  }

  /** Forgets a stream, and tells so where its request was told. */
  #drop(id: number): void {
    const told = this.#streams.get(id)?.request === null;
    this.#requests.forget(id);
    if (told) this.#events.push({ kind: "reset", stream: id });
  }

  #priority({ stream, payload }: Frame): void {
    if (payload.length === PRIORITY_OCTETS) return;
    const message = "PRIORITY of a wrong length";
    if (this.#streams.has(stream)) throw new StreamError(stream, HTTP2_CODE.frameSizeError, message);
    throw new ConnectionError(HTTP2_CODE.frameSizeError, message);
  }

  #resetByClient({ stream }: Frame): void {
    this.#checkOpened(stream);
    if (!this.#streams.has(stream)) return;
    this.#budget.spend(BUDGET.reset);
    this.#drop(stream);
  }

  #settings({ flags, payload }: Frame): void {
    if ((flags & FLAG.ack) !== 0) {
      this.#acknowledged = true;
      this.#requests.forbidTable();
      return;
    }
    this.#budget.spend(this.#settled ? BUDGET.settings : 0);
    this.#settled = true;
    const window = initialWindow(payload);
    if (window !== null) this.#sender.setInitialWindow(window);
    // Before any DATA that they let out.
    this.#sender.writer.numbers(FRAME.settings, FLAG.ack, 0);
    this.#sender.pump();
  }

  #pinged({ flags, payload }: Frame): void {
    if ((flags & FLAG.ack) === 0) {
      this.#sender.writer.frame(FRAME.ping, FLAG.ack, 0, payload);
      return;
    }
    const data = pingNumber(payload);
    if (data !== null) this.#events.push({ kind: "pong", data });
  }

  #windowUpdate({ stream: id, payload }: Frame): void {
    const by = widening(payload);
    if (id === 0) {
      if (by === 0) throw broken("a window wider by nothing");
      this.#sender.widen(null, by);
      return;
    }
    this.#checkOpened(id);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (by === 0) throw new StreamError(id, HTTP2_CODE.protocolError, "a window wider by nothing");
    this.#sender.widen(stream, by);
  }

  /** Throws ConnectionError where a stream was never opened. */
  #checkOpened(stream: number): void {
    if (stream > this.#requests.last) throw broken("a frame on a stream that was not opened");
  }
}

function isStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 999;
}

function broken(message: string): ConnectionError {
  return new ConnectionError(HTTP2_CODE.protocolError, message);
}
