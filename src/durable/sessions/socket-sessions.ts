/**
 * The nodes' WebSockets. All that is known of one is saved with it, so the object hibernates while nothing happens; what they are told is the
 * audience's to say.
 */

import {
  MAP_CLOSE,
  MAX_MAP_REQUEST_CHARS,
  ShapeError,
  mapRequest,
  parseJson,
  type MapCloseReason,
  type MapRequest,
} from "../../protocol/index.ts";
import type { ObjectsEnv } from "../env.ts";
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
import type { Holder, Listener, MapAudience, Standing } from "../maps/audience.ts";
import { openSession, type MapSession } from "../maps/session.ts";
import type { MapText } from "../maps/text.ts";
import type { Admitted } from "./ticket.ts";

/** Sockets that one node may have open: one, and those that it has lost and we have not noticed yet. */
const SOCKETS_A_NODE = 4;
/** Milliseconds within which a socket's first message has to come. */
const FIRST_MESSAGE_MS = 60_000;
/** The tag of these sockets: an object holds connections of clients too. */
const TAG = "agent";
/** How a socket is closed whose report was refused; for all other reasons, as failed. */
const CLOSE_OF: Readonly<Partial<Record<string, MapCloseReason>>> = {
  unknown_node: "removed",
  too_many_requests: "tooMany",
};

export class SocketSessions implements Holder {
  readonly #ctx: DurableObjectState;
  readonly #env: ObjectsEnv;
  readonly #audience: MapAudience;

  constructor(ctx: DurableObjectState, env: ObjectsEnv, audience: MapAudience) {
    this.#ctx = ctx;
    this.#env = env;
    this.#audience = audience;
    audience.join(this);
  }

  all(): Listener[] {
    return this.#sockets().map((socket) => this.#listener(socket));
  }

  of(tailnet: string): Listener[] {
    return this.#ctx.getWebSockets(tailnetTag(tailnet)).map((socket) => this.#listener(socket));
  }

  ofNode(tailnet: string, nodeId: number): Listener[] {
    return this.#ctx.getWebSockets(nodeTag(tailnet, nodeId)).map((socket) => this.#listener(socket));
  }

  #sockets(): WebSocket[] {
    return this.#ctx.getWebSockets(TAG);
  }

  #listener(socket: WebSocket): Listener {
    return {
      key: socket,
      standing: () => standingOf(socket),
      tell: (message, session) => {
        this.#tell(socket, message, session);
      },
      keep: (session) => {
        const held = readHeld(socket);
        if (held !== null) this.#save(socket, held, { ...held, session });
      },
      end: (reason) => {
        this.#close(socket, reason);
      },
      isFull: (standing) => {
        if (standing.underWay <= MOST_UNDER_WAY) return false;
        this.#close(socket, "slow");
        return true;
      },
    };
  }

  /** Takes a socket for an admitted node, and gives the end that goes to the node. */
  accept(admitted: Admitted, now: number): WebSocket {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    const ofNode = nodeTag(admitted.tailnet, admitted.nodeId);
    for (const old of this.#ctx.getWebSockets(ofNode).slice(0, 1 - SOCKETS_A_NODE)) this.#close(old, "replaced");
    this.#ctx.acceptWebSocket(ours, [TAG, tailnetTag(admitted.tailnet), ofNode]);
    ours.serializeAttachment(heldOf(admitted, now));
    return theirs;
  }

  get count(): number {
    return this.#sockets().length;
  }

  /** Sockets of the tailnet. */
  countOf(tailnet: string): number {
    return this.#ctx.getWebSockets(tailnetTag(tailnet)).length;
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
    await this.#audience.serveOne(this.#listener(socket));
    await this.#audience.admitWaiting();
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
    const { seq, presence: least, awakening, waiting } = reported.value;
    const admitted = Math.max(after.admitted, seq);
    // What it was told of how far it is stays what it was, once it was told anything.
    const session = after.opened ? after.session : { ...after.session, least, awakening, waiting };
    this.#save(socket, after, {
      ...after,
      head: request.TKAHead,
      capVersion: request.Version,
      admitted,
      session,
    });
    return true;
  }

  #open(socket: WebSocket, held: Held, request: MapRequest): void {
    const { MapSessionHandle, MapSessionSeq, DiscoKey } = request;
    const { session, epoch, admitted: seq, tailnet, machineKey, head, capVersion } = held;
    const admitted = { ...session, presence: session.least, epoch, seq, tailnet, machineKey, head, capVersion };
    this.#save(socket, held, {
      ...held,
      opened: true,
      session: openSession(admitted, MapSessionHandle, MapSessionSeq, DiscoKey !== ""),
    });
  }

  #tell(socket: WebSocket, { text }: MapText, session: MapSession): void {
    const held = readHeld(socket);
    if (held === null) return;
    this.#save(socket, held, sending(held, session, text.length, Date.now()));
    socket.send(text);
  }

  #save(socket: WebSocket, before: Held, after: Held): void {
    this.#audience.count(after.tailnet, underWay(after) - underWay(before));
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
    if (held !== null) this.#audience.gone(socket, held.tailnet, held.session.nodeId, underWay(held));
  }

  /** Closes sockets that have said nothing, and those that nobody can read. */
  sweep(now: number): void {
    for (const socket of this.#sockets()) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      const held = readHeld(socket);
      if (held === null) this.#close(socket, "moved");
      else if (!held.opened && held.accepted < now - FIRST_MESSAGE_MS) this.#close(socket, "slow");
    }
  }
}

function tailnetTag(tailnet: string): string {
  return `${TAG} ${tailnet}`;
}

/** The tag of one node's sockets; a tailnet's ID has no space in it. */
function nodeTag(tailnet: string, nodeId: number): string {
  return `${tailnetTag(tailnet)} ${nodeId}`;
}

function standingOf(socket: WebSocket): Standing | null {
  const held = readHeld(socket);
  if (held?.opened !== true) return null;
  const { tailnet, session, epoch, admitted, moved } = held;
  return { tailnet, session, epoch, admitted, moved, underWay: underWay(held) };
}
