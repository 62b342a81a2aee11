/** Node's HTTP/2 client against the core, over TCP: as its bytes come, and in small pieces with a save and a restore wherever the core rests. */

import { connect, type ClientHttp2Session } from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveHttp2, type Served } from "../support/http2-over-tcp.ts";

const LARGE = 3_000_000;

describe.each(["whole", "in pieces, saved and restored"] as const)("Node's client, its bytes %s", (manner) => {
  let served: Served;
  let session: ClientHttp2Session;

  beforeAll(async () => {
    served = await serveHttp2(
      (server, { stream, method, path, headers, body }) => {
        const large = path === "/large";
        const answer = JSON.stringify([method, path, headers.get("x-asked"), body.length]);
        const bytes = large ? new Uint8Array(LARGE).fill(7) : new TextEncoder().encode(answer);
        server.respond(stream, large ? 200 : 418, [["x-answered", "yes"]], bytes, true);
      },
      { manner },
    );
    session = connect(`http://127.0.0.1:${served.port}`);
  });

  afterAll(async () => {
    session.close();
    await served.stop();
  });

  function asked(path: string, body: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const request = session.request({ ":path": path, ":method": "POST", "x-asked": "so" });
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => resolve(Buffer.concat(parts)));
      request.on("error", reject);
      request.end(body);
    });
  }

  test("is answered", async () => {
    expect(JSON.parse((await asked("/small?a=b", Buffer.from("body"))).toString())).toEqual([
      "POST",
      "/small?a=b",
      "so",
      4,
    ]);
  });

  test("sends a body past every window", async () => {
    expect(JSON.parse((await asked("/", Buffer.alloc(LARGE))).toString())).toEqual(["POST", "/", "so", LARGE]);
  });

  test("is answered past every window, on several streams at once", async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => asked("/large", Buffer.alloc(10))));
    expect(answers.map(({ length }) => length)).toEqual([LARGE, LARGE, LARGE, LARGE]);
    expect(answers[3]?.every((octet) => octet === 7)).toBe(true);
  });
});
