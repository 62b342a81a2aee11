/**
 * What `npm run bench -- counts` counted on 2026-11-25, in a tailnet of 100 nodes with its lock on, all of them on sockets. Written down by hand: take the
 * counts anew where an act has changed.
 */

import type { Act } from "./act.ts";

export const COUNTED = {
  /** A minute in which nothing happens. */
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
    cpuMs: 49.81,
    awakeMs: 0,
  },
  /** A change of the lock, told to all nodes. */
  change: {
    requests: 1,
    consumers: 2,
    objectRequests: 9,
    socketMessages: 0,
    rowsRead: 331.83,
    rowsWritten: 15.08,
    queueMessages: 2,
    d1RowsRead: 2,
    d1RowsWritten: 6,
    cpuMs: 21.73,
    awakeMs: 81.92,
  },
  /** The same alone, and the half minute after it, in which the authority's alarm rings. */
  changeAlone: {
    requests: 1,
    consumers: 2,
    objectRequests: 10,
    socketMessages: 0,
    rowsRead: 442,
    rowsWritten: 15,
    queueMessages: 2,
    d1RowsRead: 2,
    d1RowsWritten: 6,
    cpuMs: 29.15,
    awakeMs: 215,
  },
  /** A node takes the change: sync/offer, and its head on the socket. */
  follow: {
    requests: 1,
    consumers: 0,
    objectRequests: 3.08,
    socketMessages: 1,
    rowsRead: 93.92,
    rowsWritten: 5.92,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 5.91,
    awakeMs: 31.42,
  },
  /** A node joins, and waits for a signature. */
  join: {
    requests: 1,
    consumers: 2,
    objectRequests: 10,
    socketMessages: 0,
    rowsRead: 454.25,
    rowsWritten: 30.08,
    queueMessages: 3,
    d1RowsRead: 5,
    d1RowsWritten: 15,
    cpuMs: 26.57,
    awakeMs: 93.92,
  },
  /** A node is signed. */
  sign: {
    requests: 1,
    consumers: 2,
    objectRequests: 9.08,
    socketMessages: 0,
    rowsRead: 343.17,
    rowsWritten: 12.08,
    queueMessages: 2,
    d1RowsRead: 3,
    d1RowsWritten: 7,
    cpuMs: 20.54,
    awakeMs: 43,
  },
  /** A node comes back on a socket, and goes on in its session. */
  resume: {
    requests: 1,
    consumers: 0,
    objectRequests: 3,
    socketMessages: 1,
    rowsRead: 12.83,
    rowsWritten: 4,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 3.65,
    awakeMs: 3.5,
  },
  /** A node begins a session on a socket, with a full map. */
  begin: {
    requests: 1,
    consumers: 0,
    objectRequests: 3,
    socketMessages: 1,
    rowsRead: 12,
    rowsWritten: 4,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 5.72,
    awakeMs: 13.25,
  },
  /** An alarm of an object that holds the sockets of one tailnet. */
  socketsAlarm: {
    requests: 0,
    consumers: 0,
    objectRequests: 2,
    socketMessages: 0,
    rowsRead: 237,
    rowsWritten: 1,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 5.53,
    awakeMs: 18,
  },
  /** A node opens a stream, and goes on in its session. */
  stream: {
    requests: 1,
    consumers: 0.75,
    objectRequests: 9.17,
    socketMessages: 0,
    rowsRead: 426,
    rowsWritten: 11.25,
    queueMessages: 1.58,
    d1RowsRead: 2.08,
    d1RowsWritten: 6.08,
    cpuMs: 14.2,
    awakeMs: 93.67,
  },
  /** A minute in which nothing happens, some nodes on streams. */
  streamsMinute: {
    requests: 0,
    consumers: 0,
    objectRequests: 3,
    socketMessages: 0,
    rowsRead: 1917,
    rowsWritten: 0,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 26.16,
    awakeMs: 30,
  },
} as const satisfies Readonly<Record<string, Act>>;

/** Seconds between two comparisons of an object that holds streams with the authority: src/durable/node-sessions.ts. */
export const STREAM_COMPARE_S = 5 * 60;
