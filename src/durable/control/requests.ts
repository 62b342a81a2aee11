/**
 * Requests that come over a client's connection, on their way to the app and back: by a loopback entrypoint of the Worker, which is told in its props who
 * asks. Nothing that the client has sent can pass for that.
 *
 * Rule [X12]: of a request, its method, path, content type and body are passed on; its authority and its other headers are not. The length is that of the
 *            body which has come. A GET with a body is presented as POST.
 * Rule [X13]: what is in flight is bounded: requests of a connection, bytes of a machine, requests and bytes of all, and the bytes of an answer. What
 *            is bounded for all of an object is not for one machine to use up: others' tailnets may be held there too.
 */

import { joinBytes } from "../../tka/index.ts";
import { REGISTER_PATH, TKA_PATHS, type Http2Request, type MachineKey } from "../../protocol/index.ts";
import { log } from "../log.ts";
import type { Admitted, StreamWish } from "../sessions/ticket.ts";

/** Who asks, in the props of the loopback entrypoint. */
export interface NodeApiProps {
  readonly machineKey: MachineKey;
  /** The object that holds the connection: a map stream will be told by it. */
  readonly holder: string;
}

/** The entrypoint by which a sessions object reaches the app. */
export interface ControlExports {
  readonly NodeApi: (options: { readonly props: NodeApiProps }) => Fetcher;
}

/** The header of an answer that is for the object: a map that was admitted. */
export const MAP_TICKET_HEADER = "x-tailward-map";

/** A map request that was admitted, and what it asks for. */
export interface MapTicket {
  readonly admitted: Admitted;
  readonly wish: StreamWish;
}

export interface WholeAnswer {
  readonly kind: "whole";
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

export type Answer = WholeAnswer | { readonly kind: "map"; readonly ticket: MapTicket };

/** Requests of one connection that are in flight, given up ones included: a client asks for a few things at a time. */
export const REQUESTS_A_CONNECTION = 16;
/** Requests in flight in one object, and bytes of their bodies: an object has 128 MB. */
const MOST_REQUESTS = 2000;
const MOST_REQUEST_BYTES = 32 * 1024 * 1024;
/** Of these, what one machine may have in flight beside a request that is alone: a registration may be held for seconds. */
const MOST_OF_MACHINE_BYTES = 2 * 1024 * 1024;
/** Bytes of a body that is none of the lock's: a host with thousands of services says some 300 kB of itself. */
const MOST_SMALL_BYTES = 1024 * 1024;
/** Requests whose bodies may be as large as the node API takes: they are not held. */
const LARGE_PATHS: ReadonlySet<string> = new Set(Object.values(TKA_PATHS));
/** Bytes of one answer: the largest honest one is some 6 MB. */
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;
/** Milliseconds within which an answer comes: a login that waits is held for 50 s, and a client gives up after 120. */
const ANSWER_MS = 110_000;
const METHODS: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]);
const MAX_PATH_CHARS = 2048;
/** Headers of an answer that a client reads. */
const PASSED = ["content-type", "retry-after", "allow"] as const;

const utf8 = new TextEncoder();

export function plainAnswer(status: number, text: string): WholeAnswer {
  const headers = [["content-type", "text/plain; charset=utf-8"]] as const;
  return { kind: "whole", status, headers, body: utf8.encode(`${text}\n`) };
}

export const BUSY: WholeAnswer = {
  kind: "whole",
  status: 503,
  headers: [
    ["content-type", "text/plain; charset=utf-8"],
    ["retry-after", "5"],
  ],
  body: utf8.encode("too much is going on here: ask again in a while\n"),
};

/** True where the app's answer lets the machine into a tailnet: from then on its connection has a place. */
export function letsIn({ path }: Http2Request, { status, body }: WholeAnswer): boolean {
  if (path !== REGISTER_PATH || status !== 200) return false;
  return (
    (JSON.parse(new TextDecoder().decode(body)) as { readonly MachineAuthorized?: boolean }).MachineAuthorized === true
  );
}

/** The attacker-controlled request as the app is given it, or null where it is none that the app could know. */
export function presented(request: Http2Request, origin: string): Request | null {
  const { method, path, headers, body } = request;
  if (!METHODS.has(method) || !path.startsWith("/") || path.length > MAX_PATH_CHARS) return null;
  const type = headers.get("content-type") ?? "application/json";
  const hasBody = body.length > 0;
  const isRead = method === "GET" || method === "HEAD";
  try {
    return new Request(`${origin}${path}`, {
      method: isRead && hasBody ? "POST" : method,
      headers: { "content-type": type },
      ...(hasBody ? { body } : {}),
    });
  } catch {
    // A header or a path that the platform does not take.
    return null;
  }
}

async function wholeBody(response: Response): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MOST_ANSWER_BYTES) return null;
    chunks.push(chunk);
  }
  return joinBytes(chunks);
}

async function answerOf(response: Response): Promise<Answer> {
  if (response.headers.has(MAP_TICKET_HEADER)) return { kind: "map", ticket: await response.json<MapTicket>() };
  const body = await wholeBody(response);
  if (body === null) return plainAnswer(500, "the answer is too large");
  const headers = PASSED.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return {
    kind: "whole",
    status: response.status,
    headers: [...headers, ["content-length", String(body.length)]],
    body,
  };
}

export class ControlRequests {
  readonly #exports: ControlExports;
  #count = 0;
  #bytes = 0;
  /** Bytes in flight, by machine. */
  readonly #bytesOf = new Map<MachineKey, number>();
  answerMs: number = ANSWER_MS;

  constructor(ctx: DurableObjectState) {
    this.#exports = ctx.exports;
  }

  /** Asks the app. Never rejects. */
  async ask(props: NodeApiProps, origin: string, request: Http2Request): Promise<Answer> {
    const { length } = request.body;
    if (length > MOST_SMALL_BYTES && !LARGE_PATHS.has(request.path)) return plainAnswer(413, "the body is too large");
    if (!this.#hasRoom(props.machineKey, length)) return BUSY;
    const asked = presented(request, origin);
    if (asked === null) return plainAnswer(400, "this request is malformed");
    this.#count++;
    this.#hold(props.machineKey, length);
    try {
      return await this.#answer(props, asked);
    } catch (error) {
      log.warn("a request of a client was not answered", {}, error);
      return plainAnswer(503, "something went wrong here: ask again");
    } finally {
      this.#count--;
      this.#hold(props.machineKey, -length);
    }
  }

  /** True where a request of so many bytes can be taken [X13]. */
  #hasRoom(machineKey: MachineKey, length: number): boolean {
    const own = this.#bytesOf.get(machineKey) ?? 0;
    if (own > 0 && own + length > MOST_OF_MACHINE_BYTES) return false;
    return this.#count < MOST_REQUESTS && this.#bytes + length <= MOST_REQUEST_BYTES;
  }

  #hold(machineKey: MachineKey, bytes: number): void {
    this.#bytes += bytes;
    const own = (this.#bytesOf.get(machineKey) ?? 0) + bytes;
    if (own === 0) this.#bytesOf.delete(machineKey);
    else this.#bytesOf.set(machineKey, own);
  }

  async #answer(props: NodeApiProps, asked: Request): Promise<Answer> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new Error("no answer in time"));
    }, this.answerMs);
    try {
      const answered = this.#exports.NodeApi({ props }).fetch(asked).then(answerOf);
      return await Promise.race([answered, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
