/**
 * A node's map on a WebSocket: our agents' way to wait for news. The upgrade is a signed GET [Q1] of a path that names the node key. Each message
 * is one text: from the node a MapRequest, from the control plane a MapResponse.
 *
 * Rule [M9]: the node says how much it has taken (`Received`, the length of all texts so far) before ACKNOWLEDGE_CHARS more have come. Who does
 *            not is sent no more of a large map, and is cut off once too much is under way.
 * Rule [M10]: the first message opens the session or goes on in one [M2], and is answered. Later ones say what is new of the node, and are not.
 */

import type { NodeKey } from "../tka/index.ts";
import { MAP_PATH } from "./map.ts";

export const MAP_SUBPROTOCOL = "tailward-map-1";

/** The path of a node's socket. */
export function mapSocketPath(nodeKey: NodeKey): string {
  return `${MAP_PATH}/${encodeURIComponent(nodeKey)}`;
}

/** Why the control plane closes a socket. The node comes back, after a while; 1012 is how a deployment ends sockets too. */
export const MAP_CLOSE = {
  /** The session is held elsewhere from now on, or the object's history is another. */
  moved: 1012,
  /** Something failed here. */
  failed: 1011,
  malformed: 4400,
  /** The node is not in the tailnet any more. */
  removed: 4404,
  /** The node has another key now. */
  rekeyed: 4409,
  /** Too much is under way to a node that does not say that it takes it [M9]. */
  slow: 4408,
  /** The node has opened other sockets since, and more than it may. */
  replaced: 4410,
  tooLarge: 1009,
  tooMany: 4429,
} as const;

export type MapCloseReason = keyof typeof MAP_CLOSE;
