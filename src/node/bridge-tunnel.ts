/**
 * One native client's connection through the bridge: a TCP socket on one side, a WebSocket to the control plane on the other, and ciphertext in between.
 * Neither side is read faster than the other takes it.
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { WebSocket, createWebSocketStream } from "ws";
import { CONTROL_SUBPROTOCOL, SWITCHED, connectionTarget, plainAnswer } from "../protocol/index.ts";
import { readRequest } from "./limited-body.ts";

/** Milliseconds within which the control plane has to take the connection: a client waits some ten seconds. */
const DIAL_MS = 10_000;
/** Bytes of one message: more than the control plane sends at once. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_REFUSAL_BYTES = 16 * 1024;
/** Milliseconds between pings. Whoever has answered none for two of them is gone, and so is a client that has read nothing for two. */
const PING_MS = 50_000;
const GOING_AWAY = 1001;

/** Why the control plane did not take a connection, as the client is told. */
export class DialRefused extends Error {
  readonly answer: Uint8Array;
  /** True where the control plane was not reached at all. */
  readonly isUnreachable: boolean;

  constructor(message: string, answer: Uint8Array, isUnreachable: boolean) {
    super(message);
    this.answer = answer;
    this.isUnreachable = isUnreachable;
  }
}

async function refusedBy(response: IncomingMessage): Promise<DialRefused> {
  const body = await readRequest(response, MAX_REFUSAL_BYTES).catch(() => "");
  const status = response.statusCode ?? 502;
  // Statuses of a switch that was not made are none that a client may be told.
  return new DialRefused(`the control plane answered ${status}`, plainAnswer(status < 400 ? 502 : status, body), false);
}

/** The WebSocket for a connection that begins with that handshake, not yet read. Throws DialRefused. */
export function dial(url: URL, handshake: string, signal: AbortSignal): Promise<WebSocket> {
  const target = `${url.protocol === "https:" ? "wss" : "ws"}://${url.host}${connectionTarget(handshake)}`;
  const webSocket = new WebSocket(target, [CONTROL_SUBPROTOCOL], {
    followRedirects: false,
    headers: { "user-agent": "tailward-bridge" },
    handshakeTimeout: DIAL_MS,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  const abort = (): void => webSocket.terminate();
  signal.addEventListener("abort", abort, { once: true });
  return new Promise<WebSocket>((resolve, reject) => {
    webSocket.once("open", () => {
      webSocket.pause();
      resolve(webSocket);
    });
    webSocket.once("unexpected-response", (_request, response) => {
      refusedBy(response)
        .then(reject, reject)
        .finally(() => webSocket.terminate());
    });
    // What comes after the first error is of a socket that nobody has any more.
    webSocket.on("error", ({ message }) => {
      reject(new DialRefused(message, plainAnswer(502, "the control plane cannot be reached\n"), true));
    });
  }).finally(() => {
    signal.removeEventListener("abort", abort);
  });
}

/** Ends what is dead: a control plane that answers no ping, a client that reads nothing of what waits for it. */
function watch(client: Socket, webSocket: WebSocket): NodeJS.Timeout {
  let isAlive = true;
  let waited: number | null = null;
  webSocket.on("pong", () => {
    isAlive = true;
  });
  const timer = setInterval(() => {
    if (!webSocket.isPaused) {
      if (!isAlive) client.destroy();
      isAlive = false;
      waited = null;
      webSocket.ping();
      return;
    }
    // Not read, since the client does not read: then no answer to a ping would be seen either.
    const taken = client.bytesWritten - client.writableLength;
    if (waited === taken) client.destroy();
    waited = taken;
  }, PING_MS);
  return timer.unref();
}

/** Moves bytes until either side ends; what was sent before is delivered first. Never rejects. */
export async function tunnel(client: Socket, webSocket: WebSocket, rest: Uint8Array, stop: AbortSignal): Promise<void> {
  const goAway = (): void => webSocket.close(GOING_AWAY);
  stop.addEventListener("abort", goAway, { once: true });
  const timer = watch(client, webSocket);
  try {
    client.write(SWITCHED);
    if (rest.length > 0) client.unshift(rest);
    const stream = createWebSocketStream(webSocket);
    // The client's end closes the WebSocket, whose end is the end: what it sent before is written by then.
    pipeline(client, stream).catch(() => undefined);
    await pipeline(stream, client);
  } catch {
    // Broken off by one side: the client comes back by itself.
    client.destroy();
  } finally {
    clearInterval(timer);
    stop.removeEventListener("abort", goAway);
    webSocket.terminate();
  }
}
