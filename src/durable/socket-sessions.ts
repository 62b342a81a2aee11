/**
 * The nodes' WebSockets. All that is known of one is saved with it, so the object hibernates while nothing happens.
 *
 * Rule [X7]: a session is read, told and saved in one synchronous step: handlers that interleave tell nobody twice.
 * Rule [X8]: what is under way is bounded: a piece of a large map waits until the one before it was taken, first maps wait for one another, and who
 *            takes nothing is cut off [M9].
 */

import {
  MAP_CLOSE,
  MAP_RESPONSE_CHARS,
  MAX_MAP_REQUEST_CHARS,
  ShapeError,
  mapRequest,
  parseJson,
  type MapCloseReason,
  type MapRequest,
} from "../protocol/index.ts";
import type { ObjectsEnv } from "./env.ts";
import {
  MOST_UNDER_WAY,
  acknowledge,
  countMessage,
  heldOf,
  readHeld,
  sending,
  underWay,
  type Held,
} from "./held-socket.ts";
import { needsOf, nextStep, openSession, type Needs } from "./map-session.ts";
import type { Admitted } from "./session-ticket.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Snapshots } from "./snapshots.ts";
import { UnderWay } from "./under-way.ts";

/** Sockets that one node may have open: one, and those that it has lost and we have not noticed yet. */
const SOCKETS_A_NODE = 4;
/** Milliseconds within which a socket's first message has to come. */
const FIRST_MESSAGE_MS = 60_000;
/** Characters under way, to all sockets together, past which the next first map waits. */
const MOST_OF_FIRST_MAPS = 24 * 1024 * 1024;
/** Milliseconds for which a node may take nothing of what is under way while others wait for it, and between looks at who does. */
const STALLED_MS = 30_000;
const WATCH_MS = 5000;
const ROUNDS = 6;
/** How a socket is closed whose report was refused; for all other reasons, as failed. */
const CLOSE_OF: Readonly<Partial<Record<string, MapCloseReason>>> = {
  unknown_node: "removed",
  too_many_requests: "tooMany",
};

function merge(a: Needs | null, b: Needs): Needs {
  if (a === null) return b;
  return { since: Math.min(a.since, b.since), removedSince: Math.min(a.removedSince, b.removedSince) };
}

export class SocketSessions {
  readonly #ctx: DurableObjectState;
  readonly #env: ObjectsEnv;
  readonly #snapshots: Snapshots;
  /** Null until somebody asks. */
  #underWay: UnderWay | null = null;
  /** Sockets whose first map waits for others', and their tailnets. */
  readonly #waiting = new Map<WebSocket, string>();
  #watching: ReturnType<typeof setTimeout> | undefined;
  mostOfFirstMaps: number = MOST_OF_FIRST_MAPS;
  stalledMs: number = STALLED_MS;
  watchMs: number = WATCH_MS;

  constructor(ctx: DurableObjectState, env: ObjectsEnv, snapshots: Snapshots) {
    this.#ctx = ctx;
    this.#env = env;
    this.#snapshots = snapshots;
  }

