/**
 * Tells nodes of their tailnets: those who listen on a WebSocket of their own, and those with a map stream in a connection, all that one object holds.
 *
 * Rule [X7]: a session is read, told and saved in one synchronous step: handlers that interleave tell nobody twice.
 * Rule [X8]: what is under way is bounded: a piece of a large map waits until the one before it was taken, first maps wait for one another, and who
 *            takes nothing is cut off [M9]. Where very much is, a tailnet that has much of it waits with its news too: what it misses comes in one message.
 */

import { MAP_RESPONSE_CHARS, type MapCloseReason } from "../../protocol/index.ts";
import { log } from "../log.ts";
import { hasHeard, needsOf, nextStep, type MapSession, type Needs } from "./session.ts";
import type { MapText } from "./text.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Snapshots, Wanted } from "./snapshots.ts";
import { UnderWay } from "./under-way.ts";

/** Characters or bytes under way, to all listeners together, past which the next first map waits. */
const MOST_OF_FIRST_MAPS = 24 * 1024 * 1024;
/** The same, past which a tailnet that has more than its share of it waits with its news, and that share. An object has 128 MB for all its tailnets. */
const MOST_OF_NEWS = 40 * 1024 * 1024;
const SHARE_OF_NEWS = 0.25;
/** Milliseconds for which a node may take nothing of what is under way while others wait for it, and between looks at who does. */
const STALLED_MS = 30_000;
const WATCH_MS = 5000;
const ROUNDS = 6;

/** Where a listener stands. */
export interface Standing {
  readonly tailnet: string;
  readonly session: MapSession;
  /** The history in which it was admitted, and the seq that its first answer holds at least. */
  readonly epoch: string;
  readonly admitted: number;
  /** What was sent to it and is not known to be taken. */
  readonly underWay: number;
  /** When it last took something, or something was sent while nothing was under way. */
  readonly moved: number;
}

/** One who is told of a tailnet. */
export interface Listener {
  /** The same object for the same listener. */
  readonly key: object;
  /** Null where it is gone, or not open yet: it is then told nothing. */
  standing(): Standing | null;
  /** Saves the session and sends the message, in one step. */
  tell(message: MapText, session: MapSession): void;
  /** Saves the session. */
  keep(session: MapSession): void;
  end(reason: MapCloseReason): void;
  /** True where it is to be told nothing more for now. What is past its measure is cut off, or left until it has taken what is under way. */
  isFull(standing: Standing): boolean;
}

/** Those who hold listeners. */
export interface Holder {
  all(): readonly Listener[];
  of(tailnet: string): readonly Listener[];
  ofNode(tailnet: string, nodeId: number): readonly Listener[];
}

/** Who notes which nodes come and go. */
export interface Attendance {
  came(tailnet: string, nodeId: number): void;
  left(tailnet: string, nodeId: number): void;
}

function merge(a: Needs | null, b: Needs): Needs {
  if (a === null) return b;
  return {
    since: Math.min(a.since, b.since),
    removedSince: Math.min(a.removedSince, b.removedSince),
    presenceSince: Math.min(a.presenceSince, b.presenceSince),
  };
}

/** True where a snapshot holds what a listener's first answer is to hold. */
function isReady({ admitted, session }: Standing, snapshot: Snapshot): boolean {
  return snapshot.seq >= admitted && snapshot.presence >= session.least;
}

function isUpToDate({ batch, seq, presence }: MapSession, snapshot: Snapshot): boolean {
  return batch === null && seq >= snapshot.seq && hasHeard(presence, snapshot);
}

/** What listeners need together, or null where none is open. */
function leastOf(listeners: readonly Listener[]): Needs | null {
  let least: Needs | null = null;
  for (const listener of listeners) {
    const standing = listener.standing();
    if (standing !== null) least = merge(least, needsOf(standing.session));
  }
  return least;
}

export class MapAudience {
  readonly #ctx: DurableObjectState;
  readonly #snapshots: Snapshots;
  readonly #attendance: Attendance;
  readonly #holders: Holder[] = [];
  /** Null until somebody asks. */
  #underWay: UnderWay | null = null;
  /** Listeners whose first map or news wait for others', by their keys. */
  readonly #waiting = new Map<object, Listener>();
  #watching: ReturnType<typeof setTimeout> | undefined;
  mostOfFirstMaps: number = MOST_OF_FIRST_MAPS;
  mostOfNews: number = MOST_OF_NEWS;
  stalledMs: number = STALLED_MS;
  watchMs: number = WATCH_MS;

