/**
 * What the Worker hands to a sessions object with a request: who the caller is, as the authority has admitted it, and what the session is to be. It
 * travels in a header of a request that the Worker makes anew: nothing that came from outside is passed on.
 */

import type { NodeKey } from "../../tka/index.ts";
import type { Awakening } from "../nodes/nodes.ts";
import type { Seat } from "../seating/layout.ts";

/** A node that was admitted, and where its tailnet stands. */
export interface Admitted extends Seat {
  readonly nodeId: number;
  readonly nodeKey: NodeKey;
  readonly epoch: string;
  readonly seq: number;
  /** How far its presence is [M13]. */
  readonly presence: number;
  /** How far the node has come in waking up from a retired chain [A5]. */
  readonly awakening: Awakening;
  /** True where the device waits for approval: it sees nobody [G14]. */
  readonly waiting: boolean;
  /** The head that the node last said it has. */
  readonly head: string;
  readonly capVersion: number;
}

/** What a stream is asked for. */
export interface StreamWish {
  readonly stream: boolean;
  readonly zstd: boolean;
  readonly keepAlive: boolean;
  readonly handle: string;
  readonly since: number;
  /** True where it is to hear who comes and goes, and who moves where [M17]. */
  readonly hears: boolean;
}

export interface Ticket {
  readonly admitted: Admitted;
  /** Null for a WebSocket. */
  readonly wish: StreamWish | null;
}

const HEADER = "x-tailward-ticket";
/** No such host: an object's fetch has no address. */
const OBJECT_URL = "https://sessions.invalid/";

/** The request that brings a ticket to its shard. */
export function ticketRequest(ticket: Ticket, headers: Readonly<Record<string, string>> = {}): Request {
  return new Request(OBJECT_URL, { headers: { ...headers, [HEADER]: encodeURIComponent(JSON.stringify(ticket)) } });
}

/** The ticket of a request that our own Worker has made. */
export function ticketOf(request: Request): Ticket {
  const header = request.headers.get(HEADER);
  if (header === null) throw new Error("a request without a ticket");
  return JSON.parse(decodeURIComponent(header)) as Ticket;
}
