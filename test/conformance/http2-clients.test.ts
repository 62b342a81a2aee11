/** Other people's clients against the core: nghttp, h2load, and Go's. Their bytes come as they are, and in pieces with a save and a restore wherever the core rests. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveHttp2, type Served } from "../support/http2-over-tcp.ts";
import { LARGE, answer } from "./answers.ts";
import { run } from "./programs.ts";

describe.each(["whole", "in pieces, saved and restored"] as const)("bytes %s", (manner) => {
  let served: Served;
  let folder: string;
  let url: string;

  beforeAll(async () => {
    served = await serveHttp2(answer, { manner });
    url = `http://127.0.0.1:${served.port}`;
    folder = mkdtempSync(join(tmpdir(), "tailward-http2-"));
    writeFileSync(join(folder, "body"), new Uint8Array(400_000));
  });

  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await served.stop();
  });

  test("nghttp asks for several things on one connection", async () => {
    const { stdout, code } = await run("nghttp", "-H", "x-asked: so", `${url}/one`, `${url}/two`);
    expect(code).toBe(0);
    expect(stdout).toContain('["GET","/one","so",0]');
    expect(stdout).toContain('["GET","/two","so",0]');
  });

  test("nghttp sends a body, padded, with trailers, and waits for leave", async () => {
    const args = ["-d", join(folder, "body"), "-b", "200", "--trailer", "x-late: 1", "--expect-continue"];
    const { stdout, code } = await run("nghttp", ...args, `${url}/body`);
    expect([stdout, code]).toEqual(['["POST","/body","",400000]', 0]);
  });

  test("nghttp takes something large through small windows", async () => {
    const { stdout, code } = await run("nghttp", "-n", "-s", "-w", "12", "-W", "14", `${url}/large`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ 200 +2M \/large/);
  });

  test("nghttp changes its table's size between requests", async () => {
    const args = ["-c", "0", "-c", "4096", "--encoder-header-table-size=100"];
    const { stdout, code } = await run("nghttp", ...args, `${url}/a`, `${url}/b`);
    expect(code).toBe(0);
    expect(stdout).toContain('["GET","/b","",0]');
  });

  test.each([
    ["small requests, 100 at a time", 5000, ["-c", "4", "-m", "100"], "/"],
    ["bodies", 20, ["-c", "4", "-m", "10", "-d", "body"], "/"],
    ["large answers through small windows", 40, ["-c", "2", "-m", "4", "-w", "14", "-W", "16"], "/large"],
  ])("h2load: %s", async (_, count, args, path) => {
    const filled = args.map((arg) => (arg === "body" ? join(folder, "body") : arg));
    const { stdout } = await run("h2load", "-n", String(count), ...filled, url + path);
    expect(stdout).toContain(`${count} done, ${count} succeeded, 0 failed, 0 errored, 0 timeout`);
    expect(stdout).toContain(`status codes: ${count} 2xx, 0 3xx, 0 4xx, 0 5xx`);
  });

  test.each(["std", "x"])("Go's client (%s): everything on one connection", async (which) => {
    const { stdout, code } = await run("go-client", which, `127.0.0.1:${served.port}`);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      get: '200, ["GET","/?a=b","",0]',
      getBody: '200, ["GET","/","",55]',
      post: '200, ["POST","/","",3000000]',
      again: '200, ["POST","/","one, two",10]',
      large: `200, ${LARGE} octets`,
      many: Array.from({ length: 20 }, () => '200, ["POST","/","",1000]'),
      heavy: Array.from({ length: 4 }, () => `200, ${LARGE} octets`),
      givenUp: "left",
      quiet: '200, ["GET","/","",0]',
      // Go's client keeps to the list that we announce, and does not even ask.
      tooMuch: 'Get "' + url + "/\": http2: request header list larger than peer's advertised limit",
      after: '200, ["GET","/","",0]',
      dialled: 1,
    });
  });
});
