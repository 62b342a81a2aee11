/**
 * A client's list of header fields as the head of a request: RFC 9113, sections 8.1 to 8.3.
 *
 * Rule [H58]: what the RFC calls malformed ends its stream and reaches nobody: a name with an upper-case letter or another that is no token's,
 *            a value with a control character or space around it, a field of the connection's, pseudo-header fields that are unknown, doubled, late
 *            or missing, an authority that the host contradicts, a length that is no number.
 */

import type { HpackField } from "./hpack-static-table.ts";
import { HTTP2_CODE } from "./http2-codes.ts";
import { StreamError } from "./http2-error.ts";

export interface RequestHead {
  readonly method: string;
  /** Empty for CONNECT, which alone has none. */
  readonly path: string;
  readonly authority: string;
  /** In lower case; a name that came several times has its values in order, joined as RFC 9113 says. Each character is one octet. */
  readonly headers: ReadonlyMap<string, string>;
  /** What content-length says, in octets. */
  readonly length: number | null;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;
const PATH = /^\/[!-~]*$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
/** No user information, no path. */
const AUTHORITY = /^[A-Za-z0-9\-._~%!$&'()*+,;=:[\]]*$/;
const LENGTH = /^[0-9]{1,15}$/;

const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** True for a field that may stand in a list, a pseudo-header field aside. */
export function isField([name, value]: HpackField): boolean {
  return NAME.test(name) && VALUE.test(value);
}

/** True for a field that speaks of a connection of HTTP/1.1's, which HTTP/2 has no use for. */
export function isOfConnection(name: string): boolean {
  return OF_THE_CONNECTION.has(name);
}

/** The head that the attacker-controlled fields of a stream's first block make. Throws StreamError. */
export function requestHead(stream: number, fields: readonly HpackField[]): RequestHead {
  const pseudo = new Map<string, string>();
  const headers = new Map<string, string>();
  for (const field of fields) {
    const [name, value] = field;
    if (name.startsWith(":")) {
      if (headers.size > 0 || pseudo.has(name)) throw malformed(stream, "a pseudo-header field late or twice");
      pseudo.set(name, value);
    } else {
      checkField(stream, field);
      const before = headers.get(name);
      headers.set(name, before === undefined ? value : joined(stream, name, before, value));
    }
  }
  return { ...target(stream, pseudo, headers), headers, length: lengthOf(stream, headers) };
}

/** Throws StreamError where the fields after a body are malformed. What they say is nobody's concern here. */
export function checkTrailers(stream: number, fields: readonly HpackField[]): void {
  for (const field of fields) checkField(stream, field);
}

function malformed(stream: number, message: string): StreamError {
  return new StreamError(stream, HTTP2_CODE.protocolError, message);
}

function checkField(stream: number, field: HpackField): void {
  const [name, value] = field;
  if (!isField(field)) throw malformed(stream, "a field with characters that are not allowed");
  if (isOfConnection(name) || (name === "te" && value !== "trailers"))
    throw malformed(stream, "a field of the connection's");
}

function joined(stream: number, name: string, before: string, value: string): string {
  if (name === "content-length") {
    if (before !== value) throw malformed(stream, "two lengths");
    return value;
  }
  return `${before}${name === "cookie" ? "; " : ", "}${value}`;
}

function target(
  stream: number,
  pseudo: ReadonlyMap<string, string>,
  headers: ReadonlyMap<string, string>,
): Pick<RequestHead, "method" | "path" | "authority"> {
  const method = pseudo.get(":method") ?? "";
  const scheme = pseudo.get(":scheme");
  const path = pseudo.get(":path");
  const host = headers.get("host");
  const authority = pseudo.get(":authority") ?? host ?? "";
  let known = 1;
  for (const value of [scheme, path, pseudo.get(":authority")]) if (value !== undefined) known++;
  if (known !== pseudo.size || !METHOD.test(method)) throw malformed(stream, "pseudo-header fields missing or unknown");
  if (!AUTHORITY.test(authority) || (host !== undefined && host !== authority))
    throw malformed(stream, "a bad authority");
  if (method === "CONNECT") {
    if (scheme !== undefined || path !== undefined || authority === "") throw malformed(stream, "a bad CONNECT");
    return { method, path: "", authority };
  }
  if (scheme === undefined || !SCHEME.test(scheme)) throw malformed(stream, "a bad scheme");
  if (path === undefined || !(PATH.test(path) || (path === "*" && method === "OPTIONS")))
    throw malformed(stream, "a bad path");
  return { method, path, authority };
}

function lengthOf(stream: number, headers: ReadonlyMap<string, string>): number | null {
  const text = headers.get("content-length");
  if (text === undefined) return null;
  if (!LENGTH.test(text)) throw malformed(stream, "a length that is no number");
  return Number(text);
}
