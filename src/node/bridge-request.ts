/**
 * One connection to the bridge: one HTTP/1.1 request [T9], which is the control protocol's upgrade, or asks for the key, or goes on to the control plane
 * as it is [T10]. Everything that comes in is attacker-controlled; nothing of it is logged.
 */

import type { Socket } from "node:net";
import { Readable } from "node:stream";
import {
  BODY_MS,
  HEAD_MS,
  Http1Error,
  Http1HeadReader,
  KEY_PATH,
  answerHead,
  chunk,
  controlKeyResponse,
  hasBody,
  nativeUpgradeOf,
  passedOn,
  plainAnswer,
  type Http1Head,
  type MachineKey,
} from "../protocol/index.ts";
import { DialRefused, dial, tunnel } from "./bridge-tunnel.ts";

/** What a bridge serves, and how it is told to stop. */
export interface BridgeService {
  readonly url: URL;
  readonly controlKey: MachineKey;
  /** Aborts when the bridge is to go. */
  readonly stop: AbortSignal;
  /** Told whether the control plane was reached. */
  readonly reached: (isReached: boolean) => void;
}

/** Milliseconds within which a client has to take a piece of its answer. */
const TAKE_MS = 60_000;
/** Milliseconds for which a connection is still read after its answer: one that is closed over unread bytes may take the answer with it. */
const LINGER_MS = 2000;

/** Waits for one of a socket's events. Throws `late` where it does not come in time, and where the socket is gone. */
function once(socket: Socket, event: "readable" | "drain", ms: number, late: Error): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null) => (): void => {
      clearTimeout(timer);
      socket.off(event, good).off("end", good).off("close", gone);
      if (error === null) resolve();
      else reject(error);
    };
    const good = settle(null);
    const gone = settle(new Error("the connection is gone"));
    const timer = setTimeout(settle(late), ms);
    socket.once(event, good).once("end", good).once("close", gone);
  });
}

/** The head of the connection's request, and what came after it; null where nothing came at all. */
async function readHead(socket: Socket): Promise<{ head: Http1Head; rest: Uint8Array } | null> {
  const collector = new Http1HeadReader();
  const late = new Http1Error(408, "the request did not come in time");
  const end = Date.now() + HEAD_MS;
  for (let isFirst = true; ;) {
    const piece = socket.read() as Buffer | null;
    if (piece === null) {
      if (socket.readableEnded && isFirst) return null;
      if (socket.readableEnded) throw new Http1Error(400, "the head of the request is cut off");
      await once(socket, "readable", Math.max(0, end - Date.now()), late);
      continue;
    }
    isFirst = false;
    const head = collector.take(piece);
    if (head !== null) return { head, rest: collector.rest };
  }
}

/** The body of a request as it comes, and no byte more. */
async function* bodyOf(socket: Socket, length: number, rest: Uint8Array): AsyncGenerator<Uint8Array> {
  let left = length;
  const first = rest.subarray(0, left);
  left -= first.length;
  if (first.length > 0) yield first;
  const late = new Http1Error(408, "the body did not come in time");
  while (left > 0) {
    const piece = socket.read() as Buffer | null;
    if (piece === null) {
      if (socket.readableEnded) throw new Http1Error(400, "the body of the request is cut off");
      await once(socket, "readable", BODY_MS, late);
      continue;
    }
    const part = piece.subarray(0, left);
    left -= part.length;
    yield part;
  }
}

/** Writes, and waits until the client has taken it. Rejects where it does not: an answer that has begun is followed by no other. */
async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (!socket.write(bytes)) await once(socket, "drain", TAKE_MS, new Error("the client does not read"));
}

/** Asks the control plane, and hands on what it answers. */
async function passThrough(
  socket: Socket,
  { head, rest }: { head: Http1Head; rest: Uint8Array },
  service: BridgeService,
): Promise<void> {
  const { method, target, bodyLength } = head;
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  // An answer in an encoding would be decoded on the way.
  const headers = new Headers(passedOn(head.fields));
  headers.set("accept-encoding", "identity");
  const body =
    bodyLength === 0 ? {} : { body: Readable.toWeb(Readable.from(bodyOf(socket, bodyLength, rest))), duplex: "half" };
  const response = await fetch(`${service.url.origin}${target}`, {
    method,
    headers,
    redirect: "manual",
    signal: gone.signal,
    ...body,
  } as RequestInit).catch((error: unknown) => {
    // A body that was not to be had is the client's doing.
    const { cause } = error as Error;
    if (cause instanceof Http1Error) throw cause;
    return null;
  });
  service.reached(response !== null);
  if (response === null) throw new Http1Error(502, "the control plane cannot be reached");
  const fields = [...response.headers].filter(([name]) => name !== "content-encoding");
  const withBody = hasBody(method, response.status);
  await write(socket, answerHead(response.status, fields, withBody));
  if (!withBody) return;
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>)
    if (piece.length > 0) await write(socket, chunk(piece));
  await write(socket, chunk(new Uint8Array(0)));
}

/** Carries a client's connection to its end. */
async function carry(socket: Socket, handshake: string, rest: Uint8Array, service: BridgeService): Promise<void> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  socket.once("close", leave);
  try {
    const webSocket = await dial(service.url, handshake, AbortSignal.any([left.signal, service.stop]));
    service.reached(true);
    await tunnel(socket, webSocket, rest, service.stop);
  } catch (error) {
    if (!(error instanceof DialRefused)) throw error;
    if (!left.signal.aborted && !service.stop.aborted) service.reached(!error.isUnreachable);
    await write(socket, error.answer);
  } finally {
    socket.off("close", leave);
  }
}

async function serve(socket: Socket, service: BridgeService): Promise<void> {
  const request = await readHead(socket);
  if (request === null) return;
  const { head, rest } = request;
  const handshake = nativeUpgradeOf(head);
  if (handshake !== null) return carry(socket, handshake, rest, service);
  if (head.target.split("?", 1)[0] !== KEY_PATH) return passThrough(socket, request, service);
  if (head.method !== "GET") throw new Http1Error(405, "the key is asked for by GET");
  await write(socket, plainAnswer(200, JSON.stringify(controlKeyResponse(service.controlKey)), "application/json"));
}

/** Serves one connection to its end. Never rejects. */
export async function serveConnection(socket: Socket, service: BridgeService): Promise<void> {
  socket.on("error", () => undefined);
  try {
    await serve(socket, service);
  } catch (error) {
    if (error instanceof Http1Error && socket.writable) socket.write(plainAnswer(error.status, `${error.message}\n`));
  }
  if (socket.destroyed) return;
  socket.end();
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