  constructor(ctx: DurableObjectState, snapshots: Snapshots, attendance: Attendance) {
    this.#ctx = ctx;
    this.#snapshots = snapshots;
    this.#attendance = attendance;
  }

  join(holder: Holder): void {
    this.#holders.push(holder);
  }

  #all(): Listener[] {
    return this.#holders.flatMap((holder) => holder.all());
  }

  #of(tailnet: string): Listener[] {
    return this.#holders.flatMap((holder) => holder.of(tailnet));
  }

  /** Tailnets of which anybody here is told. */
  tailnets(): Set<string> {
    return new Set(this.#all().flatMap((listener) => listener.standing()?.tailnet ?? []));
  }

  /** To be told by who holds a listener, whenever what is under way to it has changed. */
  count(tailnet: string, change: number): void {
    this.#underWay?.add(tailnet, change);
  }

  /** A listener of a node is no more; so much was under way to it. */
  gone(key: object, tailnet: string, nodeId: number, underWay: number): void {
    this.#waitNoMore(key);
    this.count(tailnet, -underWay);
    this.#attendance.left(tailnet, nodeId);
  }

  /** True where the node is told of its tailnet here. */
  has(tailnet: string, nodeId: number): boolean {
    const ofNode = this.#holders.flatMap((holder) => holder.ofNode(tailnet, nodeId));
    return ofNode.some((listener) => listener.standing() !== null);
  }

  /** The nodes of a tailnet that are told of it here. */
  nodes(tailnet: string): Set<number> {
    return new Set(this.#of(tailnet).flatMap((listener) => listener.standing()?.session.nodeId ?? []));
  }

  /** Tells one all that there is to tell. Throws ControlError where the authority cannot be asked. */
  async serveOne(listener: Listener): Promise<void> {
    const standing = listener.standing();
    if (standing === null) return;
    const { tailnet, epoch, admitted, session } = standing;
    if (session.epoch === "" || session.resumed) this.#attendance.came(tailnet, session.nodeId);
    await this.#snapshots.settle({ tailnet, epoch, shards: session.shards }, needsOf(session));
    await this.#serve(tailnet, () => [listener], {
      ...needsOf(session),
      seq: admitted,
      presence: session.least,
    });
  }

  async #serve(tailnet: string, listeners: () => readonly Listener[], wanted: Wanted): Promise<void> {
    const { seq, presence = 0 } = wanted;
    let snapshot = this.#snapshots.peek(tailnet);
    if (snapshot === null || snapshot.seq < seq || snapshot.presence < presence)
      snapshot = await this.#snapshots.reach(tailnet, wanted);
    for (let round = 0; round < ROUNDS; round++) {
      const current: Snapshot = snapshot;
      let needs: Needs | null = null;
      for (const listener of listeners()) {
        const lacking = this.#feed(listener, current);
        if (lacking !== null) needs = merge(needs, lacking);
      }
      if (needs === null) return;
      snapshot = await this.#snapshots.reach(tailnet, { ...needs, seq, presence });
    }
  }

  /** Tells a listener what comes next, as far as it takes it. Gives what the snapshot lacks for it, or null. */
  #feed(listener: Listener, snapshot: Snapshot): Needs | null {
    for (;;) {
      const standing = listener.standing();
      if (standing === null || !isReady(standing, snapshot) || this.#mustWait(listener, standing)) return null;
      const step = nextStep(standing.session, snapshot, MAP_RESPONSE_CHARS);
      if (step.kind === "load") return step.needs;
      if (step.kind === "end") {
        listener.end(step.reason);
        return null;
      }
      if (step.kind === "none") {
        const { seq, presence } = standing.session;
        if (step.session.seq !== seq || step.session.presence !== presence) listener.keep(step.session);
        return null;
      }
      listener.tell(step.message, step.session);
      // Most are told once: looking again would cost as much as telling.
      if (isUpToDate(step.session, snapshot)) return null;
    }
  }

  /** True where a listener is to be told nothing before it has taken what is under way [X8]. */
  #mustWait(listener: Listener, standing: Standing): boolean {
    const { session } = standing;
    if (session.batch !== null) return standing.underWay > 0;
    if (listener.isFull(standing)) return true;
    const waits = this.#isHeldBack(standing);
    if (waits) this.#wait(listener);
    else this.#waitNoMore(listener.key);
    return waits;
  }

  /** True where a first map has to wait. A tailnet to which nothing is under way keeps nobody waiting, and waits for nobody. */
  #isCrowded(tailnet: string): boolean {
    return this.#tally().all > this.mostOfFirstMaps && this.#tally().of(tailnet) > 0;
  }

  /** True where a first map, or where very much is under way to a tailnet its news, has to wait. */
  #isHeldBack({ session, tailnet }: Standing): boolean {
    if (session.epoch === "") return this.#isCrowded(tailnet);
    return this.#tally().all > this.mostOfNews && this.#tally().of(tailnet) > SHARE_OF_NEWS * this.mostOfNews;
  }

  #tally(): UnderWay {
    if (this.#underWay !== null) return this.#underWay;
    const tally = new UnderWay();
    for (const listener of this.#all()) {
      const standing = listener.standing();
      if (standing !== null) tally.add(standing.tailnet, standing.underWay);
    }
    return (this.#underWay = tally);
  }

  /** Has a first map, or news, wait. While any does, who takes nothing is cut off after a while. */
  #wait(listener: Listener): void {
    this.#waiting.set(listener.key, listener);
    this.#watching ??= setTimeout(() => {
      this.#watching = undefined;
      this.cutStalled(Date.now() - this.stalledMs);
      this.#ctx.waitUntil(this.admitWaiting());
    }, this.watchMs);
  }

  /** A pending look would keep the object from hibernating. */
  #waitNoMore(key: object): void {
    if (!this.#waiting.delete(key) || this.#waiting.size > 0) return;
    clearTimeout(this.#watching);
    this.#watching = undefined;
  }

  /** Ends those who have taken nothing of what is under way since that time. */
  cutStalled(since: number): void {
    for (const listener of this.#all()) {
      const standing = listener.standing();
      if (standing !== null && standing.underWay > 0 && standing.moved < since) listener.end("slow");
    }
  }

  /** Goes on with first maps and news that have waited, where there is room; listeners of which that fails are ended. */
  async admitWaiting(): Promise<void> {
    for (const listener of Array.from(this.#waiting.values())) {
      const standing = listener.standing();
      if (standing !== null && this.#isHeldBack(standing)) {
        // Whoever waits on is watched on.
        this.#wait(listener);
        continue;
      }
      this.#waitNoMore(listener.key);
      await this.serveOne(listener).catch((error: unknown) => {
        log.warn("a first map was not sent; its node comes back", {}, error);
        listener.end("failed");
      });
    }
  }

  /** Told that the tailnet is at `seq`, and its presence at a number. Gives the seq that has been told to all. */
  async advance(tailnet: string, seq: number, presence: number): Promise<number> {
    const listeners = (): Listener[] => this.#of(tailnet);
    const least = leastOf(listeners());
    if (least === null || (least.since >= seq && least.presenceSince >= presence)) return seq;
    await this.#serve(tailnet, listeners, { ...least, seq, presence });
    return this.#snapshots.peek(tailnet)?.seq ?? seq;
  }

  /** Compares a tailnet with its authority [X1]. */
  async compare(tailnet: string): Promise<void> {
    const listeners = (): Listener[] => this.#of(tailnet);
    const least = leastOf(listeners());
    if (least === null) return;
    const { seq, presence } = await this.#snapshots.refresh(tailnet, least);
    await this.#serve(tailnet, listeners, { ...least, seq, presence });
  }

  /** Sends a node its TKAInfo again. */
  async nudge(tailnet: string, nodeId: number): Promise<void> {
    for (const listener of this.#holders.flatMap((holder) => holder.ofNode(tailnet, nodeId))) {
      const standing = listener.standing();
      if (standing === null) continue;
      listener.keep({ ...standing.session, nudged: true });
      await this.serveOne(listener);
    }
  }
}
