/** Native clients on a raw TCP port: what is not the control protocol goes to the app, and what is smuggled goes nowhere [T9][T10]. */

import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { RawClient } from "../support/workerd/raw-client.ts";

const HOST = "Host: control.test\r\n";

/** Everything that is answered to `text`. */
async function answerTo(text: string): Promise<string> {
  const client = new RawClient();
  await client.send(text);
  return client.rest();
}

describe("a request goes to the app", () => {
  test("for the key", async () => {
    const answer = await answerTo(`GET /key?v=142 HTTP/1.1\r\n${HOST}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('"publicKey":"mkey:');
    expect(answer).toMatch(/connection: close\r\n[^]*\r\n0\r\n\r\n$/);
  });

  test("for a login's page", async () => {
    expect(await answerTo(`GET /login/${"x".repeat(24)} HTTP/1.1\r\n${HOST}\r\n`)).toContain("No node waits here");
  });

  test("without a body, where only the head is asked for", async () => {
    expect(await answerTo(`HEAD /key HTTP/1.1\r\n${HOST}\r\n`)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  });

  test("with a body that comes in pieces, and the fields that are the request's", async () => {
    const body = JSON.stringify({ name: `raw-${Date.now()}.test` });
    const client = new RawClient();
    await client.send(`POST /api/v2/tailnets HTTP/1.1\r\n${HOST}Authorization: Bearer ${env.OWNER_TOKEN}\r\n`);
    await client.send(`Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 3)}`);
    await client.send(body.slice(3));
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test("where the upgrade is asked for wrongly, which names the way out", async () => {
    expect(await answerTo(`GET /ts2021 HTTP/1.1\r\n${HOST}\r\n`)).toContain("tailward bridge");
  });
});

describe("a connection carries one request [T9]", () => {
  test("a second one behind it is not read", async () => {
    const answer = await answerTo(`GET /health HTTP/1.1\r\n${HOST}\r\nGET /key HTTP/1.1\r\n${HOST}\r\n`);
    expect(answer).toContain('{"ok":true}');
    expect(answer).not.toContain("mkey:");
  });

  test("nor what stands behind its body", async () => {
    const smuggled = `GET /key HTTP/1.1\r\n${HOST}\r\n`;
    const answer = await answerTo(`POST /health HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\n{}${smuggled}`);
    expect(answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    expect(answer).not.toContain("mkey:");
  });

  test.each([
    ["an encoding beside a length", "POST /key HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n", 501],
    ["two lengths", "POST /key HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n", 400],
    ["a bare line feed", "GET /key HTTP/1.1\nX: y\r\n", 400],
  ])("%s is refused", async (_, lines, status) => {
    expect(await answerTo(`${lines}${HOST}\r\n`)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test("a head that does not end is refused at its limit", async () => {
    const client = new RawClient();
    // Nobody reads all of it.
    void client.send(`GET /key HTTP/1.1\r\n${HOST}A: ${"b".repeat(16 * 1024)}`);
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 431 /);
  });

  test.each([
    ["its head", `GET /key HTTP/1.1\r\n${HOST}`],
    ["its body", `POST /key HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nhalf`],
  ])("that ends in the middle of %s is told so", async (_, text) => {
    const client = new RawClient();
    await client.send(text);
    await client.end();
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("that says nothing is answered nothing", async () => {
    const client = new RawClient();
    await client.end();
    expect(await client.rest()).toBe("");
  });

  test("whose handshake was made for another key is refused before anything switches", async () => {
    const client = new RawClient();
    await client.upgrade("A".repeat(136));
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 400 /);
  });
});
