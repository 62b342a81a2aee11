/**
 * The bridge: native clients ask for an upgrade that does not come through Cloudflare's front; this small server takes it, and carries the connection on
 * a WebSocket. It holds no secret and no state: what it moves is ciphertext between the client and the holder of the control plane's key [Z27]. It
 * outlives restarts of the control plane, since each connection is dialled when a client asks for it.
 */

import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { MachineKey } from "../protocol/index.ts";
import { checkKey } from "./bridge-key.ts";
import { serveConnection, type BridgeService } from "./bridge-request.ts";
import { AgentError } from "./errors.ts";

export interface BridgeOptions {
  /** The control plane. */
  readonly url: URL;
  readonly controlKey: MachineKey;
  /** Where clients come in. Port 0 is any free one. */
  readonly host: string;
  readonly port: number;
  /** Connections at a time; more are closed as they come. */
  readonly maxConnections: number;
  readonly log: (line: string) => void;
  /** Told where clients come in, once they do. */
  readonly listening?: (address: AddressInfo) => void;
}

/** Milliseconds for which requests under way are waited for when the bridge stops. */
const DRAIN_MS = 5000;
/** Milliseconds between the probes of a silent TCP connection. */
const KEEP_ALIVE_MS = 60_000;

function listen(server: Server, { host, port }: BridgeOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", ({ message }) => {
      reject(new AgentError("bad_argument", `cannot listen on ${host}:${port}: ${message}`, "give another --listen"));
    });
    server.listen({ host, port, backlog: 1024 }, () => resolve(server.address() as AddressInfo));
  });
}

/** Says once that the control plane is gone, and once that it is back. */
function reachedLog({ url, log }: BridgeOptions): (isReached: boolean) => void {
  let wasReached = true;
  return (isReached) => {
    if (isReached === wasReached) return;
    wasReached = isReached;
    log(`the control plane at ${url.origin} ${isReached ? "is reached again" : "cannot be reached"}`);
  };
}

/** Stops taking connections, ends those that are idle or carried, and waits for requests under way, for a while. */
async function drain(server: Server, open: ReadonlySet<Promise<void>>, sockets: ReadonlySet<Socket>): Promise<void> {
  server.close();
  const late = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, DRAIN_MS);
  await Promise.all(open);
  while (sockets.size > 0) await Promise.all([...sockets].map((socket) => once(socket, "close")));
  clearTimeout(late);
}

/** Serves until `signal` aborts. Throws AgentError where it cannot begin: the control plane has another key, or the address is taken. */
export async function runBridge(options: BridgeOptions, signal: AbortSignal): Promise<void> {
  const { url, controlKey, log } = options;
  try {
    await checkKey(url, controlKey, signal, log);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  const stop = new AbortController();
  const service: BridgeService = { url, controlKey, stop: stop.signal, reached: reachedLog(options) };
  const sockets = new Set<Socket>();
  const open = new Set<Promise<void>>();
  const server = createServer({
    allowHalfOpen: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    noDelay: true,
  });
  server.maxConnections = options.maxConnections;
  server.on("connection", (socket) => {
    sockets.add(socket);
    const served = serveConnection(socket, service).finally(() => open.delete(served));
    open.add(served);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("drop", () => log("more connections than --max-connections: one was closed"));
  const address = await listen(server, options);
  const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
  log(`listens on ${shown}:${address.port} for ${url.origin}, ${controlKey}`);
  options.listening?.(address);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  log(`stops: ${open.size} connections are ended`);
  stop.abort();
  await drain(server, open, sockets);
}
