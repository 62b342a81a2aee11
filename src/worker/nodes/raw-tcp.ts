/**
 * Native clients without a bridge: a raw TCP connection carries one HTTP/1.1 request. The control protocol's upgrade goes on over a WebSocket, as it does
 * through the bridge; everything else is asked of the Worker's app [T9][T10]. Where `npm start` opens a port for it: Cloudflare takes no inbound TCP for
 * Workers. All that comes in is attacker-controlled.
 */

import {
  BODY_MS,
  CONTROL_SUBPROTOCOL,
  HEAD_MS,
  Http1Error,
  Http1HeadReader,
  SWITCHED,
  answerHead,
  chunk,
  connectionTarget,
  hasBody,
  nativeUpgradeOf,
  passedOn,
  plainAnswer,
  type Http1Head,
} from "../../protocol/index.ts";
import { log } from "../../durable/index.ts";
import { concatBytes } from "../../tka/index.ts";
import { pumpSocket } from "./raw-tcp-pump.ts";

/** Milliseconds within which a client has to take a piece of its answer. */
const TAKE_MS = 60_000;
/** Milliseconds for which a connection is still read after its answer. */
const LINGER_MS = 2000;

/** Answers a request, as the Worker's own `fetch` does. */
export type Serve = (request: Request) => Promise<Response> | Response;

/** A connection's two directions. */
export interface RawConnection {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
}

const LATE = new Http1Error(408, "the request did not come in time");

/** What `work` gives, or `late` once it has taken too long. */
async function within<T>(ms: number, work: Promise<T>, late: Error = LATE): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late), ms);
  });
  return Promise.race([work, isLate]).finally(() => clearTimeout(timer));
}

/** Writes a piece of an answer. Rejects where the client does not read it: an answer that has begun is followed by no other. */
function write({ writer }: RawConnection, bytes: Uint8Array): Promise<void> {
  return within(TAKE_MS, writer.write(bytes), new Error("the client does not read"));
}

/** The head of the connection's request, and what came after it; null where nothing came at all. */
async function readHead({ reader }: RawConnection): Promise<{ head: Http1Head; rest: Uint8Array } | null> {
  const collector = new Http1HeadReader();
  for (let isFirst = true; ; isFirst = false) {
    const { value, done } = await reader.read();
    if (done && isFirst) return null;
    if (done) throw new Http1Error(400, "the head of the request is cut off");
    const head = collector.take(value);
    if (head !== null) return { head, rest: collector.rest };
  }
}

/** The body of a request, whose length is bounded and said in advance. */
async function readBody({ reader }: RawConnection, length: number, rest: Uint8Array): Promise<Uint8Array> {
  const pieces = [rest];
  for (let have = rest.length; have < length;) {
    const { value, done } = await reader.read();
    if (done) throw new Http1Error(400, "the body of the request is cut off");
    pieces.push(value);
    have += value.length;
  }
  return concatBytes(...pieces).subarray(0, length);
}

/** Asks the app, and writes its answer. */
async function passThrough(connection: RawConnection, head: Http1Head, rest: Uint8Array, serve: Serve): Promise<void> {
  const { method, target, host, bodyLength } = head;
  const body = await within(BODY_MS, readBody(connection, bodyLength, rest));
  const request = new Request(`http://${host}${target}`, {
    method,
    headers: passedOn(head.fields),
    redirect: "manual",
    ...(bodyLength > 0 ? { body } : {}),
  });
  const response = await serve(request);
  const withBody = hasBody(method, response.status);
  await write(connection, answerHead(response.status, response.headers, withBody));
  if (!withBody) return;
  if (response.body !== null)
    for await (const piece of response.body as ReadableStream<Uint8Array>)
      if (piece.length > 0) await write(connection, chunk(piece));
  await write(connection, chunk(new Uint8Array(0)));
}

/** Opens the WebSocket for a client's upgrade, and moves bytes until either side ends. */
async function carry(
  connection: RawConnection,
  head: Http1Head,
  handshake: string,
  rest: Uint8Array,
  serve: Serve,
): Promise<void> {
  const headers = { upgrade: "websocket", "sec-websocket-protocol": CONTROL_SUBPROTOCOL };
  const response = await serve(new Request(`http://${head.host}${connectionTarget(handshake)}`, { headers }));
  const { webSocket } = response;
  if (webSocket == null) {
    await write(connection, plainAnswer(response.status, await response.text()));
    return;
  }
  await write(connection, SWITCHED);
  await pumpSocket(connection, webSocket, rest);
}

async function handle(connection: RawConnection, serve: Serve): Promise<void> {
  const read = await within(HEAD_MS, readHead(connection));
  if (read === null) return;
  if (!URL.canParse(`http://${read.head.host}`)) throw new Http1Error(400, "the host cannot be read");
  const handshake = nativeUpgradeOf(read.head);
  if (handshake === null) await passThrough(connection, read.head, read.rest, serve);
  else await carry(connection, read.head, handshake, read.rest, serve);
}

/** Reads what is still sent, and drops it, for a while: a connection that is closed over unread bytes may take the answer with it. */
async function lingered(reader: RawConnection["reader"]): Promise<void> {
  const drain = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  await within(LINGER_MS, drain()).catch(() => undefined);
}

/** Serves one connection to its end. Never rejects. */
export async function handleRawTcp(socket: Socket, serve: Serve): Promise<void> {
  const reader = (socket.readable as ReadableStream<Uint8Array>).getReader();
  const writer = (socket.writable as WritableStream<Uint8Array>).getWriter();
  const connection = { reader, writer };
  try {
    await handle(connection, serve);
  } catch (error) {
    if (error instanceof Http1Error)
      await write(connection, plainAnswer(error.status, `${error.message}\n`)).catch(() => undefined);
    else log.warn("a raw connection failed", {}, error);
  } finally {
    await within(TAKE_MS, writer.close()).catch(() => undefined);
    await lingered(reader);
    await socket.close().catch(() => undefined);
  }
}
