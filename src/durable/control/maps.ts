/**
 * The map streams in clients' connections: opened by a ticket, told as all listeners of an object are, and ended.
 *
 * Rule [X15]: a newcomer's connection is told to come back (GOAWAY) with the answer that lets it in; one that sits in the wrong object all the same, when it
 *            asks for a map, which is refused in the way that has the client ask again (old clients write that in their log). A stream that is open stays
 *            where it is when the layout changes: clients come back often enough by themselves.
 */

import { HTTP2_CODE, encodeMapMessage, type MapCloseReason } from "../../protocol/index.ts";
import type { ControlConnection } from "./connection.ts";
import { plainAnswer, type MapTicket, type WholeAnswer } from "./requests.ts";
import type { ConnectionFacts } from "./saved.ts";
import type { ControlSockets } from "./sockets.ts";
import { ControlStream, MOST_UNDER_WAY } from "./stream.ts";
import { log } from "../log.ts";
import type { Holder, Listener, MapAudience, Standing } from "../maps/audience.ts";
import { openSession, type MapSession } from "../maps/session.ts";
import { MapText, type SharedText } from "../maps/text.ts";
import { outcomeOf } from "../refuse.ts";
import { shardOf } from "../seating/layout.ts";
import type { Admitted } from "../sessions/ticket.ts";
import type { Relays } from "../sessions/relays.ts";
import type { StreamSessions } from "../sessions/stream-sessions.ts";

/** Map streams of one node, and in one connection: one, and those that were lost unnoticed. */
const STREAMS_A_NODE = 2;
const STREAMS_A_CONNECTION = 4;
const NOTHING = new Uint8Array(0);
const KEEP_ALIVE = new MapText(encodeMapMessage({ KeepAlive: true }));
const MAP_HEADERS = [["content-type", "application/octet-stream"]] as const;
const LATE = plainAnswer(503, "the map is not here yet: ask again");

export class ControlMaps implements Holder {
  readonly #sockets: ControlSockets;
  readonly #audience: MapAudience;
  readonly #single: StreamSessions;
  readonly #relays: Relays;

  /** `single` makes maps that no news follow. */
  constructor(sockets: ControlSockets, audience: MapAudience, single: StreamSessions, relays: Relays) {
    this.#sockets = sockets;
    this.#audience = audience;
    this.#single = single;
    this.#relays = relays;
    audience.join(this);
  }

  all(): Listener[] {
    return this.#listeners(() => true);
  }

  of(tailnet: string): Listener[] {
    return this.#listeners(({ state }) => state.tailnet === tailnet);
  }

  ofNode(tailnet: string, nodeId: number): Listener[] {
    return this.#listeners(({ state }) => state.tailnet === tailnet && state.session.nodeId === nodeId);
  }

