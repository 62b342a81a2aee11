/**
 * What is done with a request that came over raw TCP: the native clients' upgrade becomes a WebSocket, everything else is asked of the control plane as
 * it is, once, and the connection closed after the answer. Pure; the raw TCP handler and the bridge share it.
 *
 * Rule [T10]: of a request's fields go on those that are of the request, and of an answer's those that are of the answer: none that speaks of the
 *             connection, its encoding or its length.
 */

import { concatBytes, encodeUtf8 } from "../tka/index.ts";
import { CONTROL_SUBPROTOCOL, HANDSHAKE_FIELD, TS2021_PATH } from "./control-key.ts";
import { Http1Error, onlyField, type Http1Head } from "./http1-head.ts";
import { INITIATION_BYTES } from "./noise-handshake.ts";

/** Milliseconds within which a request's head has to be there, and then its body. */
export const HEAD_MS = 10_000;
export const BODY_MS = 60_000;

/** Characters of an initiation in padded base64. */
export const HANDSHAKE_CHARS = 4 * Math.ceil(INITIATION_BYTES / 3);
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function tokensOf(value: string | null): string[] {
  return (value ?? "").split(",").map((token) => token.trim().toLowerCase());
}

/** The handshake of a native client's upgrade, in base64, or null where the request is another. Throws Http1Error where it is a wrong one. */
export function nativeUpgradeOf(head: Http1Head): string | null {
  const [path] = head.target.split("?", 1);
  const upgrade = head.fields.filter(([name]) => name === "upgrade").flatMap(([, value]) => tokensOf(value));
  if (path !== TS2021_PATH || !upgrade.includes(CONTROL_SUBPROTOCOL)) return null;
  if (head.method !== "POST" || head.bodyLength > 0)
    throw new Http1Error(400, "a client's upgrade is a POST without a body");
  if (!tokensOf(onlyField(head, "connection")).includes("upgrade"))
    throw new Http1Error(400, "an upgrade says so of its connection");
  const handshake = onlyField(head, HANDSHAKE_FIELD.toLowerCase()) ?? "";
  if (handshake.length !== HANDSHAKE_CHARS || !BASE64.test(handshake))
    throw new Http1Error(400, `${HANDSHAKE_FIELD} takes ${INITIATION_BYTES} bytes in base64`);
  return handshake;
}

/** Where the WebSocket is that carries a connection which begins with that handshake. */
export function connectionTarget(handshake: string): string {
  return `${TS2021_PATH}?${HANDSHAKE_FIELD}=${encodeURIComponent(handshake)}`;
}

/** Fields that go on with a request or an answer [T10]. */
export function passedOn(fields: Iterable<readonly [string, string]>): [string, string][] {
  const all = [...fields].map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  const named = new Set(all.filter(([name]) => name === "connection").flatMap(([, value]) => tokensOf(value)));
  return all.filter(([name]) => !OF_THE_CONNECTION.has(name) && !named.has(name));
}

const utf8 = (text: string): Uint8Array => encodeUtf8(text);

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  413: "Content Too Large",
  426: "Upgrade Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

function headOf(status: number, fields: readonly (readonly [string, string])[]): string {
  const lines = [...fields, ["connection", "close"]].map(([name = "", value = ""]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${REASONS[status] ?? "Answered"}\r\n${lines.join("")}\r\n`;
}

/** True where an answer has a body at all: one to that method, with that status. */
export function hasBody(method: string, status: number): boolean {
  return method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
}

/** The head of an answer whose body, where it has one, comes in chunks: so a client sees whether it got all of it. */
export function answerHead(status: number, fields: Iterable<readonly [string, string]>, withBody: boolean): Uint8Array {
  const framing: [string, string][] = withBody ? [["transfer-encoding", "chunked"]] : [];
  return utf8(headOf(status, [...passedOn(fields), ...framing]));
}

/** A piece of a body that comes in chunks; the empty piece ends it. */
export function chunk(piece: Uint8Array): Uint8Array {
  return concatBytes(utf8(`${piece.length.toString(16)}\r\n`), piece, utf8("\r\n"));
}

/** The whole answer to a request that nobody is asked about. */
export function plainAnswer(status: number, text: string, type = "text/plain; charset=utf-8"): Uint8Array {
  const body = utf8(text);
  const fields = [
    ["content-type", type],
    ["content-length", String(body.length)],
  ] as const;
  return concatBytes(utf8(headOf(status, fields)), body);
}

/** The head that says that the connection is the control protocol's from here on. */
export const SWITCHED: Uint8Array = utf8(
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${CONTROL_SUBPROTOCOL}\r\nConnection: upgrade\r\n\r\n`,
);
