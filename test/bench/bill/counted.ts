/**
 * What `npm run bench -- counts` counted on 2026-11-25, in a tailnet of 100 nodes with its lock on, all of them on sockets. Written down by hand: take the
 * counts anew where an act has changed. A message of an act before that had fallen into `stream` is left out.
 */

import type { Act } from "./act.ts";

export const COUNTED = {
  /** A minute in which nothing happens; an alarm that an act before had set rings in it. */
  quietMinute: {
    requests: 0,
    consumers: 0,
    objectRequests: 1,
    socketMessages: 0,
    rowsRead: 254,
    rowsWritten: 0,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 51.91,
    awakeMs: 1,
  },
  /** A change of the lock, told to all nodes. */
  change: {
    requests: 1,
    consumers: 2,
    objectRequests: 9,
    socketMessages: 0,
    rowsRead: 135.83,
    rowsWritten: 13.08,
    queueMessages: 2,
    d1RowsRead: 2,
    d1RowsWritten: 6,
    cpuMs: 22.81,
    awakeMs: 99.25,
  },
  /** The same alone, and the half minute after it, in which the authority's alarm rings. */
  changeAlone: {
    requests: 1,
    consumers: 2,
    objectRequests: 10,
    socketMessages: 0,
    rowsRead: 246,
    rowsWritten: 13,
    queueMessages: 2,
    d1RowsRead: 2,
    d1RowsWritten: 6,
    cpuMs: 26.59,
    awakeMs: 65,
  },
  /** A node takes the change: sync/offer, and its head on the socket. */
  follow: {
    requests: 1,
    consumers: 0,
    objectRequests: 3.08,
    socketMessages: 1,
    rowsRead: 77.75,
    rowsWritten: 3.92,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 5.68,
    awakeMs: 38.25,
  },
  /** A node joins, and waits for a signature. */
  join: {
    requests: 1,
    consumers: 2,
    objectRequests: 10,
    socketMessages: 0,
    rowsRead: 244.33,
    rowsWritten: 25.08,
    queueMessages: 3,
    d1RowsRead: 5,
    d1RowsWritten: 15,
    cpuMs: 23.64,
    awakeMs: 116.5,
  },
  /** A node is signed. */
  sign: {
    requests: 1,
    consumers: 2,
    objectRequests: 9.08,
    socketMessages: 0,
    rowsRead: 111.25,
    rowsWritten: 10.08,
    queueMessages: 2,
    d1RowsRead: 3,
    d1RowsWritten: 7,
    cpuMs: 21.4,
    awakeMs: 93.5,
  },
  /** A node comes back on a socket, and goes on in its session. */
  resume: {
    requests: 1,
    consumers: 0,
    objectRequests: 3,
    socketMessages: 1,
    rowsRead: 12.75,
    rowsWritten: 2,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 3.53,
    awakeMs: 4.5,
  },
  /** A node begins a session on a socket, with a full map. */
  begin: {
    requests: 1,
    consumers: 0,
    objectRequests: 3,
    socketMessages: 1,
    rowsRead: 12,
    rowsWritten: 2,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 4.94,
    awakeMs: 2.08,
  },
  /** An alarm of an object that holds the sockets of one tailnet. */
  socketsAlarm: {
    requests: 0,
    consumers: 0,
    objectRequests: 2,
    socketMessages: 0,
    rowsRead: 17,
    rowsWritten: 1,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 5.3,
    awakeMs: 28,
  },
  /** A node opens a stream, and goes on in its session. */
  stream: {
    requests: 1,
    consumers: 0,
    objectRequests: 3.33,
    socketMessages: 0,
    rowsRead: 33,
    rowsWritten: 2.17,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 4.43,
    awakeMs: 8.08,
  },
  /** A minute in which nothing happens, some nodes on streams; no comparison fell into it. */
  streamsMinute: {
    requests: 0,
    consumers: 0,
    objectRequests: 0,
    socketMessages: 0,
    rowsRead: 0,
    rowsWritten: 0,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 18.77,
    awakeMs: 0,
  },
} as const satisfies Readonly<Record<string, Act>>;

/** Seconds between two comparisons of an object that holds streams with the authority: src/durable/node-sessions.ts. */
export const STREAM_COMPARE_S = 5 * 60;
