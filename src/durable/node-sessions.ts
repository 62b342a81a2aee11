/**
 * Holds the nodes' sessions: WebSockets in some objects, streams in others [X4], the nodes of many small tailnets or some of one large one's [X3].
 *
 * Rule [X1]: the authority's `advance` is a hurry, and the Queue's a promise. Beside both, while it holds anybody, the object compares with the
 *            authority: by a timer for streams, since it is awake; by an alarm for sockets, and a shared object only a part of its tailnets each time.
 * Rule [X2]: nothing is stored here but that alarm: a session that is cut off is made again by its node.
 */

import { DurableObject } from "cloudflare:workers";
import { MAP_SUBPROTOCOL, type Outcome } from "../protocol/index.ts";
import type { Advanced } from "./advance-sessions.ts";
import type { ObjectsEnv } from "./env.ts";
import { outcomeOf } from "./refuse.ts";
import { bucketOfText } from "./session-layout.ts";
import { ticketOf, type Admitted, type StreamWish } from "./session-ticket.ts";
import { MapAudience } from "./map-audience.ts";
import { Snapshots } from "./snapshots.ts";
import { SocketSessions } from "./socket-sessions.ts";
import { StreamSessions } from "./stream-sessions.ts";

/** Milliseconds between alarms while there are sockets. */
const ALARM_MS = 5 * 60_000;
/** Tailnets of sockets that are compared at one alarm, about, and alarms after which each has been compared. */
const COMPARED_AT_ONCE = 50;
const MOST_TURNS = 12;
/** Milliseconds between comparisons while there are streams. Each is a call for each tailnet, and calls are what shared objects would cost most in. */
const COMPARE_STREAMS_MS = 5 * 60_000;

export class NodeSessions extends DurableObject<ObjectsEnv> {
  #compareMs: number = COMPARE_STREAMS_MS;
  readonly audience: MapAudience;
  readonly sockets: SocketSessions;
  readonly streams: StreamSessions;
  #comparing: ReturnType<typeof setTimeout> | undefined;
  #isArmed = false;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    const snapshots = new Snapshots(env);
    this.audience = new MapAudience(ctx, snapshots);
    this.sockets = new SocketSessions(ctx, env, this.audience);
    this.streams = new StreamSessions(snapshots);
  }

  /** A session for a node that the Worker has had admitted: its ticket is in a header that nothing from outside reaches. */
  override async fetch(request: Request): Promise<Response> {
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

  /** The stream, or a refusal as JSON with a status that says so. */
  async #stream(admitted: Admitted, wish: StreamWish): Promise<Response> {
    const opened: Outcome<Uint8Array | ReadableStream> = await outcomeOf(() => this.streams.open(admitted, wish));
    if (!opened.ok) return Response.json(opened.error, { status: 409 });
    if (this.streams.count === 1 && wish.stream) this.#compareStreams();
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

  /** Milliseconds between comparisons while there are streams, from now on. */
  set compareStreamsMs(ms: number) {
    this.#compareMs = ms;
    this.#compareStreams();
  }

  async #compared(sessions: MapAudience | StreamSessions, tailnet: string): Promise<void> {
    try {
      await sessions.compare(tailnet);
    } catch (error) {
      console.warn("comparison with the authority failed; it is made again", String(error));
    }
  }

  async #arm(): Promise<void> {
    if (this.#isArmed) return;
    this.#isArmed = true;
    if ((await this.ctx.storage.getAlarm()) === null) await this.#setAlarm();
  }

  /** Not in step with other objects. */
  #setAlarm(): Promise<void> {
    return this.ctx.storage.setAlarm(Date.now() + ALARM_MS * (0.9 + Math.random() * 0.2));
  }

  /** Compares a part of the tailnets that have sockets here; each has its turn within the hour [X1]. */
  override async alarm(): Promise<void> {
    this.#isArmed = this.sockets.count > 0;
    if (!this.#isArmed) return;
    await this.#setAlarm();
    this.sockets.sweep(Date.now());
    const tailnets = [...this.audience.tailnets()];
    const turns = Math.min(MOST_TURNS, Math.ceil(tailnets.length / COMPARED_AT_ONCE));
    const turn = Math.floor(Date.now() / ALARM_MS) % turns;
    const due = tailnets.filter((tailnet) => bucketOfText(tailnet, turns) === turn);
    await Promise.all(due.map((tailnet) => this.#compared(this.audience, tailnet)));
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    try {
      await this.sockets.take(socket, message, Date.now());
    } catch (error) {
      console.warn("a session failed; its node comes back", String(error));
      this.sockets.fail(socket);
    }
  }

  override webSocketClose(socket: WebSocket): void {
    this.sockets.gone(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.sockets.gone(socket);
  }

  /** Told that the tailnet is at `seq`, after a commit; does nothing where it is there already. Rejects where the authority cannot be asked. */
  async advance(tailnet: string, seq: number): Promise<Advanced> {
    const reached = await Promise.all([this.audience.advance(tailnet, seq), this.streams.advance(tailnet, seq)]);
    return { seq: Math.min(...reached), sessions: this.sockets.countOf(tailnet) + this.streams.of(tailnet) };
  }

  /** Sends a node its TKAInfo again: it has synchronised only in part. */
  async nudge(tailnet: string, nodeId: number): Promise<void> {
    this.streams.nudge(tailnet, nodeId);
    await this.audience.nudge(tailnet, nodeId);
  }
}
