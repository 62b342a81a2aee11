/**
 * One client's connection: HTTP/2 in Noise, and the map streams in it. Bytes in, bytes out and saved; it waits for nothing, and knows no socket.
 *
 * Rule [X9]: a nonce never comes again. What came in is opened before anything is waited for; sealing, saving and sending are one synchronous step, in
 *            that order, so that what is saved is never behind what was sent. Where a part of the step fails, the connection is over.
 * Rule [X11]: while a request is in flight, or bytes wait that came in part or cannot go out yet, nothing is saved from which the connection could go on.
 */

import { randomInt } from "node:crypto";
import {
  Http2Server,
  NoiseTransport,
  decodeNoiseState,
  encodeNoiseState,
  type Http2Event,
  type NoiseState,
} from "../../protocol/index.ts";
import { concatBytes } from "../../tka/index.ts";
import type { WholeAnswer } from "./requests.ts";
import { ControlStream } from "./stream.ts";
import {
  NOTHING_SAVED,
  decodeSaved,
  encodeSaved,
  type ConnectionFacts,
  type MapStreamState,
  type PingMark,
} from "./saved.ts";
import { noiseCrypto } from "./native-noise.ts";

const NOTHING = new Uint8Array(0);
/** Bytes of answers that may go out before the client is asked whether it has taken them. */
const UNASKED_BYTES = 256 * 1024;
/** The same where all clients together have much under way. */
const HASTY_BYTES = 8 * 1024;
/** Bytes of one message: bridges and browsers take no message without end, and the windows of a client may let out many megabytes at once. */
const MOST_MESSAGE = 1024 * 1024;
/** PINGs are numbers below this. */
const MOST_PING = 2 ** 47;

/** Where a connection's bytes go. Each method may throw: the connection is then over. */
export interface Wire {
  /** Keeps these bytes for as long as the transport lives. */
  save(bytes: Uint8Array): void;
  send(bytes: Uint8Array): void;
}

export class ControlConnection {
  readonly http2: Http2Server;
  /** By their HTTP/2 streams. */
  readonly streams: Map<number, ControlStream>;
  readonly #noise: NoiseTransport;
  readonly #wire: Wire;
  #facts: ConnectionFacts;
  /** HTTP/2 streams whose requests are being answered. */
  readonly #inFlight = new Set<number>();
  /** Requests that somebody works on, those that the client has given up included. */
  #running = 0;
  #isOver = false;
  #isHasty = false;

  private constructor(
    wire: Wire,
    facts: ConnectionFacts,
    noise: NoiseTransport,
    http2: Http2Server,
    streams: readonly MapStreamState[],
  ) {
    this.#wire = wire;
    this.#facts = facts;
    this.#noise = noise;
    this.http2 = http2;
    this.streams = new Map(streams.map((state) => [state.id, new ControlStream(state)]));
  }

  /** A new connection. `response` is the handshake's, which goes out first. */
  static begin(wire: Wire, facts: ConnectionFacts, response: Uint8Array, noise: NoiseState): ControlConnection {
    const transport = new NoiseTransport(noise, noiseCrypto);
    const connection = new ControlConnection(wire, facts, transport, new Http2Server(), []);
    connection.#send(response);
    return connection;
  }

  /** Goes on with a connection from what was saved, or gives null where it cannot. Only one may go on. */
  static restore(wire: Wire, attachment: unknown): ControlConnection | null {
    const saved = decodeSaved(attachment);
    if (saved === null) return null;
    const noise = new NoiseTransport(decodeNoiseState(saved.noise), noiseCrypto);
    return new ControlConnection(wire, saved.facts, noise, Http2Server.restore(saved.http2), saved.streams);
  }

  get facts(): ConnectionFacts {
    return this.#facts;
  }

  /** True once it has proven that it is its machine's. */
  get isProven(): boolean {
    return this.#facts.proven;
  }

  /** True once something failed in it: nothing more is sent or saved. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** True where it can be saved and gone on with [X11]. */
  get isQuiet(): boolean {
    return this.#inFlight.size === 0 && this.http2.idle && this.#noise.state.partial.length === 0;
  }

  /** True once it has ended, and all that was promised was sent. */
  get hasEnded(): boolean {
    return this.http2.ended;
  }

