/**
 * The sockets of clients' connections that one object holds, and how each step in a connection ends: sent and saved, or the socket is closed. After
 * hibernation nothing is known of them but what was saved.
 *
 * Rule [X14]: a stranger's connection costs little: until a record has opened nobody is taken to be the machine, and what says nothing, stands still or
 *            has nothing open is closed after a while.
 */

import { NoiseError, type MachineKey } from "../../protocol/index.ts";
import { ControlConnection, type Wire } from "./connection.ts";
import { NOTHING_SAVED } from "./saved.ts";
import type { ControlStream } from "./stream.ts";
import { log } from "../log.ts";

const TAG = "control";
/** Milliseconds for which a connection may stand still in the middle of something, and between looks at those that are. */
const STANDING_MS = 60_000;
const WATCH_MS = 5000;
/** Bytes under way to one client at which it is cut off: the largest answer beside a large map. */
const MOST_TO_ONE = 24 * 1024 * 1024;
/** Bytes of requests that have come in part, of all connections; and those of one of which nobody asks. */
const MOST_BUFFERED = 32 * 1024 * 1024;
const SMALL_BUFFERED = 64 * 1024;

/** Why a connection's socket is closed. */
const CLOSE = {
  /** It was told to come back, or has come to its end. */
  left: 1000,
  malformed: 1002,
  slow: 1008,
  failed: 1011,
  /** It cannot be gone on with from what was saved. */
  lost: 1012,
} as const;

export type ConnectionClose = keyof typeof CLOSE;

export class ControlSockets {
  readonly #ctx: DurableObjectState;
  readonly #dropped: (stream: ControlStream) => void;
  /** Null until somebody asks. */
  #known: Map<WebSocket, ControlConnection> | null = null;
  /** Those in which something is half done. */
  readonly #busy = new Set<WebSocket>();
  #watching: ReturnType<typeof setTimeout> | undefined;
  standingMs: number = STANDING_MS;
  watchMs: number = WATCH_MS;

  /** `dropped` is told of each map stream that goes with its connection. */
  constructor(ctx: DurableObjectState, dropped: (stream: ControlStream) => void) {
    this.#ctx = ctx;
    this.#dropped = dropped;
  }

  isOne(socket: WebSocket): boolean {
    return this.#ctx.getTags(socket).includes(TAG);
  }

  /** Takes a new socket, whose connection `begin` begins, and gives the end that goes to the client. */
  accept(machineKey: MachineKey, begin: (wire: Wire) => ControlConnection): WebSocket {
    // Those that are there have to be known first: this one has nothing saved yet.
    const known = this.all();
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#ctx.acceptWebSocket(ours, [TAG, machineTag(machineKey)]);
    known.set(ours, begin(wireOf(ours)));
    return theirs;
  }

