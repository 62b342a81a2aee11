/**
 * Holds the nodes' sessions: WebSockets in some objects, streams in others [X4], the nodes of many small tailnets or some of one large one's [X3].
 *
 * Rule [X1]: the authority's `advance` is a hurry, and the Queue's a promise. Beside both, while it holds anybody, the object compares with the
 *            authority: by a timer for streams, since it is awake; by an alarm for sockets, and a shared object only a part of its tailnets each time.
 * Rule [X2]: nothing is stored here but that alarm, the names of tailnets [X20] and the last good map of relays [X21]: a session that is cut off is made
 *            again by its node.
 */

import { DurableObject } from "cloudflare:workers";
import { CONTROL_SUBPROTOCOL, KEEP_ALIVE_MS, MAP_SUBPROTOCOL, type Outcome } from "../../protocol/index.ts";
import type { Advanced } from "./advance.ts";
import { ControlSessions } from "../control/sessions.ts";
import { connectionOf, type ConnectionTicket } from "../control/ticket.ts";
import type { ObjectsEnv } from "../env.ts";
import { log } from "../log.ts";
import { outcomeOf } from "../refuse.ts";
import { bucketOfText } from "../seating/layout.ts";
import { ticketOf, type Admitted, type StreamWish } from "./ticket.ts";
import { MapAudience } from "../maps/audience.ts";
import { Relays } from "./relays.ts";
import { Snapshots } from "../maps/snapshots.ts";
import { PresenceReports } from "./presence-reports.ts";
import { SocketSessions } from "./socket-sessions.ts";
import { StreamSessions } from "./stream-sessions.ts";

/** Milliseconds between alarms while there are sockets: within that all tailnets have been compared, where they are few. Clients' map streams are kept
 * alive by the same alarm, and it rings the more often. */
const ALARM_MS = 5 * 60_000;
/** Tailnets of sockets that are compared at one alarm, about, and alarms after which each has been compared. */
const COMPARED_AT_ONCE = 50;
const MOST_TURNS = 12;
/** Milliseconds between comparisons while there are streams. Each is a call for each tailnet, and calls are what shared objects would cost most in. */
const COMPARE_STREAMS_MS = 5 * 60_000;

/** Milliseconds for which an alarm waits for what it compares: no other rings before it has ended, and clients wait for the next one's keep-alives. */
const COMPARING_MS = 20_000;

/** What a close is answered with. */
const NORMAL_CLOSE = 1000;

export class NodeSessions extends DurableObject<ObjectsEnv> {
  #compareMs: number = COMPARE_STREAMS_MS;
  readonly relays: Relays;
  comparingMs: number = COMPARING_MS;
  readonly presence: PresenceReports;
  readonly audience: MapAudience;
  readonly sockets: SocketSessions;
  readonly streams: StreamSessions;
  readonly connections: ControlSessions;
  /** Where in a period this object's alarms ring. */
  readonly #phase: number;
  #comparing: ReturnType<typeof setTimeout> | undefined;
  /** When the alarm is known to ring, in milliseconds since the epoch; null where nothing is known of one. */
  #armed: number | null = null;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#phase = bucketOfText(ctx.id.toString(), KEEP_ALIVE_MS);
    this.relays = new Relays(ctx, env, (map) => {
      this.connections.maps.tellRelays(map);
    });
    const snapshots = new Snapshots(env, this.relays);
    this.presence = new PresenceReports(ctx, env, {
      has: (tailnet, nodeId) => this.audience.has(tailnet, nodeId) || this.streams.nodes(tailnet).has(nodeId),
      all: (tailnet) => [...new Set([...this.audience.nodes(tailnet), ...this.streams.nodes(tailnet)])],
    });
    this.audience = new MapAudience(ctx, snapshots, this.presence);
    this.sockets = new SocketSessions(ctx, env, this.audience);
    this.streams = new StreamSessions(snapshots, this.presence);
    this.connections = new ControlSessions(ctx, env, this.audience, this.streams, this.relays, () => this.#arm());
    if (ctx.getWebSockets().length === 0) ctx.waitUntil(this.presence.begin());
  }

  /** A session for a node that the Worker has had admitted: its ticket is in a header that nothing from outside reaches. */
  override async fetch(request: Request): Promise<Response> {
    const connection = connectionOf(request);
    if (connection !== null) return this.#connect(connection);
    const { admitted, wish } = ticketOf(request);
    if (wish !== null) return this.#stream(admitted, wish);
    const socket = this.sockets.accept(admitted, Date.now());
    await this.#arm();
    return new Response(null, {
      status: 101,
      webSocket: socket,
      headers: { "sec-websocket-protocol": MAP_SUBPROTOCOL },
    });
  }