  #listeners(isMeant: (stream: ControlStream) => boolean): Listener[] {
    const listeners: Listener[] = [];
    for (const [socket, { streams }] of this.#sockets.all())
      for (const stream of streams.values()) if (isMeant(stream)) listeners.push(this.#listener(socket, stream));
    return listeners;
  }

  #listener(socket: WebSocket, stream: ControlStream): Listener {
    return {
      key: stream,
      standing: () => this.#standing(socket, stream),
      tell: (message, session) => {
        this.#tell(socket, stream, message, session);
      },
      keep: (session) => {
        this.#sockets.step(socket, () => {
          stream.keep(session);
        });
      },
      end: (reason) => {
        this.#end(socket, stream, reason);
      },
      isFull: ({ underWay }) => underWay > MOST_UNDER_WAY,
    };
  }

  #standing(socket: WebSocket, stream: ControlStream): Standing | null {
    const { id, tailnet, session, epoch, admitted, moved } = stream.state;
    if (this.#sockets.get(socket)?.streams.get(id) !== stream) return null;
    return { tailnet, session, epoch, admitted, moved, underWay: stream.underWay };
  }

  /** True where some client wishes for keep-alives. */
  get areKeptAlive(): boolean {
    for (const { streams } of this.#sockets.all().values())
      for (const { state } of streams.values()) if (state.keepAlive) return true;
    return false;
  }

  /** A keep-alive for each map stream whose client wishes for them, unless something is still on its way out to it. */
  keepAlive(): void {
    for (const [socket, { streams, http2 }] of this.#sockets.all()) {
      const wishing = [...streams.values()].filter(({ state }) => state.keepAlive);
      if (wishing.length === 0 || http2.queued > 0) continue;
      this.#sockets.step(socket, () => {
        for (const { state } of wishing) http2.write(state.id, KEEP_ALIVE.frame(state.zstd), false);
      });
    }
  }

  /** The answer to a map request that was admitted: null where it is a stream, which is open from then on. */
  async answer(socket: WebSocket, id: number, { admitted, wish }: MapTicket): Promise<WholeAnswer | null> {
    if (wish.hears) await this.#relays.ready(Date.now());
    if (!wish.stream) {
      const whole = await outcomeOf(() => this.#single.open(admitted, wish));
      if (!whole.ok || !(whole.value instanceof Uint8Array)) return LATE;
      return { kind: "whole", status: 200, headers: MAP_HEADERS, body: whole.value };
    }
    const { tailnet, epoch, seq } = admitted;
    const { zstd, keepAlive } = wish;
    // Wherever it is held, the authority has been told of it.
    const session = openSession({ ...admitted, shards: null }, wish.handle, wish.since, wish.hears);
    const place = { id, tailnet, epoch, admitted: seq, zstd, keepAlive, session };
    const stream = new ControlStream({ ...place, sent: 0, received: 0, moved: Date.now() });
    this.#sockets.step(socket, (connection) => {
      this.#open(connection, stream, admitted);
    });
    await this.#serve(socket, stream);
    return null;
  }

  #open(connection: ControlConnection, stream: ControlStream, admitted: Admitted): void {
    const { http2, streams, facts } = connection;
    const { id, tailnet, session } = stream.state;
    if (!connection.ends(id)) return;
    if (isMisplaced(facts, admitted)) {
      for (const other of streams.values()) this.dropped(other);
      connection.leave();
      http2.reset(id, HTTP2_CODE.refusedStream);
      return;
    }
    if (streams.size >= STREAMS_A_CONNECTION) {
      connection.answer(id, plainAnswer(429, "too many map streams in one connection"));
      return;
    }
    for (const old of this.ofNode(tailnet, session.nodeId).slice(0, 1 - STREAMS_A_NODE)) old.end("replaced");
    streams.set(id, stream);
    http2.respond(id, 200, MAP_HEADERS, null, false);
  }

  /** Goes on with what had waited until a client has taken what was under way. */
  async goOn(socket: WebSocket, moved: readonly ControlStream[]): Promise<void> {
    for (const stream of moved) await this.#serve(socket, stream);
    if (moved.length > 0) await this.#audience.admitWaiting();
  }

  async #serve(socket: WebSocket, stream: ControlStream): Promise<void> {
    try {
      await this.#audience.serveOne(this.#listener(socket, stream));
    } catch (error) {
      log.warn("a map was not sent; its node comes back", {}, error);
      this.#end(socket, stream, "failed");
    }
  }

  #tell(socket: WebSocket, stream: ControlStream, message: MapText, session: MapSession): void {
    this.#sockets.step(socket, (connection) => {
      const { id, tailnet, zstd } = stream.state;
      const bytes = message.frame(zstd);
      const before = stream.underWay;
      stream.told(session, bytes.length, Date.now());
      this.#audience.count(tailnet, stream.underWay - before);
      if (connection.http2.write(id, bytes, false)) return;
      // So much waits for the client's windows that the stream was reset.
      this.dropped(stream);
      connection.forget(id);
    });
  }

  /** Tells all who have been told of relays that there are others now; who has not been told of anything yet will be told of them. */
  tellRelays(map: SharedText): void {
    const message = new MapText(`{"DERPMap":`, map, "}");
    for (const [socket, { streams }] of Array.from(this.#sockets.all()))
      for (const stream of Array.from(streams.values())) {
        const { session } = stream.state;
        const isTold = session.epoch !== "" && !session.resumed && session.presence !== null;
        if (isTold) this.#tell(socket, stream, message, session);
      }
  }

  /** Ends a map stream. Who takes nothing loses the connection; who is to begin anew is told to come back. */
  #end(socket: WebSocket, stream: ControlStream, reason: MapCloseReason): void {
    if (this.#standing(socket, stream) === null) return;
    if (reason === "slow") {
      this.#sockets.close(socket, "slow");
      return;
    }
    const { id, tailnet } = stream.state;
    this.dropped(stream);
    this.#sockets.step(socket, (connection) => {
      connection.forget(id);
      if (reason === "failed") connection.http2.reset(id, HTTP2_CODE.internalError);
      else connection.http2.write(id, NOTHING, true);
    });
    const facts = this.#sockets.get(socket)?.facts;
    if (reason === "moved" && (facts?.placedFor ?? tailnet) === tailnet) this.#sockets.leave(socket);
  }

  /** A map stream is no more. */
  dropped(stream: ControlStream): void {
    const { tailnet, session } = stream.state;
    this.#audience.gone(stream, tailnet, session.nodeId, stream.underWay);
  }

  /** What is under way on a stream has become less. */
  taken(stream: ControlStream, before: number): void {
    this.#audience.count(stream.state.tailnet, stream.underWay - before);
  }
}

/** True where the node's place is another object, and the client would come there if it came again [X15]. */
function isMisplaced({ placedFor, holder }: ConnectionFacts, admitted: Admitted): boolean {
  return placedFor === null || (placedFor === admitted.tailnet && holder !== shardOf(admitted, "socket"));
}
