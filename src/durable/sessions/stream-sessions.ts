/**
 * Streams of map responses, for nodes without WebSockets: one answer that does not end. They keep the object awake, and live in objects of their
 * own [X4]. A frame is made when the one before it was taken, so a slow reader costs one frame and no more.
 */

import { KEEP_ALIVE_MS, MAP_RESPONSE_CHARS, encodeMapMessage } from "../../protocol/index.ts";
import type { Attendance } from "../maps/audience.ts";
import { MapText } from "../maps/text.ts";
import { needsOf, nextStep, openSession, type MapSession, type Needs } from "../maps/session.ts";
import { ControlError } from "../refuse.ts";
import type { Admitted, StreamWish } from "./ticket.ts";
import type { Snapshots } from "../maps/snapshots.ts";

/** Milliseconds that a frame may wait for its reader. */
const STALLED_MS = 60_000;
/** Streams that one node may have open: one, and those that it has lost and we have not noticed yet. */
const STREAMS_A_NODE = 4;
/** One frame for all peers, where no stream follows that could bring the rest. */
const ALL = Number.MAX_SAFE_INTEGER;

interface Stream {
  readonly tailnet: string;
  readonly wish: StreamWish;
  /** The seq at which it was admitted: its first answer holds at least that. */
  readonly admitted: number;
  session: MapSession;
  isOver: boolean;
  /** Ends the wait for news, where there is one. */
  wake: () => void;
}

/** What is known of a tailnet of which nothing is. */
const UNKNOWN = { seq: 0, presence: 0, shards: 0, epoch: "" };
const KEEP_ALIVE = new MapText(encodeMapMessage({ KeepAlive: true }));

/** Rejects where `act` does not settle in time. */
async function inTime<T>(act: Promise<T>, ms: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error("nobody reads"));
  }, ms);
  try {
    return await Promise.race([act, promise]);
  } finally {
    clearTimeout(timer);
  }
}

export class StreamSessions {
  readonly #snapshots: Snapshots;
  readonly #attendance: Attendance;
  readonly #streams = new Map<string, Set<Stream>>();
  keepAliveMs: number = KEEP_ALIVE_MS;
  stalledMs: number = STALLED_MS;

  constructor(snapshots: Snapshots, attendance: Attendance) {
    this.#snapshots = snapshots;
    this.#attendance = attendance;
  }

  of(tailnet: string): number {
    return this.#streams.get(tailnet)?.size ?? 0;
  }

  /** The nodes of the tailnet that have streams. */
  nodes(tailnet: string): Set<number> {
    return new Set([...(this.#streams.get(tailnet) ?? [])].map(({ session }) => session.nodeId));
  }

  get count(): number {
    return [...this.#streams.values()].reduce((sum, { size }) => sum + size, 0);
  }

  tailnets(): string[] {
    return [...this.#streams.keys()];
  }

  /** The first frame, and with `stream` all that follow it. Throws ControlError. */
  async open(admitted: Admitted, wish: StreamWish): Promise<Uint8Array | ReadableStream> {
    const session = openSession(admitted, wish.handle, wish.since, wish.hears);
    const { tailnet, seq } = admitted;
    const stream: Stream = { tailnet, wish, admitted: seq, session, isOver: false, wake: () => undefined };
    await this.#snapshots.settle(admitted, needsOf(session));
    const first = await this.#next(stream, wish.stream ? MAP_RESPONSE_CHARS : ALL);
    if (first === null || (first === "none" && !wish.stream))
      throw new ControlError("try_again", "the session is held elsewhere now, or is over");
    if (!wish.stream && first !== "none") return first.frame(wish.zstd);
    const { readable, writable } = new IdentityTransformStream();
    this.#add(stream);
    const writer = writable.getWriter();
    writer.closed.catch(() => {
      this.#end(stream);
    });
    void this.#run(stream, writer, first);
    return readable;
  }

  #add(stream: Stream): void {
    const streams = this.#streams.get(stream.tailnet) ?? new Set();
    const ofNode = [...streams].filter(({ session }) => session.nodeId === stream.session.nodeId);
    for (const old of ofNode.slice(0, 1 - STREAMS_A_NODE)) this.#end(old);
    this.#streams.set(stream.tailnet, streams.add(stream));
    this.#attendance.came(stream.tailnet, stream.session.nodeId);
  }

  #end(stream: Stream): void {
    stream.isOver = true;
    stream.wake();
    const streams = this.#streams.get(stream.tailnet);
    if (streams?.delete(stream) === true) this.#attendance.left(stream.tailnet, stream.session.nodeId);
    if (streams?.size === 0) this.#streams.delete(stream.tailnet);
  }

  /** The next message; `"none"` where there is none now, null where the session is over. Throws ControlError. */
  async #next(stream: Stream, most: number): Promise<MapText | "none" | null> {
    let needs: Needs = needsOf(stream.session);
    for (;;) {
      const snapshot = await this.#snapshots.reach(stream.tailnet, {
        ...needs,
        seq: stream.admitted,
        presence: stream.session.least,
      });
      const step = nextStep(stream.session, snapshot, most);
      if (step.kind === "end") return null;
      if (step.kind === "load") needs = step.needs;
      else {
        stream.session = step.session;
        return step.kind === "tell" ? step.message : "none";
      }
    }
  }

