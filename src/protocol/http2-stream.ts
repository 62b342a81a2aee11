/** One open stream of an HTTP/2 connection: what has come of its request, and what has not yet gone of its response. */

import type { RequestHead } from "./http2-head.ts";

/** A request whose end has not come. */
export interface PartialRequest {
  readonly head: RequestHead;
  readonly chunks: Uint8Array[];
  /** Octets of `chunks`. */
  bytes: number;
  /** Octets that the client has sent since its window was last filled, padding included. */
  consumed: number;
}

export class Http2Stream {
  readonly id: number;
  /** Null once the request is whole and told. */
  request: PartialRequest | null;
  /** True once the head of the response is out. */
  responded = false;
  /** Octets that the client takes; SETTINGS of its may make it negative. */
  window: number;
  /** Octets that wait for a window: the first chunk from `offset` on. */
  readonly queue: Uint8Array[] = [];
  offset = 0;
  queued = 0;
  /** True where the stream ends after what is queued. */
  ending = false;

  constructor(id: number, window: number, request: PartialRequest | null) {
    this.id = id;
    this.window = window;
    this.request = request;
  }
}
