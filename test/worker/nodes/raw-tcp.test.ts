/** Native clients on a raw TCP port: what is not the control protocol goes to the app, and what is smuggled goes nowhere [T9][T10]. */

import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { noiseCrypto } from "../../../src/durable/index.ts";
import { controlPublicKey, parseControlKey, type NoiseTransport } from "../../../src/protocol/index.ts";
import { encodeUtf8 } from "../../../src/tka/index.ts";
import { NoiseInitiator } from "../../support/noise-initiator.ts";
import { RawClient } from "../../support/workerd/raw-client.ts";

const HOST = "Host: control.test\r\n";

/** Everything that is answered to `text`. */
async function answerTo(text: string): Promise<string> {
  const client = new RawClient();
  await client.send(text);
  return client.rest();
}

const control = controlPublicKey(parseControlKey(env.CONTROL_NOISE_KEY), noiseCrypto);
const RESPONSE_BYTES = 51;
const SETTINGS = 4;
const PING = 6;

/** A client whose connection is switched, and its Noise. */
async function switched(): Promise<{ client: RawClient; noise: NoiseTransport }> {
  const initiator = await NoiseInitiator.start(control);
  const client = new RawClient();
  await client.upgrade(initiator.handshake);
  expect(await client.head()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: tailscale-control-protocol\r\n/);
  return { client, noise: await initiator.finish(await client.take(RESPONSE_BYTES)) };
}

/** The plaintext of the next record. */
async function record(client: RawClient, noise: NoiseTransport): Promise<Uint8Array> {
  const header = await client.take(3);
  return noise.receive(Uint8Array.of(...header, ...(await client.take(((header[1] ?? 0) << 8) | (header[2] ?? 0)))));
}

describe("a client's connection", () => {
  test("speaks the control protocol with a sessions object: HTTP/2 inside Noise", async () => {
    const { client, noise } = await switched();
    expect((await record(client, noise))[3]).toBe(SETTINGS);
    const ping = Uint8Array.of(0, 0, 8, PING, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
    const preface = encodeUtf8("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await client.send(noise.seal(Uint8Array.of(...preface, 0, 0, 0, SETTINGS, 0, 0, 0, 0, 0, ...ping)));
    const answers: number[] = [];
    while (!answers.includes(PING)) {
      const frames = await record(client, noise);
      for (let at = 0; at < frames.length; at += 9 + (frames[at + 2] ?? 0)) answers.push(frames[at + 3] ?? 0);
    }
    await client.end();
    await client.rest();
  });

  test("ends where a record does not open", async () => {
    const { client, noise } = await switched();
    await record(client, noise);
    await client.send(Uint8Array.of(4, 0, 16, ...new Uint8Array(16)));
    await client.rest();
  });

  test("begins with a handshake for this control plane's key, or not at all", async () => {
    const other = await NoiseInitiator.start(controlPublicKey(noiseCrypto.newKeyPair().privateKey, noiseCrypto));
    const client = new RawClient();
    await client.upgrade(other.handshake);
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 401 /);
  });
});

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
