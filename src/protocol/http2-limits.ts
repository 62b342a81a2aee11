/** Limits of an HTTP/2 connection, each with its reason. Whoever has a key pair can open one: nothing here is trusted. */

/** Streams that a client may have open. A Tailscale client has a map stream, a login that waits and a few calls; RFC 9113 advises 100 at least. */
export const MAX_STREAMS = 100;
/** Octets of a list of header fields (RFC 9113, section 6.5.2), and its fields. A Tailscale client sends some 300 and 8. */
export const MAX_FIELD_LIST = { size: 16 * 1024, count: 100 } as const;
/** Octets of a header block in all its frames: the list above with room for fields that are refused one by one. Past it the connection ends. */
export const MAX_BLOCK_BYTES = 32 * 1024;
/** CONTINUATION frames of one block: a client fills its frames, so two carry the largest block. */
export const MAX_CONTINUATIONS = 8;
/** Octets of request bodies that a connection holds at once, one body or several. */
export const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;
/** Octets that the client may send beyond what we have taken: on a stream, and on the connection. */
export const RECEIVE_WINDOW = 1024 * 1024;
/** Octets of responses that wait for the client's windows. The largest answer is some 6 MB; a map comes in pieces of 1 MiB. */
export const MAX_QUEUED_BYTES = 16 * 1024 * 1024;

/**
 * The budget of what a client may make us do for nothing. It is full at first and fills by time and by honest use, never above `full`.
 * A busy honest client spends less than it earns: h2load with 100 streams does.
 */
export const BUDGET = {
  full: 2000,
  /** Earned a second: a client that pings each second is far below. */
  aSecond: 50,
  /** Any frame. A request earns it back, so do octets both ways. */
  frame: 1,
  /** A SETTINGS frame: it is answered, and changes every window. */
  settings: 10,
  /** A stream that ends by a reset, the client's or ours for a fault of its: a request was begun for nothing. 100 at once, then two a second. */
  reset: 20,
  /** Earned by a request that is whole: its HEADERS and its last DATA. */
  request: 3,
  /** Earned by each write of a response: the client answers it with an update of each window. Bytes that trickle out by tiny updates earn nothing. */
  write: 2,
  /** Octets that earn one where they come, and two where they go. */
  bytesAPoint: 1024,
} as const;
