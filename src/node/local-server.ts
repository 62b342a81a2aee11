/** The socket on which a running agent is asked: HTTP and JSON on `agent.sock` in the state directory, for its owner alone. */

import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { lockStatusReplacer } from "../protocol/index.ts";
import { TkaError } from "../tka/index.ts";
import { AgentError, ControlRefusal } from "./errors.ts";
import { readRequest } from "./limited-body.ts";
import type { LocalRoutes } from "./local-routes.ts";

const MAX_REQUEST_BYTES = 1024 * 1024;
/** Bytes of a path that a socket's address holds, on Linux and with room for macOS. */
const MAX_PATH_BYTES = 103;

/** Where the socket of a state directory is. Throws `state_directory` where the path is too long for one. */
export function socketPath(directory: string): string {
  const path = join(directory, "agent.sock");
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new AgentError(
      "state_directory",
      `the path ${path} is too long for a socket`,
      "choose a shorter --state-dir",
    );
  return path;
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** What an error is on the wire. */
function refusalOf(error: unknown): { readonly status: number; readonly body: object } {
  if (error instanceof ControlRefusal) {
    const { message, hint, refusal } = error;
    return { status: 422, body: { code: "refused", message, hint, reason: refusal.code } };
  }
  if (error instanceof AgentError)
    return { status: 422, body: { code: error.code, message: error.message, hint: error.hint } };
  if (error instanceof TkaError)
    return { status: 422, body: { code: "bad_argument", message: error.message, hint: null } };
  return { status: 500, body: { code: "internal", message: `the agent failed: ${String(error)}`, hint: null } };
}

async function serve(routes: LocalRoutes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let status = 200;
  let body: unknown;
  try {
    const text = await readRequest(request, MAX_REQUEST_BYTES);
    body = await routes.answer(request.method ?? "", new URL(request.url ?? "/", "http://agent"), text);
  } catch (error) {
    ({ status, body } = refusalOf(error));
  }
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body, lockStatusReplacer));
}

/** A running server. */
export interface LocalServer {
  close(): Promise<void>;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // The socket is made within the call, and with these rights from the first moment.
    const before = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(before);
  });
}

/** Takes the state directory for this process: throws `agent_running` where another agent answers on its socket. */
export async function reserveSocket(directory: string): Promise<string> {
  const path = socketPath(directory);
  if (await isAnswered(path)) throw new AgentError("agent_running", `an agent is running already on ${directory}`);
  rmSync(path, { force: true });
  return path;
}

/** Opens the socket at `path` and serves. */
export async function serveLocally(path: string, routes: LocalRoutes): Promise<LocalServer> {
  const server = createServer((request, response) => {
    serve(routes, request, response).catch(() => response.destroy());
  });
  await listen(server, path);
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
