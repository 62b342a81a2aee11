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

/** How the bytes reach the core: whole as they come, or in small pieces with a save and a restore wherever the core is idle. */
export type Manner = "whole" | "in pieces, saved and restored";

const PIECE = 7;

/** Serves until stopped. */
export async function serveHttp2(handler: Handler, manner: Manner = "whole"): Promise<Served> {
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    serveSocket(socket, handler, manner);
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

function serveSocket(socket: Socket, handler: Handler, manner: Manner): void {
  let server = new Http2Server();
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
  socket.on("data", (bytes) => {
    if (manner === "whole") handle(server.receive(bytes, Date.now()));
    else
      for (let at = 0; at < bytes.length; at += PIECE) {
        handle(server.receive(bytes.subarray(at, at + PIECE), Date.now()));
        if (server.idle) server = Http2Server.restore(server.save());
      }
  });
}
