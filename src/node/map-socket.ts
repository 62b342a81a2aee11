/**
 * The map on a WebSocket [M9] [M10]. What comes is attacker-controlled: it is bounded, and read no faster than it is taken in.
 *
 * Rule [Z26]: a connection is dead where neither a message nor the answer to a ping has come for two pings.
 */

import type { IncomingMessage } from "node:http";
import { WebSocket, type RawData } from "ws";
import {
  ACKNOWLEDGE_CHARS,
  KEEP_ALIVE_MS,
  MAP_SUBPROTOCOL,
  jsonReplacer,
  mapSocketPath,
  type MapResponse,
} from "../protocol/index.ts";
import type { NodeKey, Signer } from "../tka/index.ts";
import { ControlRefusal, ControlUnreachable, parsedRefusal, type AgentError } from "./errors.ts";
import type { RequestBody } from "./https-client.ts";
import { readRequest } from "./limited-body.ts";
import { MAX_MAP_BYTES, Pieces, parseMapResponse, type MapChannel } from "./map-channel.ts";
import { signedHeaders } from "./request-signer.ts";

/** Milliseconds within which the upgrade has to be answered. */
const HANDSHAKE_MS = 30_000;
/** Bytes of a refusal. */
const MAX_REFUSAL_BYTES = 64 * 1024;
/** Abnormal closure: the connection broke without a word. */
const BROKEN = 1006;

/** The upgrade was not made, by whatever stands in between: a stream may get through. */
export class NoWebSocket extends ControlUnreachable {}

/** What an answer to the upgrade means that is none of an upgrade. */
async function refusalOf(response: IncomingMessage): Promise<AgentError> {
  const body = await readRequest(response, MAX_REFUSAL_BYTES).catch(() => "");
  const refusal = parsedRefusal(body);
  if (refusal === null || refusal.code === "try_again" || refusal.code === "internal")
    return new NoWebSocket(`no WebSocket: the answer was ${response.statusCode ?? 0}`);
  return new ControlRefusal(refusal);
}

/** Opens the socket of a node. Throws ControlRefusal, NoWebSocket, ControlUnreachable. */
function connect(url: URL, headers: Headers, signal: AbortSignal): Promise<WebSocket> {
  const target = new URL(url);
  target.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(target, [MAP_SUBPROTOCOL], {
      headers: Object.fromEntries(headers),
      maxPayload: MAX_MAP_BYTES,
      followRedirects: false,
      handshakeTimeout: HANDSHAKE_MS,
      perMessageDeflate: false,
    });
    const abort = (): void => {
      socket.terminate();
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", abort, { once: true });
    const settled = (): void => {
      signal.removeEventListener("abort", abort);
    };
    socket.once("open", () => {
      settled();
      socket.pause();
      resolve(socket);
    });
    socket.once("unexpected-response", (_request, response) => {
      settled();
      refusalOf(response).then(reject, reject);
      socket.on("error", () => undefined);
      setTimeout(() => {
        socket.terminate();
      }, HANDSHAKE_MS).unref();
    });
    socket.once("error", (error) => {
      settled();
      reject(new NoWebSocket(`the control plane at ${url.origin} cannot be reached (${error.message})`));
    });
  });
}

export class MapSocketChannel implements MapChannel {
  readonly #socket: WebSocket;
  readonly #pieces = new Pieces();
  readonly #texts: string[] = [];
  #wake: () => void = () => undefined;
  #closed: number | null = null;
  #told: RequestBody;
  #received = 0;
  #acknowledged = 0;
  #heard = Date.now();
  readonly #pinging: ReturnType<typeof setInterval>;

  private constructor(socket: WebSocket, hello: RequestBody, pingMs: number) {
    this.#socket = socket;
    this.#told = hello;
    socket.on("message", (data, isBinary) => {
      this.#take(data, isBinary);
    });
    socket.on("pong", () => {
      this.#heard = Date.now();
    });
    socket.on("error", () => undefined);
    socket.on("close", (code) => {
      this.#closed = code;
      clearInterval(this.#pinging);
      this.#wake();
    });
    this.#pinging = setInterval(() => {
      this.#ping(pingMs);
    }, pingMs);
    socket.resume();
    this.#send(hello);
  }

  /** Opens the socket, and the session on it by `hello`, a map request. Throws ControlRefusal, ControlUnreachable, NoWebSocket. */
  static async open(
    origin: URL,
    signer: Signer,
    hello: RequestBody,
    signal: AbortSignal,
    pingMs = KEEP_ALIVE_MS,
  ): Promise<MapSocketChannel> {
    const url = new URL(mapSocketPath(hello["NodeKey"] as NodeKey), origin);
    const headers = signedHeaders(url, new Uint8Array(0), signer, Date.now(), "GET");
    return new MapSocketChannel(await connect(url, headers, signal), hello, pingMs);
  }

  /** True once anything has come. */
  get isAlive(): boolean {
    return this.#received > 0;
  }

  #take(data: RawData, isBinary: boolean): void {
    this.#heard = Date.now();
    if (isBinary) {
      this.#socket.terminate();
      return;
    }
    this.#texts.push((data as Buffer).toString("utf8"));
    this.#socket.pause();
    this.#wake();
  }

  #ping(pingMs: number): void {
    // A paused socket hears nothing, and is at work.
    if (this.#socket.isPaused) return;
    if (Date.now() - this.#heard > 2 * pingMs) this.#socket.terminate();
    else this.#socket.ping();
  }

  #send(request: RequestBody): void {
    this.#told = request;
    this.#acknowledged = this.#received;
    const body = { ...request, Received: this.#received };
    this.#socket.send(JSON.stringify(body, jsonReplacer), () => undefined);
  }

  tell(request: RequestBody): void {
    const { TKAHead, NodeKey, Version } = request;
    const told = { NodeKey, Version, TKAHead };
    if (TKAHead !== this.#told["TKAHead"] || this.#received - this.#acknowledged >= ACKNOWLEDGE_CHARS) this.#send(told);
  }

  async next(): Promise<MapResponse | null> {
    for (;;) {
      const text = await this.#text();
      if (text === null) return null;
      this.#received += text.length;
      const response = this.#pieces.take(parseMapResponse(text), text.length);
      if (response !== null) return response;
      // The next piece comes once this one was acknowledged.
      this.tell(this.#told);
    }
  }

  async #text(): Promise<string | null> {
    for (;;) {
      const text = this.#texts.shift();
      if (text !== undefined) return text;
      if (this.#closed === BROKEN) throw new ControlUnreachable("the connection to the control plane broke off");
      if (this.#closed !== null) return null;
      this.#socket.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    clearInterval(this.#pinging);
    this.#socket.resume();
    this.#socket.close(1000);
    setTimeout(() => {
      this.#socket.terminate();
    }, 1000).unref();
  }
}
