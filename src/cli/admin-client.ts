/**
 * The admin API, as the commands of `tailward admin` ask it. The token is a secret: it goes into the header and nowhere else. Answers are cut off at a
 * size, and read by shapes: what nodes say of themselves is in them.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseControlUrl, readLimited, type Environment } from "../node/index.ts";
import { ShapeError, parseJson, parseRefusal, type Refusal, type Shape } from "../protocol/index.ts";
import { fileArgument } from "./file-argument.ts";
import { UsageError } from "./usage-error.ts";

const TIMEOUT_MS = 120_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Where `npm start` leaves what these commands need on this machine, under the project's folder. */
const LOCAL_SECRETS = "../../.dev.vars";
const LOCAL_URL = "../../.wrangler/control-url";

export type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

export interface AdminFlags {
  readonly url?: string | undefined;
  /** `file:PATH`. */
  readonly token?: string | undefined;
}

function readLocal(path: string): string | null {
  try {
    return readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8").trim();
  } catch {
    return null;
  }
}

function urlFrom(flags: AdminFlags, environment: Environment): URL {
  const url = flags.url ?? environment["TAILWARD_URL"] ?? readLocal(LOCAL_URL);
  if (url === null || url === "")
    throw new UsageError("which control plane? give --url, set $TAILWARD_URL, or run `npm start` on this machine");
  return parseControlUrl(url);
}

/** Other users of the machine see command lines: a token on one is refused. */
function tokenFrom(flags: AdminFlags, environment: Environment): string {
  if (flags.token !== undefined && !flags.token.startsWith("file:"))
    throw new UsageError("a token on the command line can be read by others: use --token file:PATH or $TAILWARD_TOKEN");
  const local = (): string | undefined => /^OWNER_TOKEN="?([^"\n]+)"?$/m.exec(readLocal(LOCAL_SECRETS) ?? "")?.[1];
  const token = flags.token === undefined ? (environment["TAILWARD_TOKEN"] ?? local()) : fileArgument(flags.token);
  if (token === undefined || !/^[\x21-\x7e]+$/.test(token))
    throw new UsageError("a token is needed, yours or the operator's: set $TAILWARD_TOKEN, or give --token file:PATH");
  return token;
}

/** What to do about a refusal, beside what it says itself. */
function hintFor({ code, message }: Refusal): string {
  switch (code) {
    case "unauthenticated":
      return `${message}: see $TAILWARD_TOKEN and --token`;
    case "unknown_tailnet":
      return `${message}: name one with --tailnet (it may be left out where there is one alone); tailward admin tailnet list shows them`;
    case "unknown_device":
      return `${message}: tailward admin device list shows them`;
    default:
      return message;
  }
}

export class AdminClient {
  readonly #url: URL;
  readonly #token: string;

  /** Throws UsageError where it cannot tell which control plane, or by which token. */
  constructor(flags: AdminFlags, environment: Environment) {
    this.#url = urlFrom(flags, environment);
    this.#token = tokenFrom(flags, environment);
  }

  /** `timeoutMs`: until the whole answer is here; null for as long as it comes. */
  async #fetch(
    method: Method,
    path: string,
    body: string | null,
    headers: Record<string, string>,
    timeoutMs: number | null = TIMEOUT_MS,
  ): Promise<Response> {
    try {
      return await fetch(new URL(path, this.#url), {
        method,
        headers: { authorization: `Bearer ${this.#token}`, ...headers },
        ...(body === null ? {} : { body }),
        // A token goes to nobody else.
        redirect: "error",
        ...(timeoutMs === null ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
      });
    } catch {
      throw new UsageError(`the control plane at ${this.#url.origin} cannot be reached: is it running?`);
    }
  }

  /** Asks, and gives the answer as text, with its ETag (null for none). Throws UsageError with what the control plane says, and the way out. */
  async exchange(
    method: Method,
    path: string,
    body: string | null,
    headers: Record<string, string>,
  ): Promise<{ text: string; etag: string | null }> {
    const response = await this.#fetch(method, path, body, headers);
    const text = await readLimited(response, MAX_ANSWER_BYTES);
    if (!response.ok) throw new UsageError(refusedBecause(response.status, text));
    return { text, etag: response.headers.get("etag") };
  }

  /** Asks for what may be of any size; gives the answer's headers, and its bytes as they come. Throws UsageError. */
  async download(path: string): Promise<{ headers: Headers; chunks: AsyncIterable<Uint8Array> }> {
    const response = await this.#fetch("GET", path, null, {}, null);
    if (!response.ok)
      throw new UsageError(refusedBecause(response.status, await readLimited(response, MAX_ANSWER_BYTES)));
    const chunks = (response.body ?? []) as AsyncIterable<Uint8Array>;
    return { headers: response.headers, chunks };
  }

  /** Asks, and gives the answer in that shape. Throws UsageError with what the control plane says, and the way out. */
  async ask<T>(method: Method, path: string, shape: Shape<T>, body: object | null = null): Promise<T> {
    const json = { "content-type": "application/json" };
    const { text } = await this.exchange(method, path, body === null ? null : JSON.stringify(body), json);
    try {
      return parseJson(text, shape, "answer");
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new UsageError(`the control plane's answer cannot be read: ${error.message}`);
    }
  }
}

function refusedBecause(status: number, text: string): string {
  let refusal: Refusal | null = null;
  try {
    refusal = parseRefusal(JSON.parse(text));
  } catch {
    // Not JSON: an answer of whatever stands before the control plane.
  }
  return refusal === null ? `the control plane answered ${status}: check --url` : hintFor(refusal);
}