  /** A client's connection, or a refusal: its handshake is opened here once more. */
  async #connect(ticket: ConnectionTicket): Promise<Response> {
    const socket = await this.connections.accept(ticket, Date.now());
    if (socket === null) return new Response(null, { status: 503 });
    const headers = { "sec-websocket-protocol": CONTROL_SUBPROTOCOL };
    return new Response(null, { status: 101, webSocket: socket, headers });
  }

  /** The stream, or a refusal as JSON with a status that says so. */
  async #stream(admitted: Admitted, wish: StreamWish): Promise<Response> {
    const opened: Outcome<Uint8Array | ReadableStream> = await outcomeOf(() => this.streams.open(admitted, wish));
    if (!opened.ok) return Response.json(opened.error, { status: 409 });
    if (this.streams.count === 1 && wish.stream) this.#compareStreams();
    if (wish.stream) await this.#arm();
    return new Response(opened.value, { headers: { "content-type": "application/octet-stream" } });
  }

  /** Compares all tailnets that have streams, again and again until there are none. */
  #compareStreams(): void {
    clearTimeout(this.#comparing);
    this.#comparing = setTimeout(() => {
      const tailnets = this.streams.tailnets();
      if (tailnets.length === 0) return;
      for (const tailnet of tailnets) this.ctx.waitUntil(this.#compared(this.streams, tailnet));
      this.#compareStreams();
    }, this.#compareMs);
  }

  /** Milliseconds between comparisons while there are streams; what is set holds from now on. */
  get compareStreamsMs(): number {
    return this.#compareMs;
  }

  set compareStreamsMs(ms: number) {
    this.#compareMs = ms;
    this.#compareStreams();
  }

  async #compared(sessions: MapAudience | StreamSessions, tailnet: string): Promise<void> {
    try {
      await sessions.compare(tailnet);
      await this.presence.compare(tailnet);
    } catch (error) {
      log.warn("comparison with the authority failed; it is made again", { tailnet }, error);
    }
  }

  /** Milliseconds between alarms. */
  get #period(): number {
    return this.connections.maps.areKeptAlive ? KEEP_ALIVE_MS : ALARM_MS;
  }

  /** Sees to it that the alarm rings in time. */
  async #arm(): Promise<void> {
    const due = this.#next(Date.now());
    this.#armed ??= await this.ctx.storage.getAlarm();
    if (this.#armed !== null && this.#armed <= due) return;
    this.#armed = due;
    await this.ctx.storage.setAlarm(due);
  }

  /** When the next alarm is due: objects ring at the same distances, and not in step. */
  #next(now: number): number {
    return (Math.floor((now - this.#phase) / this.#period) + 1) * this.#period + this.#phase;
  }

  /** Keeps clients' streams alive, and compares a part of the tailnets that are told of here; each has its turn within the hour [X1]. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#armed = null;
    const told = await this.presence.tailnets();
    if (this.sockets.count === 0 && this.connections.count === 0 && told.length === 0) return;
    await this.#arm();
    this.connections.maps.keepAlive();
    this.sockets.sweep(now);
    this.connections.sweep(now);
    if (this.connections.maps.areKeptAlive) this.ctx.waitUntil(this.relays.ready(now));
    const period = this.#period;
    const tailnets = [...new Set([...this.audience.tailnets(), ...told])];
    const turns = Math.min(MOST_TURNS, Math.ceil(tailnets.length / COMPARED_AT_ONCE)) * (ALARM_MS / period);
    const turn = Math.floor((now - this.#phase) / period) % turns;
    const due = tailnets.filter((tailnet) => bucketOfText(tailnet, turns) === turn);
    await this.#awhile(Promise.all(due.map((tailnet) => this.#compared(this.audience, tailnet))));
  }

  /** Waits for comparisons, but not for long: an authority that does not answer keeps nobody else's clients waiting. They go on by themselves. */
  async #awhile(comparisons: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(resolve, this.comparingMs, null);
    await Promise.race([comparisons, promise]);
    clearTimeout(timer);
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    if (this.connections.sockets.isOne(socket)) return this.connections.take(socket, message, Date.now());
    try {
      await this.sockets.take(socket, message, Date.now());
    } catch (error) {
      log.warn("a session failed; its node comes back", {}, error);
      this.sockets.fail(socket);
    }
  }

  override webSocketClose(socket: WebSocket): void {
    // The runtime answers no close by itself here, and the other side waits for it.
    if (socket.readyState !== WebSocket.CLOSED) socket.close(NORMAL_CLOSE);
    this.#gone(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#gone(socket);
  }

  #gone(socket: WebSocket): void {
    if (this.connections.sockets.isOne(socket)) this.connections.sockets.gone(socket);
    else this.sockets.gone(socket);
  }

  /**
   * Told that the tailnet is at `seq` and its presence at a number, after a commit; does nothing where it is there already. Rejects where the
   * authority cannot be asked.
   */
  async advance(tailnet: string, seq: number, presence = 0): Promise<Advanced> {
    const reached = await Promise.all([
      this.audience.advance(tailnet, seq, presence),
      this.streams.advance(tailnet, seq, presence),
    ]);
    return { seq: Math.min(...reached), sessions: this.#sessionsOf(tailnet) };
  }

  #sessionsOf(tailnet: string): number {
    return this.sockets.countOf(tailnet) + this.connections.countOf(tailnet) + this.streams.of(tailnet);
  }

  /** Sends a node its TKAInfo again: it has synchronised only in part. */
  async nudge(tailnet: string, nodeId: number): Promise<void> {
    this.streams.nudge(tailnet, nodeId);
    await this.audience.nudge(tailnet, nodeId);
  }
}
