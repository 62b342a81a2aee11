/**
 * The connections of Tailscale clients that one object holds: accepted, heard, and their requests answered. Between changes and keep-alives the object
 * hibernates: what is known of a connection is saved with its socket.
 */

import {
  decodeBase64,
  openInitiation,
  type Http2Event,
  type Http2Request,
  type MachineKey,
} from "../../protocol/index.ts";
import { ControlConnection } from "./connection.ts";
import { controlKeyOf } from "./key.ts";
import { ControlMaps } from "./maps.ts";
import { BUSY, ControlRequests, REQUESTS_A_CONNECTION, letsIn, plainAnswer } from "./requests.ts";
import { ControlSockets } from "./sockets.ts";
import type { ControlStream } from "./stream.ts";
import type { ConnectionTicket } from "./ticket.ts";
import type { ObjectsEnv } from "../env.ts";
import type { MapAudience } from "../maps/audience.ts";
import { noiseCrypto } from "./native-noise.ts";
import type { Relays } from "../sessions/relays.ts";
import type { StreamSessions } from "../sessions/stream-sessions.ts";

/** Connections that one machine may have open: one, and those that it has lost and we have not noticed yet. */
const CONNECTIONS_A_MACHINE = 4;
/** Connections of one object: each takes some kilobytes of its 128 MB. A full shard of a large tailnet has 1,000, and a crowded shared object some thousands. */
const MOST_CONNECTIONS = 8000;
/** Milliseconds within which a first record has to come where there is no more room. */
const HASTY_MS = 5000;
/** Milliseconds within which a connection's first record has to come; for which one may have nothing open, or take nothing of what is under way. */
const FIRST_RECORD_MS = 60_000;
const IDLE_MS = 10 * 60_000;
const STALLED_MS = 120_000;
/** Bytes of one message, which is opened whole: clients write records of 4 KB, and a bridge what it reads at once, some 64 KB. */
const MOST_MESSAGE = 1024 * 1024;
/** Bytes under way to all clients at which no more is answered for now, and those of one client beyond which it is cut off then. */
const MOST_TO_ALL = 64 * 1024 * 1024;
const FAIR_TO_ONE = 2 * 1024 * 1024;

/** Bytes that a client has still to take, as far as is known. */
const toTake = ({ underWay, http2 }: ControlConnection): number => underWay + http2.queued;

export class ControlSessions {
  readonly #ctx: DurableObjectState;
  readonly #env: ObjectsEnv;
  readonly #arm: () => Promise<void>;
  readonly sockets: ControlSockets;
  readonly maps: ControlMaps;
  readonly requests: ControlRequests;
  mostConnections: number = MOST_CONNECTIONS;
  mostToAll: number = MOST_TO_ALL;
  fairToOne: number = FAIR_TO_ONE;

  /** `arm` is told whenever there may be more to keep alive; `single` makes maps that no news follow. */
  constructor(
    ctx: DurableObjectState,
    env: ObjectsEnv,
    audience: MapAudience,
    single: StreamSessions,
    relays: Relays,
    arm: () => Promise<void>,
  ) {
    this.#ctx = ctx;
    this.#env = env;
    this.#arm = arm;
    this.sockets = new ControlSockets(ctx, (stream) => {
      this.maps.dropped(stream);
    });
    this.maps = new ControlMaps(this.sockets, audience, single, relays);
    this.requests = new ControlRequests(ctx);
  }

  get count(): number {
    return this.sockets.all().size;
  }

  /** Map streams of the tailnet. */
  countOf(tailnet: string): number {
    return this.maps.of(tailnet).length;
  }

