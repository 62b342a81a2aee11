/**
 * What is saved with a node's WebSocket, so that its object can hibernate: who it is, what it was told, and what is under way to it. A socket whose
 * saved state is of another version is closed: its node comes back, and goes on by handle and seq.
 */

import {
  ACKNOWLEDGE_CHARS,
  MAP_REQUESTS_A_SECOND,
  MAP_REQUEST_BURST,
  MAP_RESPONSE_CHARS,
  type MachineKey,
} from "../../protocol/index.ts";
import { openSession, type MapSession } from "../maps/session.ts";
import type { Admitted } from "./ticket.ts";

const VERSION = 2;
/** Characters under way to a node at which it is cut off: a large delta beside a large map. */
export const MOST_UNDER_WAY = 4 * MAP_RESPONSE_CHARS;

export interface Held {
  readonly version: typeof VERSION;
  readonly tailnet: string;
  readonly machineKey: MachineKey;
  /** The history in which it was admitted: the handle by which a session can go on. */
  readonly epoch: string;
  /** What the node last said of itself. */
  readonly head: string;
  readonly capVersion: number;
  /** The seq at which it was admitted: its first answer holds at least that. */
  readonly admitted: number;
  /** Milliseconds since the epoch. */
  readonly accepted: number;
  /** True once its first message was taken. */
  readonly opened: boolean;
  /** Characters sent, and those that the node says it has taken [M9]. */
  readonly sent: number;
  readonly received: number;
  /** When the node last took something, or something was sent while nothing was under way. */
  readonly moved: number;
  /** Messages that the node may send at once, as of `counted`. */
  readonly allowance: number;
  readonly counted: number;
  readonly session: MapSession;
}

export function heldOf(admitted: Admitted, now: number): Held {
  const { tailnet, machineKey, epoch, head, capVersion, seq } = admitted;
  return {
    version: VERSION,
    tailnet,
    machineKey,
    epoch,
    head,
    capVersion,
    admitted: seq,
    accepted: now,
    opened: false,
    sent: 0,
    received: 0,
    moved: now,
    allowance: MAP_REQUEST_BURST,
    counted: now,
    session: openSession(admitted, "", 0, false),
  };
}

/** What is saved with a socket, or null where this code cannot read it. */
export function readHeld(socket: WebSocket): Held | null {
  const held = socket.deserializeAttachment() as Held | null;
  return held?.version === VERSION ? held : null;
}

/** Takes one more message of the node into account; null where it sends too many. */
export function countMessage(held: Held, now: number): Held | null {
  const regained = ((now - held.counted) / 1000) * MAP_REQUESTS_A_SECOND;
  const allowance = Math.min(MAP_REQUEST_BURST, held.allowance + Math.max(0, regained)) - 1;
  return allowance < 0 ? null : { ...held, allowance, counted: now };
}

/** Takes in how much the node says that it has received: never more than was sent, nor less than it has said before. */
export function acknowledge(held: Held, received: number | null, now: number): Held {
  const taken = Math.min(received ?? 0, held.sent);
  return taken <= held.received ? held : { ...held, received: taken, moved: now };
}

/** What is saved before so many characters are sent. */
export function sending(held: Held, session: MapSession, length: number, now: number): Held {
  return { ...held, session, sent: held.sent + length, moved: underWay(held) > 0 ? held.moved : now };
}

/** Characters under way beyond those that a node need not acknowledge. */
export function underWay({ sent, received }: Held): number {
  return Math.max(0, sent - received - ACKNOWLEDGE_CHARS);
}
