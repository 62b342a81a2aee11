/**
 * The head of an HTTP/1.1 request (RFC 9112), for the two that take native clients' connections: the raw TCP handler and the bridge. A small, strict
 * subset: everything in it is attacker-controlled, and what two readers could read in two ways is refused. Pure.
 *
 * Rule [T9]: a head ends within MAX_HEAD_BYTES and is ASCII; lines end with CRLF and nothing else; no line is folded; one Host; one Content-Length or
 *            none, in digits; no Transfer-Encoding. A connection carries one request: what follows its body is not read.
 */

import { MAX_BODY_BYTES } from "./limits.ts";

/** Bytes of a request line and its fields, their end included. A native client's upgrade has some 400. */
export const MAX_HEAD_BYTES = 16 * 1024;
/** Fields in a head. */
const MAX_FIELDS = 100;

const CR = 0x0d;
const LF = 0x0a;
const REQUEST_LINE = /^([A-Z]{1,16}) (\/[\x21-\x7e]*) HTTP\/(\d)\.(\d)$/;
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;
const HOST = /^(?:[0-9A-Za-z.\-_]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
const DIGITS = /^\d{1,15}$/;

/** Why a request is not taken: the status that says so. The message repeats nothing of the request. */
export class Http1Error extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "Http1Error";
    this.status = status;
  }
}

export interface Http1Head {
  readonly method: string;
  /** Path and query, as they came. */
  readonly target: string;
  readonly host: string;
  /** Names in lower case, in order; a name may come more than once. */
  readonly fields: readonly (readonly [string, string])[];
  /** Bytes of the body. */
  readonly bodyLength: number;
}

/** The only value of a field, or null where there is none. Throws Http1Error where there are several. */
export function onlyField({ fields }: Pick<Http1Head, "fields">, name: string): string | null {
  const [value, ...more] = fields.filter(([other]) => other === name).map(([, each]) => each);
  if (more.length > 0) throw new Http1Error(400, `there is more than one ${name}`);
  return value ?? null;
}

/** Collects a head from pieces as they arrive. */
export class Http1HeadReader {
  #bytes = new Uint8Array(MAX_HEAD_BYTES);
  #length = 0;
  #rest: Uint8Array = new Uint8Array(0);

  /** What came after the head, once it is complete. */
  get rest(): Uint8Array {
    return this.#rest;
  }

  /** The head, or null while it is not complete. Throws Http1Error. */
  take(piece: Uint8Array): Http1Head | null {
    const taken = piece.subarray(0, MAX_HEAD_BYTES - this.#length);
    this.#bytes.set(taken, this.#length);
    const from = Math.max(0, this.#length - 3);
    this.#length += taken.length;
    const end = this.#endAfter(from);
    if (end === 0) {
      if (this.#length === MAX_HEAD_BYTES) throw new Http1Error(431, "the head of the request is too large");
      return null;
    }
    const before = this.#length - taken.length;
    this.#rest = piece.slice(end - before);
    return parseHead(this.#bytes.subarray(0, end));
  }

  /** Index after the empty line that ends the head, or 0. */
  #endAfter(from: number): number {
    for (let at = from; at + 3 < this.#length; at++) if (isEnd(this.#bytes, at)) return at + 4;
    return 0;
  }
}

function isEnd(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF;
}

/** The lines of a head. Throws Http1Error where a byte may not stand in one. */
function linesOf(bytes: Uint8Array): string[] {
  const text = String.fromCharCode(...bytes.subarray(0, -4));
  const lines = text.split("\r\n");
  // A tab may stand in a value; every other control character, a lone CR or LF included, is read in two ways by two readers.
  if (lines.some((line) => /[^\t\x20-\x7e]/.test(line)))
    throw new Http1Error(400, "the head holds a byte that may not be there");
  return lines;
}

function fieldOf(line: string): readonly [string, string] {
  const [, name, value] = FIELD.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Http1Error(400, "the head holds a line that is no field");
  return [name.toLowerCase(), value];
}

function bodyLengthOf(fields: Http1Head["fields"]): number {
  if (fields.some(([name]) => name === "transfer-encoding"))
    throw new Http1Error(501, "a body is taken with its length, and without an encoding");
  const text = onlyField({ fields }, "content-length") ?? "0";
  if (!DIGITS.test(text)) throw new Http1Error(400, "the length of the body is no number");
  if (Number(text) > MAX_BODY_BYTES) throw new Http1Error(413, `the body is larger than ${MAX_BODY_BYTES} bytes`);
  return Number(text);
}

/** Parses a whole head, its empty line included. Throws Http1Error. */
function parseHead(bytes: Uint8Array): Http1Head {
  const [requestLine = "", ...lines] = linesOf(bytes);
  const [, method, target, major, minor] = REQUEST_LINE.exec(requestLine) ?? [];
  if (method === undefined || target === undefined) throw new Http1Error(400, "the request line cannot be read");
  if (major !== "1" || minor !== "1") throw new Http1Error(505, "HTTP/1.1 is what is spoken here");
  if (!METHODS.has(method)) throw new Http1Error(501, "the method is not one that is taken here");
  if (lines.length > MAX_FIELDS) throw new Http1Error(431, "the head has too many fields");
  const fields = lines.map(fieldOf);
  const host = onlyField({ fields }, "host");
  if (host === null || !HOST.test(host)) throw new Http1Error(400, "the host cannot be read");
  const bodyLength = bodyLengthOf(fields);
  if (bodyLength > 0 && (method === "GET" || method === "HEAD"))
    throw new Http1Error(400, "a request of this method has no body here");
  if (fields.some(([name]) => name === "expect")) throw new Http1Error(417, "send the body without asking first");
  return { method, target, host, fields, bodyLength };
}
