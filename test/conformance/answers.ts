/** What the served core answers in these tests: an echo, something large, and a stream that does not end. */

import type { Handler } from "../support/http2-over-tcp.ts";

export const LARGE = 3_000_000;

const large = new Uint8Array(LARGE).fill(7);

export const answer: Handler = (server, { stream, method, path, headers, body }) => {
  if (path === "/large") server.respond(stream, 200, [["content-length", String(LARGE)]], large, true);
  else if (path === "/stream") server.respond(stream, 200, [], Uint8Array.of(1, 2, 3, 4), false);
  else {
    const echo = JSON.stringify([method, path, headers.get("x-asked") ?? "", body.length]);
    server.respond(stream, 200, [["content-type", "application/json"]], Buffer.from(echo), true);
  }
};
