/**
 * Which sessions object holds which node: the layout of a tailnet's shards. It is the authority's, and sticky: it grows at once and shrinks late.
 *
 * Rule [X3]: small tailnets share SHARED objects by hash of the tailnet. A tailnet past OWN_FROM nodes has its own, by hash of the machine key:
 *            a power of two of them, for some NODES_A_SHARD nodes each.
 * Rule [X4]: plain streams keep an object awake, and so have objects of their own by the same layout: sockets' objects can hibernate.
 */

import type { MachineKey } from "../../protocol/index.ts";
import { sha256 } from "../sha256.ts";

/** Objects that small tailnets share; a change of the number moves sessions, and loses none. */
const SHARED = 16;
/** Nodes past which a tailnet has shards of its own. */
export const OWN_FROM = 300;
/** Nodes that one shard holds, about. */
export const NODES_A_SHARD = 1000;
/** A layout is given up only once this many times fewer nodes would fill it. */
const SHRINK_BY = 4;

/** What holds a session: a WebSocket that may hibernate, or a stream that may not. */
export type SessionKind = "socket" | "stream";

/** Where a session is held. */
export interface Seat {
  readonly tailnet: string;
  readonly machineKey: MachineKey;
  /** The layout: shards of its own that the tailnet has, or 0 where it shares. */
  readonly shards: number;
}

/** A text's place in so many buckets. */
export function bucketOfText(text: string, buckets: number): number {
  return sha256(text).readUInt32BE(0) % buckets;
}

function wanted(nodes: number): number {
  if (nodes <= OWN_FROM) return 0;
  return 2 ** Math.ceil(Math.log2(Math.max(1, nodes / NODES_A_SHARD)));
}

/** The layout for so many nodes, where `current` is the one there is [X3]. */
export function layoutFor(nodes: number, current: number): number {
  const least = wanted(nodes);
  if (least >= current) return least;
  return wanted(nodes * SHRINK_BY) < current ? least : current;
}

/** The name of the object that holds a session. */
export function shardOf({ tailnet, machineKey, shards }: Seat, kind: SessionKind): string {
  const name =
    shards === 0
      ? `shared-${bucketOfText(tailnet, SHARED)}`
      : `${tailnet}-${shards}-${bucketOfText(machineKey, shards)}`;
  return kind === "socket" ? name : `streams-${name}`;
}
