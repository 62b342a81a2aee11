/**
 * Errors of HTTP/2.
 *
 * `Http2Error` is what the caller of the server sees, for a fault of the caller's or a saved state that cannot be read. The other two never
 * leave this folder: what a client does wrong ends its stream or its connection (RFC 9113, section 5.4), and throws nothing.
 */

export const HTTP2_ERROR_CODES = ["unknown_version", "bad_saved_state", "not_idle", "bad_response"] as const;
export type Http2ErrorCode = (typeof HTTP2_ERROR_CODES)[number];

export class Http2Error extends Error {
  override readonly name = "Http2Error";
  readonly code: Http2ErrorCode;

  constructor(code: Http2ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The client broke the connection: GOAWAY with this code. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The client broke one stream: RST_STREAM with this code. */
export class StreamError extends Error {
  override readonly name = "StreamError";
  readonly stream: number;
  readonly code: number;

  constructor(stream: number, code: number, message: string) {
    super(message);
    this.stream = stream;
    this.code = code;
  }
}
