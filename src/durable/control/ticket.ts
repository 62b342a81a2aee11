/**
 * What the Worker hands to a sessions object with a client's connection: the handshake that it began with, and why it comes here. It travels in a header
 * of a request that the Worker makes anew: nothing that came from outside is passed on.
 */

import type { MachineKey } from "../../protocol/index.ts";
import { bucketOfText, shardOf, type Seat } from "../seating/layout.ts";

/** Objects for connections of machines that are in no tailnet yet; a change of the number moves connections, and loses none. */
const NEWCOMERS = 16;

/** The object that holds a connection. */
export interface ConnectionPlace {
  /** The object's name. */
  readonly holder: string;
  /** The tailnet for whose nodes the object was chosen; null for a machine that is in none. */
  readonly placedFor: string | null;
}

export interface ConnectionTicket extends ConnectionPlace {
  /** The client's handshake initiation, in base64. Attacker-controlled: the object opens it itself. */
  readonly initiation: string;
  /** Under which the client's user can reach the control plane: `https://host`. */
  readonly origin: string;
}

const HEADER = "x-tailward-connection";
/** No such host: an object's fetch has no address. */
const OBJECT_URL = "https://connections.invalid/";

/** Where a machine's connection goes: to its tailnet's object, or where it is in none, to one for newcomers. */
export function placeOf(machineKey: MachineKey, seat: Omit<Seat, "machineKey"> | null): ConnectionPlace {
  if (seat === null) return { holder: `newcomers-${bucketOfText(machineKey, NEWCOMERS)}`, placedFor: null };
  return { holder: shardOf({ ...seat, machineKey }, "socket"), placedFor: seat.tailnet };
}

/** The upgrade that brings a connection to its object. */
export function connectionRequest(ticket: ConnectionTicket): Request {
  const headers = { upgrade: "websocket", [HEADER]: encodeURIComponent(JSON.stringify(ticket)) };
  return new Request(OBJECT_URL, { headers });
}

/** The ticket of a request that our own Worker has made, or null where it brings no connection. */
export function connectionOf(request: Request): ConnectionTicket | null {
  const header = request.headers.get(HEADER);
  return header === null ? null : (JSON.parse(decodeURIComponent(header)) as ConnectionTicket);
}