  /** Takes a socket for an admitted node, and gives the end that goes to the node. */
  accept(admitted: Admitted, now: number): WebSocket {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    const ofNode = nodeTag(admitted.tailnet, admitted.nodeId);
    for (const old of this.#ctx.getWebSockets(ofNode).slice(0, 1 - SOCKETS_A_NODE)) this.#close(old, "replaced");
    this.#ctx.acceptWebSocket(ours, [admitted.tailnet, ofNode]);
    ours.serializeAttachment(heldOf(admitted, now));
    return theirs;
  }

  get count(): number {
    return this.#ctx.getWebSockets().length;
  }

  /** Sockets of the tailnet. */
  of(tailnet: string): number {
    return this.#ctx.getWebSockets(tailnet).length;
  }

  /** Tailnets that have sockets here. */
  tailnets(): Set<string> {
    return new Set(this.#ctx.getWebSockets().flatMap((socket) => readHeld(socket)?.tailnet ?? []));
  }

  /** Closes a socket at which something failed here. */
  fail(socket: WebSocket): void {
    this.#close(socket, "failed");
  }

  /** A message of a node. Attacker-controlled. */
  async take(socket: WebSocket, message: string | ArrayBuffer, now: number): Promise<void> {
    const request = this.#read(socket, message, now);
    if (request === null) return;
    const reported = await this.#report(socket, request);
    const held = readHeld(socket);
    if (!reported || held === null) return;
    if (!held.opened) this.#open(socket, held, request);
    await this.#serveOne(socket);
    await this.#admitWaiting();
  }

  /** The request in a message, once it is counted and acknowledges what it does; null where there is none, and the socket is closed. */
  #read(socket: WebSocket, message: string | ArrayBuffer, now: number): MapRequest | null {
    const before = readHeld(socket);
    if (before === null) return this.#close(socket, "moved");
    const held = countMessage(before, now);
    if (held === null) return this.#close(socket, "tooMany");
    if (typeof message !== "string") return this.#close(socket, "malformed");
    if (message.length > MAX_MAP_REQUEST_CHARS) return this.#close(socket, "tooLarge");
    try {
      const request = parseJson(message, mapRequest, "message");
      if (request.NodeKey !== held.session.nodeKey) return this.#close(socket, "malformed");
      this.#save(socket, before, acknowledge(held, request.Received, now));
      return request;
    } catch (error) {
      if (error instanceof ShapeError) return this.#close(socket, "malformed");
      throw error;
    }
  }

  /** Hands on what the node says of itself, if it is news. False where the socket is closed. */
  async #report(socket: WebSocket, request: MapRequest): Promise<boolean> {
    const held = readHeld(socket);
    if (held === null) return false;
    const isKnown = request.TKAHead === held.head && request.Version === held.capVersion && request.Hostinfo === null;
    if (isKnown) return true;
    const { TAILNET_AUTHORITY: authorities } = this.#env;
    const reported = await authorities.get(authorities.idFromName(held.tailnet)).report(held.machineKey, request);
    const after = readHeld(socket);
    if (after === null) return false;
    if (!reported.ok) {
      this.#close(socket, CLOSE_OF[reported.error.code] ?? "failed");
      return false;
    }
    const { seq, awakening, waiting } = reported.value;
    const admitted = Math.max(after.admitted, seq);
    // What it was told of how far it is stays what it was, once it was told anything.
    const session = after.opened ? after.session : { ...after.session, awakening, waiting };
    this.#save(socket, after, {
      ...after,
      head: request.TKAHead,
      capVersion: request.Version,
      admitted,
      session,
    });
    return true;
  }

  #open(socket: WebSocket, held: Held, { MapSessionHandle, MapSessionSeq }: MapRequest): void {
    const { session, epoch, admitted: seq, tailnet, machineKey, head, capVersion } = held;
    const admitted = { ...session, epoch, seq, tailnet, machineKey, head, capVersion };
    this.#save(socket, held, {
      ...held,
      opened: true,
      session: openSession(admitted, MapSessionHandle, MapSessionSeq),
    });
  }

  async #serveOne(socket: WebSocket): Promise<void> {
    const held = readHeld(socket);
    if (held?.opened !== true) return;
    const { tailnet, epoch, admitted, session } = held;
    await this.#snapshots.settle({ tailnet, epoch, shards: session.shards }, needsOf(session));
    await this.#serve(tailnet, () => [socket], needsOf(session), admitted);
  }

  /** Tells these sockets all that there is to tell. Throws ControlError where the authority cannot be asked. */
  async #serve(tailnet: string, sockets: () => readonly WebSocket[], least: Needs, seq: number): Promise<void> {
    let snapshot = this.#snapshots.peek(tailnet);
    if (snapshot === null || snapshot.seq < seq) snapshot = await this.#snapshots.reach(tailnet, { ...least, seq });
    for (let round = 0; round < ROUNDS; round++) {
      const current: Snapshot = snapshot;
      let needs: Needs | null = null;
      for (const socket of sockets()) {
        const lacking = this.#feed(socket, current);
        if (lacking !== null) needs = merge(needs, lacking);
      }
      if (needs === null) return;
      snapshot = await this.#snapshots.reach(tailnet, { ...needs, seq });
    }
  }

  /** Tells a socket what comes next, as far as it takes it. Gives what the snapshot lacks for it, or null. */
  #feed(socket: WebSocket, snapshot: Snapshot): Needs | null {
    for (;;) {
      const held = readHeld(socket);
      if (held?.opened !== true || snapshot.seq < held.admitted || this.#mustWait(socket, held)) return null;
      const step = nextStep(held.session, snapshot, MAP_RESPONSE_CHARS);
      if (step.kind === "load") return step.needs;
      if (step.kind === "end") return this.#close(socket, step.reason);
      if (step.kind === "none") {
        if (step.session.seq !== held.session.seq) this.#save(socket, held, { ...held, session: step.session });
        return null;
      }
      this.#save(socket, held, sending(held, step.session, step.text.length, Date.now()));
      socket.send(step.text);
      // Most are told once: looking again would cost as much as telling.
      if (step.session.batch === null && step.session.seq >= snapshot.seq) return null;
    }
  }

  /** True where a socket is to be told nothing before it has taken what is under way [X8]. */
  #mustWait(socket: WebSocket, held: Held): boolean {
    const { session } = held;
    if (session.batch !== null) return underWay(held) > 0;
    if (underWay(held) > MOST_UNDER_WAY) {
      this.#close(socket, "slow");
      return true;
    }
    const waits = session.epoch === "" && this.#isCrowded(held.tailnet);
    if (waits) this.#wait(socket, held.tailnet);
    else this.#waitNoMore(socket);
    return waits;
  }

  /** True where a first map has to wait. A tailnet to which nothing is under way keeps nobody waiting, and waits for nobody. */
  #isCrowded(tailnet: string): boolean {
    return this.#tally().all > this.mostOfFirstMaps && this.#tally().of(tailnet) > 0;
  }

  #tally(): UnderWay {
    if (this.#underWay !== null) return this.#underWay;
    const tally = new UnderWay();
    for (const socket of this.#ctx.getWebSockets()) {
      const held = readHeld(socket);
      if (held !== null) tally.add(held.tailnet, underWay(held));
    }
    return (this.#underWay = tally);
  }

  /** Has a first map wait. While any does, who takes nothing is cut off after a while. */
  #wait(socket: WebSocket, tailnet: string): void {
    this.#waiting.set(socket, tailnet);
    this.#watching ??= setTimeout(() => {
      this.#watching = undefined;
      this.#cutStalled(Date.now());
      this.#ctx.waitUntil(this.#admitWaiting());
    }, this.watchMs);
  }

  /** A pending look would keep the object from hibernating. */
  #waitNoMore(socket: WebSocket): void {
    if (!this.#waiting.delete(socket) || this.#waiting.size > 0) return;
    clearTimeout(this.#watching);
    this.#watching = undefined;
  }

  #cutStalled(now: number): void {
    for (const socket of this.#ctx.getWebSockets()) {
      const held = readHeld(socket);
      if (held !== null && underWay(held) > 0 && held.moved < now - this.stalledMs) this.#close(socket, "slow");
    }
  }

  /** Goes on with first maps that have waited, where there is room; sockets of which that fails are closed. */
  async #admitWaiting(): Promise<void> {
    for (const [socket, tailnet] of Array.from(this.#waiting)) {
      if (this.#isCrowded(tailnet)) {
        // Whoever waits on is watched on.
        this.#wait(socket, tailnet);
        continue;
      }
      this.#waitNoMore(socket);
      await this.#serveOne(socket).catch((error: unknown) => {
        console.warn("a first map was not sent; its node comes back", String(error));
        this.#close(socket, "failed");
      });
    }
  }

  #save(socket: WebSocket, before: Held, after: Held): void {
    this.#underWay?.add(after.tailnet, underWay(after) - underWay(before));
    socket.serializeAttachment(after);
  }

  #close(socket: WebSocket, reason: MapCloseReason): null {
    this.gone(socket);
    socket.serializeAttachment(null);
    if (socket.readyState === WebSocket.OPEN) socket.close(MAP_CLOSE[reason], reason);
    return null;
  }

  /** A socket is closed, by whomever. */
  gone(socket: WebSocket): void {
    const held = readHeld(socket);
    this.#waitNoMore(socket);
    if (held !== null) this.#underWay?.add(held.tailnet, -underWay(held));
  }

  /** Told that the tailnet is at `seq`. Gives the seq that has been told to all. */
  async advance(tailnet: string, seq: number): Promise<number> {
    const sockets = (): WebSocket[] => this.#ctx.getWebSockets(tailnet);
    const least = leastOf(sockets());
    if (least === null || least.since >= seq) return seq;
    await this.#serve(tailnet, sockets, least, seq);
    return this.#snapshots.peek(tailnet)?.seq ?? seq;
  }

  /** Compares a tailnet with its authority [X1]. */
  async compare(tailnet: string): Promise<void> {
    const sockets = (): WebSocket[] => this.#ctx.getWebSockets(tailnet);
    const least = leastOf(sockets());
    if (least === null) return;
    const { seq } = await this.#snapshots.refresh(tailnet, least);
    await this.#serve(tailnet, sockets, least, seq);
  }

  /** Sends a node its TKAInfo again. */
  async nudge(tailnet: string, nodeId: number): Promise<void> {
    const sockets = this.#ctx.getWebSockets(nodeTag(tailnet, nodeId));
    for (const socket of sockets) {
      const held = readHeld(socket);
      if (held?.opened !== true) continue;
      this.#save(socket, held, { ...held, session: { ...held.session, nudged: true } });
      await this.#serveOne(socket);
    }
  }

  /** Closes sockets that have said nothing, and those that nobody can read. */
  sweep(now: number): void {
    for (const socket of this.#ctx.getWebSockets()) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      const held = readHeld(socket);
      if (held === null) this.#close(socket, "moved");
      else if (!held.opened && held.accepted < now - FIRST_MESSAGE_MS) this.#close(socket, "slow");
    }
  }
}

/** The tag of one node's sockets; a tailnet's ID has no space in it. */
function nodeTag(tailnet: string, nodeId: number): string {
  return `${tailnet} ${nodeId}`;
}

/** What sockets need together, or null where none has been opened. */
function leastOf(sockets: readonly WebSocket[]): Needs | null {
  let least: Needs | null = null;
  for (const socket of sockets) {
    const held = readHeld(socket);
    if (held?.opened === true) least = merge(least, needsOf(held.session));
  }
  return least;
}
