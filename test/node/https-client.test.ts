/** The HTTPS transport against a real HTTP server: signatures by [Q1] [Q2] [Q3], limits, and what bad answers become [Z8]. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createPublicKey, verify } from "node:crypto";
import { verifySignature } from "http-message-sig";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { signerFromSeed } from "../../src/node/index.ts";
import { HttpsClient, parseControlUrl } from "../../src/node/https-client.ts";
import {
  SIGNED_COMPONENTS,
  SIGNED_PARAMETERS,
  contentDigest,
  formatRequestKey,
  parseRequestKey,
} from "../../src/protocol/index.ts";
import { nodeKey } from "../support/chains-keys.ts";

const signer = signerFromSeed(new Uint8Array(32).fill(1));
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

interface Received {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

/** A server that answers so, and a client of it. */
async function serve(
  answer: (received: Received, response: ServerResponse) => void,
): Promise<{ readonly client: HttpsClient; readonly received: Received[]; readonly url: URL }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = { request, body: Buffer.concat(chunks) };
      received.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { client: new HttpsClient(url, signer), received, url };
}

const ok = (_: Received, response: ServerResponse): void => void response.end("{}");

afterEach(() => vi.restoreAllMocks());

function asRequest({ request, body }: Received, url: URL): Request {
  const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  return new Request(new URL(request.url ?? "", url), { method: "POST", headers, body: new Uint8Array(body) });
}

const policy = {
  algorithms: ["ed25519"],
  requiredComponents: SIGNED_COMPONENTS,
  requiredParameters: SIGNED_PARAMETERS,
};

function verified(request: Request): ReturnType<typeof verifySignature> {
  return verifySignature(request, {
    label: "tailward",
    policy,
    resolveVerifier: ({ parameters }) => {
      const der = Buffer.concat([SPKI, parseRequestKey(parameters.keyid ?? "")]);
      const key = createPublicKey({ key: der, format: "der", type: "spki" });
      return { algorithm: "ed25519", verify: (data, signature) => verify(null, data, key, signature) };
    },
  });
}

describe("requests", () => {
  test("are POSTs with one signature over method, authority, path and digest [Q1] [Q2] [Q3]", async () => {
    const { client, received, url } = await serve(ok);
    await client.sign({ NodeKey: nodeKey("n"), Signature: Uint8Array.of(1, 2) });
    const [one] = received;
    if (one === undefined) throw new Error("nothing came");
    expect(one.request.method).toBe("POST");
    expect(one.request.url).toBe("/machine/tka/sign");
    expect(JSON.parse(one.body.toString())).toEqual({ NodeKey: nodeKey("n"), Signature: "AQI=" });
    expect(one.request.headers["content-type"]).toBe("application/json");
    expect(one.request.headers["content-digest"]).toBe(contentDigest(one.body));
    const { parameters } = await verified(asRequest(one, url));
    expect(parameters).toMatchObject({
      keyid: formatRequestKey(signer.publicKey),
      alg: "ed25519",
      tag: "tailward-node",
    });
    expect((parameters.expires ?? 0) - (parameters.created ?? 0)).toBe(60);
    expect(parameters.nonce).toMatch(/^[0-9a-f]{32}$/);
  });

  test("never use a nonce twice", async () => {
    const { client, received } = await serve(ok);
    await client.sign({});
    await client.sign({});
    const [a, b] = received.map(({ request }) => /nonce="(\w+)"/.exec(String(request.headers["signature-input"]))?.[1]);
    expect(a).not.toBe(b);
  });

  test.each(["content-digest", "signature-input"])("do not verify with another %s", async (header) => {
    const { client, received, url } = await serve(ok);
    await client.sign({});
    const request = asRequest(received[0] as Received, url);
    request.headers.set(header, (request.headers.get(header) ?? "").replace(/[1-8]/, "9"));
    await expect(verified(request)).rejects.toThrow();
  });
});

describe("answers", () => {
  const answered = (status: number, body: string) =>
    serve((_, response) => void response.writeHead(status, { "content-type": "application/json" }).end(body));

  test("that refuse carry the code and what else is said", async () => {
    const { client } = await answered(409, JSON.stringify({ code: "head_moved", message: "moved", index: 3 }));
    await expect(client.syncSend({})).rejects.toMatchObject({
      name: "ControlRefusal",
      refusal: { code: "head_moved", index: 3 },
    });
  });

  test.each([
    [500, "{}"],
    [503, "<html>"],
    [429, "{}"],
    [409, '{"code":"try_again","message":"busy"}'],
  ])("of status %i with %s may pass [Z8]", async (status, body) => {
    const { client } = await answered(status, body);
    await expect(client.syncSend({})).rejects.toMatchObject({ name: "ControlUnreachable" });
  });

  test.each([
    [404, "<html>"],
    [403, '{"error":"not ours"}'],
    [200, "<html>"],
    [200, '{"Head":7}'],
  ])("of status %i with %s cannot be read", async (status, body) => {
    const { client } = await answered(status, body);
    await expect(client.syncSend({})).rejects.toMatchObject({ code: "bad_answer" });
  });

  test("past the limit are given up before they are parsed", async () => {
    const { client } = await serve((_, response) => {
      const chunk = Buffer.alloc(1 << 20, 0x20);
      for (let i = 0; i < 66; i++) response.write(chunk);
      response.end("{}");
    });
    await expect(client.syncSend({})).rejects.toMatchObject({
      code: "bad_answer",
      message: expect.stringContaining("67108864") as string,
    });
  });

  test("that redirect are not followed: the signature is for this place", async () => {
    const { client } = await serve(
      (_, response) => void response.writeHead(307, { location: "http://127.0.0.1:1/" }).end(),
    );
    await expect(client.syncSend({})).rejects.toMatchObject({ name: "ControlUnreachable" });
  });

  test("that break off may come whole the next time [Z8]", async () => {
    const { client } = await serve((_, response) => {
      response.writeHead(200, { "content-length": "100" }).write("{");
      setTimeout(() => response.destroy(), 20);
    });
    await expect(client.syncSend({})).rejects.toMatchObject({ name: "ControlUnreachable" });
  });
});

describe("no answer", () => {
  test("from a port that nobody listens on may pass [Z8]", async () => {
    const client = new HttpsClient(new URL("http://127.0.0.1:9"), signer);
    await expect(client.syncSend({})).rejects.toMatchObject({ code: "unreachable" });
  });

  test("is not waited for once the agent is told to stop", async () => {
    const { client } = await serve(() => undefined);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    await expect(client.register({}, stop.signal)).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("control URLs", () => {
  test.each(["https://c.example", "http://127.0.0.1:8787/", "https://c.example:8443"])("%s is one", (text) => {
    expect(parseControlUrl(text).href).toMatch(/\/$/);
  });

  test.each(["", "c.example", "ftp://c", "https://c/path", "https://c/?q", "https://u:p@c", "https://c/#f"])(
    "%s is none",
    (text) => {
      expect(() => parseControlUrl(text)).toThrow(expect.objectContaining({ code: "bad_argument" }) as Error);
    },
  );
});