  /**
   * Takes a connection, and gives the end that goes to the client; null where there is no key to open its handshake with, or no room. Throws NoiseError
   * for a handshake that is none.
   */
  async accept({ initiation, ...place }: ConnectionTicket, now: number): Promise<WebSocket | null> {
    const control = controlKeyOf(this.#env);
    const message = decodeBase64(initiation);
    if (!control.ok || message === null || !this.#hasRoom(now)) return null;
    const opened = await openInitiation(message, control.value, noiseCrypto);
    const { machineKey } = opened;
    const { response, state } = await opened.respond();
    const times = { opened: now, heard: now };
    const facts = { ...place, ...times, machineKey, proven: false, sent: 0, taken: 0, ping: null };
    const socket = this.sockets.accept(machineKey, (wire) => ControlConnection.begin(wire, facts, response, state));
    await this.#arm();
    return socket;
  }

  /**
   * True where one more connection can be taken [X14]. Where there are too many, those go first that have not proven whose they are, and then the one that
   * has been silent for longest with nothing open: keys are free to make, and so is what a key proves.
   */
  #hasRoom(now: number): boolean {
    const all = this.sockets.all();
    if (all.size < this.mostConnections) return true;
    for (const [socket, { isProven, facts }] of Array.from(all))
      if (!isProven && facts.opened < now - HASTY_MS) this.sockets.close(socket, "slow");
    if (all.size < this.mostConnections) return true;
    let idlest: readonly [WebSocket, number] | null = null;
    for (const [socket, { streams, inFlight, facts }] of all)
      if (streams.size + inFlight === 0 && facts.heard < (idlest?.[1] ?? now - HASTY_MS))
        idlest = [socket, facts.heard];
    if (idlest !== null) this.sockets.close(idlest[0], "left");
    return all.size < this.mostConnections;
  }

  /** A message of a client. Attacker-controlled. */
  take(socket: WebSocket, message: string | ArrayBuffer, now: number): Promise<void> {
    const moved: ControlStream[] = [];
    let hasAsked = false as boolean;
    if (this.sockets.get(socket) === null) this.sockets.close(socket, "lost");
    else if (typeof message === "string" || message.byteLength > MOST_MESSAGE) this.sockets.close(socket, "malformed");
    else
      this.sockets.step(socket, (connection) => {
        const { proven: wasProven, machineKey } = connection.facts;
        const before = [...connection.streams.values()].map((stream) => [stream, stream.underWay] as const);
        const events = connection.receive(new Uint8Array(message), now);
        for (const [stream, underWay] of before) {
          if (stream.underWay < underWay) moved.push(stream);
          this.maps.taken(stream, underWay);
        }
        if (!wasProven && connection.isProven) this.#proven(socket, machineKey);
        for (const event of events) this.#event(socket, connection, event);
        hasAsked = events.some(({ kind }) => kind === "request");
      });
    if (hasAsked) this.#askAll();
    return this.maps.goOn(socket, moved);
  }

  #event(socket: WebSocket, connection: ControlConnection, event: Http2Event): void {
    if (event.kind === "request") this.#request(socket, connection, event.request);
    else if (event.kind === "reset") {
      const stream = connection.forget(event.stream);
      if (stream !== null) this.maps.dropped(stream);
    }
  }

  /** The machine has proven itself: its oldest connections go where it has too many. */
  #proven(socket: WebSocket, machineKey: MachineKey): void {
    const others = this.sockets
      .ofMachine(machineKey)
      .filter((each) => each.socket !== socket && each.connection.facts.proven)
      .sort((a, b) => b.connection.facts.opened - a.connection.facts.opened);
    for (const other of others.slice(CONNECTIONS_A_MACHINE - 1)) this.sockets.leave(other.socket);
  }

  /** Asks all clients whether they have taken what went out, once it is much together: of what is little for each, nobody asks otherwise. */
  #askAll(): void {
    if (this.sockets.sum(toTake) < this.mostToAll / 2) return;
    for (const [socket, connection] of this.sockets.all())
      if (connection.isUnasked)
        this.sockets.step(socket, () => {
          connection.ask();
        });
  }

  #request(socket: WebSocket, connection: ControlConnection, request: Http2Request): void {
    const isRelieved = this.sockets.relieve(toTake, this.mostToAll, this.fairToOne);
    // It may have been cut off itself.
    if (connection.isOver) return;
    if (connection.running >= REQUESTS_A_CONNECTION)
      connection.answer(request.stream, plainAnswer(429, "too many requests at once"));
    else if (!isRelieved) connection.answer(request.stream, BUSY);
    else {
      connection.begins(request.stream);
      this.#ctx.waitUntil(this.#answer(socket, connection, request));
    }
  }

  async #answer(socket: WebSocket, connection: ControlConnection, request: Http2Request): Promise<void> {
    const { machineKey, holder, origin } = connection.facts;
    const { stream } = request;
    const answer = await this.requests.ask({ machineKey, holder }, origin, request);
    const settled = answer.kind === "map" ? await this.maps.answer(socket, stream, answer.ticket) : answer;
    if (settled === null) return this.#arm();
    this.sockets.step(socket, () => {
      if (!connection.ends(stream)) return;
      // The GOAWAY first: who has read the answer is not to ask for its map here.
      if (connection.facts.placedFor === null && letsIn(request, settled)) connection.leave();
      connection.answer(stream, settled);
    });
  }

  /** Closes connections in which nothing goes on [X14]. */
  sweep(now: number): void {
    for (const [socket, connection] of this.sockets.all()) {
      const { facts, streams, isQuiet } = connection;
      const isStalled = [...streams.values()].some(
        ({ underWay, state }) => underWay > 0 && state.moved < now - STALLED_MS,
      );
      const isSilent = !facts.proven && facts.opened < now - FIRST_RECORD_MS;
      // What goes out is answered by whoever reads, map stream or not.
      const isDeaf = facts.ping !== null && facts.ping.at < now - STALLED_MS;
      if (isStalled || isSilent || isDeaf) this.sockets.close(socket, "slow");
      else if (isQuiet && streams.size === 0 && facts.heard < now - IDLE_MS) this.sockets.leave(socket);
    }
  }
}