  /** Writes until the node hangs up, takes nothing for too long, or its session is over. */
  async #run(stream: Stream, writer: WritableStreamDefaultWriter<Uint8Array>, first: MapText | "none"): Promise<void> {
    try {
      let next: MapText | "none" | null = first;
      for (; next !== null && !stream.isOver; next = await this.#following(stream))
        if (next !== "none") await inTime(writer.write(next.frame(stream.wish.zstd)), this.stalledMs);
      await writer.close();
    } catch (error) {
      // The node comes back: a stream that broke off is nothing to tell of, whatever it broke off for.
      await writer.abort(error).catch(() => undefined);
    } finally {
      this.#end(stream);
    }
  }

  async #following(stream: Stream): Promise<MapText | "none" | null> {
    const next = await this.#next(stream, MAP_RESPONSE_CHARS);
    if (next !== "none") return next;
    const isNews = await this.#news(stream);
    if (stream.isOver) return null;
    return isNews || !stream.wish.keepAlive ? "none" : KEEP_ALIVE;
  }

  /** Waits for news; false where a keep-alive is due before there is any. */
  async #news(stream: Stream): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => {
      resolve(false);
    }, this.keepAliveMs);
    stream.wake = () => {
      resolve(true);
    };
    const { session } = stream;
    const { seq, presence, shards, epoch } = this.#snapshots.peek(stream.tailnet) ?? UNKNOWN;
    const isNew = seq > session.seq || presence > (session.presence ?? presence);
    const hasMoved = isNew || shards !== session.shards || epoch !== session.epoch || session.nudged;
    if (hasMoved || stream.isOver) resolve(true);
    const isNews = await promise;
    clearTimeout(timer);
    stream.wake = () => undefined;
    return isNews;
  }

  #wake(tailnet: string): void {
    for (const stream of this.#streams.get(tailnet) ?? []) stream.wake();
  }

  #least(tailnet: string): Needs {
    const needs = [...(this.#streams.get(tailnet) ?? [])].map(({ session }) => needsOf(session));
    return {
      since: Math.min(...needs.map(({ since }) => since)),
      removedSince: Math.min(...needs.map(({ removedSince }) => removedSince)),
      presenceSince: Math.min(...needs.map(({ presenceSince }) => presenceSince)),
    };
  }

  /** Told that the tailnet is at `seq`, and its presence at a number. Gives the seq that its streams are told of from now on. */
  async advance(tailnet: string, seq: number, presence: number): Promise<number> {
    if (this.of(tailnet) === 0) return seq;
    const snapshot = await this.#snapshots.reach(tailnet, { ...this.#least(tailnet), seq, presence });
    this.#wake(tailnet);
    return snapshot.seq;
  }

  /** Compares a tailnet with its authority [X1]. */
  async compare(tailnet: string): Promise<void> {
    if (this.of(tailnet) === 0) return;
    await this.#snapshots.refresh(tailnet, this.#least(tailnet));
    this.#wake(tailnet);
  }

  /** Sends a node its TKAInfo again. */
  nudge(tailnet: string, nodeId: number): void {
    for (const stream of this.#streams.get(tailnet) ?? []) {
      if (stream.session.nodeId !== nodeId) continue;
      stream.session = { ...stream.session, nudged: true };
      stream.wake();
    }
  }
}