  /** Bytes that went out and that the client is not known to have taken. */
  get underWay(): number {
    return this.#facts.sent - this.#facts.taken;
  }

  /** True where the client should be asked whether it has taken what went out, although that is little. */
  get isUnasked(): boolean {
    return this.#facts.ping === null && this.underWay >= HASTY_BYTES;
  }

  /** Has the client asked with the next step. */
  ask(): void {
    this.#isHasty = true;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Requests that somebody works on, those that the client has given up included. */
  get running(): number {
    return this.#running;
  }

  /** What the client sent, opened and understood. Throws NoiseError: the connection is over. Attacker-controlled. */
  receive(bytes: Uint8Array, now: number): Http2Event[] {
    const plaintext = this.#noise.receive(bytes);
    const proven = this.#facts.proven || plaintext.length > 0;
    this.#facts = { ...this.#facts, proven, heard: now };
    const events = this.http2.receive(plaintext, now);
    for (const event of events) if (event.kind === "pong") this.#taken(event.data, now);
    return events;
  }

  begins(request: number): void {
    this.#running++;
    this.#inFlight.add(request);
  }

  /** A request is answered, or will not be. False where the client has given it up meanwhile. */
  ends(request: number): boolean {
    this.#running--;
    return this.#inFlight.delete(request) && !this.#isOver;
  }

  /** Answers a request. */
  answer(request: number, { status, headers, body }: WholeAnswer): void {
    this.http2.respond(request, status, headers, body, true);
  }

  /** The client has given up a request or a stream. Gives the map stream that it was, or null. */
  forget(id: number): ControlStream | null {
    this.#inFlight.delete(id);
    const stream = this.streams.get(id) ?? null;
    this.streams.delete(id);
    return stream;
  }

  /** Tells the client to come back over another connection, once it has what it has asked for here. */
  leave(): void {
    for (const id of this.streams.keys()) this.http2.write(id, NOTHING, true);
    this.streams.clear();
    this.http2.goAway();
  }

  /** Seals what is to be sent, saves, and sends [X9]. To be called at the end of every step. Throws where that fails: the connection is over. */
  flush(): void {
    this.#send(NOTHING);
  }

  #send(before: Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#askForSign();
      const sealed = this.#noise.seal(this.http2.take());
      this.#facts = { ...this.#facts, sent: this.#facts.sent + sealed.length };
      this.#wire.save(this.saved());
      const all = before.length === 0 ? sealed : concatBytes(before, sealed);
      for (let at = 0; at < all.length; at += MOST_MESSAGE)
        this.#wire.send(all.length <= MOST_MESSAGE ? all : all.slice(at, at + MOST_MESSAGE));
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }

  /** The bytes from which the connection can go on; where it could not, those that say so. */
  saved(): Uint8Array {
    if (!this.isQuiet) return NOTHING_SAVED;
    const streams = [...this.streams.values()].map(({ state }) => state);
    const noise = encodeNoiseState(this.#noise.state);
    return encodeSaved({ noise, http2: this.http2.save(), facts: this.#facts, streams });
  }

  /** Nothing is sent or saved from now on. */
  over(): void {
    this.#isOver = true;
    this.#inFlight.clear();
  }

  /** Asks the client for a sign once it has taken what went out: a PING's answer comes after all that was sent before it. */
  #askForSign(): void {
    const { ping, sent } = this.#facts;
    if (ping !== null || this.http2.queued > 0 || this.http2.ended) return;
    const streams = [...this.streams.values()].filter(({ underWay }) => underWay > 0);
    if (streams.length === 0 && this.underWay < (this.#isHasty ? HASTY_BYTES : UNASKED_BYTES)) return;
    this.#isHasty = false;
    // A number that nobody guesses: who does not read cannot answer.
    const mark: PingMark = {
      data: randomInt(MOST_PING),
      at: Date.now(),
      all: sent,
      sent: streams.map(({ state }) => [state.id, state.sent]),
    };
    this.#facts = { ...this.#facts, ping: mark };
    this.http2.ping(mark.data);
  }

  #taken(data: number, now: number): void {
    const { ping } = this.#facts;
    if (ping?.data !== data) return;
    this.#facts = { ...this.#facts, ping: null, taken: ping.all };
    for (const [id, bytes] of ping.sent) this.streams.get(id)?.taken(bytes, now);
  }
}
