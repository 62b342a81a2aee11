/** The HTTP/2 core over plain TCP, so that other people's clients can be run against it. Support of tests only. */

import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { Http2Server, type Http2Event, type Http2Request } from "../../src/protocol/index.ts";

export interface Served {
  readonly port: number;
  stop(): Promise<void>;
}

/** What a test does with a whole request. */
export type Handler = (server: Http2Server, request: Http2Request) => void;

/** How a client's bytes reach the core: whole, as they come, or in small pieces with a save and a restore wherever the core rests. */
export type Manner = "whole" | "in pieces, saved and restored";

/** What becomes of a client's bytes on their way. */
export type Filter = (bytes: Uint8Array) => Uint8Array;

export interface Serving {
  readonly manner?: Manner;
  /** Makes the filter of one connection. */
  readonly filter?: () => Filter;
}

const PIECE = 7;

/** Serves until stopped. */
export async function serveHttp2(handler: Handler, serving: Serving = {}): Promise<Served> {
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    serveSocket(socket, handler, serving);
  });
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  return {
    port: (tcp.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      tcp.close();
      await once(tcp, "close");
    },
  };
}

function serveSocket(socket: Socket, handler: Handler, { manner = "whole", filter }: Serving): void {
  let server = new Http2Server();
  const pass = filter?.() ?? ((bytes: Uint8Array) => bytes);
  const send = (): void => {
    const bytes = server.take();
    if (bytes.length > 0) socket.write(bytes);
  };
  const handle = (events: readonly Http2Event[]): void => {
    for (const event of events) if (event.kind === "request") handler(server, event.request);
    send();
    if (server.ended) socket.end();
  };
  send();
  socket.on("data", (data) => {
    const bytes = pass(data);
    const piece = manner === "whole" ? bytes.length : PIECE;
    for (let at = 0; at < bytes.length; at += piece) {
      handle(server.receive(bytes.subarray(at, at + piece), Date.now()));
      if (manner !== "whole" && server.idle) server = Http2Server.restore(server.save());
    }
  });
}