  /** All connections, restored where they have to be; those that cannot be gone on with are closed. */
  all(): Map<WebSocket, ControlConnection> {
    if (this.#known !== null) return this.#known;
    this.#known = new Map();
    for (const socket of this.#ctx.getWebSockets(TAG)) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      const connection = restored(socket);
      if (connection === null) drop(socket, "lost");
      else this.#known.set(socket, connection);
    }
    return this.#known;
  }

  get(socket: WebSocket): ControlConnection | null {
    return this.all().get(socket) ?? null;
  }

  /** A machine's connections. */
  ofMachine(machineKey: MachineKey): { socket: WebSocket; connection: ControlConnection }[] {
    return this.#ctx.getWebSockets(machineTag(machineKey)).flatMap((socket) => {
      const connection = this.get(socket);
      return connection === null ? [] : [{ socket, connection }];
    });
  }

  sum(of: (connection: ControlConnection) => number): number {
    let sum = 0;
    for (const connection of this.all().values()) sum += of(connection);
    return sum;
  }

  /** Does something with a connection, and sends and saves what follows from it: one synchronous step [X9]. */
  step(socket: WebSocket, act: (connection: ControlConnection) => void): void {
    const connection = this.get(socket);
    if (connection === null) return;
    try {
      act(connection);
      connection.flush();
    } catch (error) {
      const isTheirs = error instanceof NoiseError;
      if (!isTheirs) log.warn("a connection failed; its client comes back", {}, error);
      this.close(socket, isTheirs ? "malformed" : "failed");
      return;
    }
    if (connection.hasEnded) this.close(socket, "left");
    else if (connection.underWay > MOST_TO_ONE) this.close(socket, "slow");
    else {
      if (connection.http2.buffered > SMALL_BUFFERED) this.relieve(({ http2 }) => http2.buffered, MOST_BUFFERED, 0);
      if (!connection.isOver) this.#look(socket, connection);
    }
  }

  /**
   * Closes connections until all together have no more than `most` of something, whoever has most of it first; nobody who has no more than `fair`. So one
   * machine does not take what is there for all [X13]. False where they still have more.
   */
  relieve(of: (connection: ControlConnection) => number, most: number, fair: number): boolean {
    let sum = this.sum(of);
    if (sum <= most) return true;
    const heaviest = Array.from(this.all(), ([socket, connection]) => ({ socket, amount: of(connection) }));
    heaviest.sort((a, b) => b.amount - a.amount);
    for (const { socket, amount } of heaviest) {
      if (sum <= most || amount <= fair) break;
      this.close(socket, "slow");
      sum -= amount;
    }
    return sum <= most;
  }

  /** While something is half done the object stays awake; a pending look would keep it from hibernating otherwise. */
  #look(socket: WebSocket, { isQuiet }: ControlConnection): void {
    if (isQuiet) this.#rest(socket);
    else this.#busy.add(socket);
    if (this.#busy.size > 0) this.#watching ??= setTimeout(() => this.#watch(Date.now()), this.watchMs);
  }

  #rest(socket: WebSocket): void {
    if (!this.#busy.delete(socket) || this.#busy.size > 0) return;
    clearTimeout(this.#watching);
    this.#watching = undefined;
  }

  /** Tells a client to come back over another connection [X15]. */
  leave(socket: WebSocket): void {
    this.step(socket, (connection) => {
      for (const stream of connection.streams.values()) this.#dropped(stream);
      connection.leave();
    });
  }

  close(socket: WebSocket, reason: ConnectionClose): void {
    this.gone(socket);
    drop(socket, reason);
  }

  /** A socket is closed, by whomever. */
  gone(socket: WebSocket): void {
    this.#rest(socket);
    const connection = this.#known?.get(socket);
    if (connection === undefined) return;
    for (const stream of connection.streams.values()) this.#dropped(stream);
    connection.over();
    this.#known?.delete(socket);
  }

  /** Who leaves something half done for too long loses the connection. */
  #watch(now: number): void {
    this.#watching = undefined;
    for (const socket of Array.from(this.#busy)) {
      const connection = this.get(socket);
      if (connection === null) this.#rest(socket);
      else if (connection.inFlight === 0 && connection.facts.heard < now - this.standingMs) this.close(socket, "slow");
      else this.#look(socket, connection);
    }
  }
}

function machineTag(machineKey: MachineKey): string {
  return `${TAG} ${machineKey}`;
}

function wireOf(socket: WebSocket): Wire {
  return {
    save: (bytes) => {
      socket.serializeAttachment(bytes);
    },
    send: (bytes) => {
      socket.send(bytes);
    },
  };
}

function restored(socket: WebSocket): ControlConnection | null {
  try {
    return ControlConnection.restore(wireOf(socket), socket.deserializeAttachment());
  } catch (error) {
    log.warn("a saved connection was not understood; its client comes back", {}, error);
    return null;
  }
}

function drop(socket: WebSocket, reason: ConnectionClose): void {
  socket.serializeAttachment(NOTHING_SAVED);
  if (socket.readyState === WebSocket.OPEN) socket.close(CLOSE[reason], reason);
}
