/** The agent's map over real connections: a WebSocket, a stream where there is none, and what breaks on the way [Z25] [Z26] [M9] [M10] [Q1]. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { zstdCompressSync } from "node:zlib";
import { verifySignature, webcrypto } from "http-message-sig";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { HttpsClient } from "../../src/node/https-client.ts";
import { signerFromSeed } from "../../src/node/index.ts";
import { MapSocketChannel } from "../../src/node/map-socket.ts";
import { MapConnector } from "../../src/node/map-connector.ts";
import { MapStreamChannel } from "../../src/node/map-stream.ts";
import { MAP_SUBPROTOCOL, SIGNED_COMPONENTS, contentDigest, frame, parseRequestKey } from "../../src/protocol/index.ts";
import { nodeKey } from "../support/chains-keys.ts";
import { eventually } from "../support/eventually.ts";

const signer = signerFromSeed(new Uint8Array(32).fill(1));
const hello = { Version: 1, NodeKey: nodeKey("n"), TKAHead: "" };
const never = new AbortController().signal;

interface Server {
  readonly url: URL;
  readonly client: HttpsClient;
  /** Upgrades and posts, in order. */
  readonly requests: IncomingMessage[];
  /** What was said on sockets, as JSON. */
  readonly said: Record<string, unknown>[];
  /** Bodies of posts, as JSON. */
  readonly posted: Record<string, unknown>[];
}

interface Behaviour {
  readonly onSocket?: (socket: WebSocket) => void;
  /** Answers an upgrade in place of making it. */
  readonly refuse?: { readonly status: number; readonly body: string };
  readonly onStream?: (response: ServerResponse) => void;
}

async function serve({ onSocket, refuse, onStream }: Behaviour): Promise<Server> {
  const requests: IncomingMessage[] = [];
  const said: Record<string, unknown>[] = [];
  const posted: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      posted.push(body);
      if (body["Stream"] === true) onStream?.(response.writeHead(200));
      else response.end();
    });
  });
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => MAP_SUBPROTOCOL });
  server.on("upgrade", (request, stream, head) => {
    requests.push(request);
    if (refuse !== undefined) {
      stream.end(`HTTP/1.1 ${refuse.status} No\r\nContent-Length: ${refuse.body.length}\r\n\r\n${refuse.body}`);
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      socket.on("message", (data: Buffer) => said.push(JSON.parse(data.toString()) as Record<string, unknown>));
      onSocket?.(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { url, client: new HttpsClient(url, signer), requests, said, posted };
}

const text = (fields: object): string => JSON.stringify(fields);
const framed = (fields: object): Uint8Array => frame(zstdCompressSync(Buffer.from(text(fields))));
const FULL = { MapSessionHandle: "e1", Seq: 3, Peers: [] };

function peer(id: number): object {
  return { ID: id, StableID: `n${id}`, Name: `n${id}.example.`, Key: nodeKey(`p${id}`) };
}

describe("a socket", () => {
  test("is asked for by a signed GET, opened by a map request, and gives what comes", async () => {
    const one = await serve({ onSocket: (socket) => socket.once("message", () => socket.send(text(FULL))) });
    const channel = await one.client.openMap({ ...hello, MapSessionHandle: "e0", MapSessionSeq: 7 }, never);
    expect(await channel.next()).toMatchObject({ Seq: 3, MapSessionHandle: "e1" });
    expect(one.said[0]).toEqual({ ...hello, MapSessionHandle: "e0", MapSessionSeq: 7, Received: 0 });
    const [upgrade] = one.requests;
    expect([upgrade?.method, upgrade?.url]).toEqual(["GET", `/machine/map/${encodeURIComponent(hello.NodeKey)}`]);
    const headers = new Headers(Object.entries(upgrade?.headers ?? {}).map(([name, value]) => [name, String(value)]));
    expect(headers.get("content-digest")).toBe(contentDigest(new Uint8Array(0)));
    await verifySignature(new Request(new URL(upgrade?.url ?? "", one.url), { headers }), {
      label: "tailward",
      policy: { algorithms: ["ed25519"], requiredComponents: SIGNED_COMPONENTS, requiredParameters: ["nonce"] },
      resolveVerifier: async ({ parameters }) => {
        const key = parseRequestKey(parameters.keyid ?? "");
        return webcrypto.verifier(
          await crypto.subtle.importKey("raw", new Uint8Array(key), "Ed25519", false, ["verify"]),
        );
      },
    });
    channel.close();
  });

  test("gives a map in pieces as one, and acknowledges each [M9]", async () => {
    const pieces = [
      { MapSessionHandle: "e1", Peers: [peer(1)], Domain: "d" },
      { PeersChanged: [peer(2), peer(3)] },
      { Seq: 9, PeersChanged: [peer(4)] },
    ].map((piece, i) => text({ ...piece, Padding: "x".repeat(i < 2 ? 40_000 : 1) }));
    const one = await serve({
      onSocket: (socket) => socket.on("message", () => socket.send(pieces.shift() ?? text({ Seq: 10 }))),
    });
    const channel = await one.client.openMap(hello, never);
    const map = await channel.next();
    expect([map?.Seq, map?.Domain, map?.Peers?.map(({ ID }) => ID)]).toEqual([9, "d", [1, 2, 3, 4]]);
    expect(one.said.map(({ Received }) => Number(Received) > 40_000)).toEqual([false, true, true]);
    channel.tell({ ...hello, TKAHead: "A" });
    expect((await channel.next())?.Seq).toBe(10);
    expect(one.said.at(-1)?.["TKAHead"]).toBe("A");
    channel.close();
  });

  test("that the control plane closes has ended; one that breaks is lost", async () => {
    const closing = await serve({ onSocket: (socket) => socket.close(1012, "moved") });
    expect(await (await closing.client.openMap(hello, never)).next()).toBeNull();
    const breaking = await serve({ onSocket: (socket) => socket.terminate() });
    const channel = await breaking.client.openMap(hello, never);
    await expect(channel.next()).rejects.toMatchObject({ name: "ControlUnreachable" });
  });

  test.each([
    ["bytes", (socket: WebSocket): void => socket.send(Buffer.from("{}")), "unreachable"],
    ["no JSON", (socket: WebSocket): void => socket.send("{"), "bad_answer"],
    ["another shape", (socket: WebSocket): void => socket.send(text({ Peers: 7 })), "bad_answer"],
  ])("on which %s come is not read on", async (_, send, code) => {
    const { client } = await serve({ onSocket: send });
    await expect((await client.openMap(hello, never)).next()).rejects.toMatchObject({ code });
  });

  test("that answers no ping is dead [Z26]", async () => {
    const { url } = await serve({ onSocket: (socket) => socket.pause() });
    const channel = await MapSocketChannel.open(url, signer, hello, never, 50);
    await expect(channel.next()).rejects.toMatchObject({ name: "ControlUnreachable" });
  });

  test("that answers pings lives on without a word", async () => {
    const { url } = await serve({});
    const channel = await MapSocketChannel.open(url, signer, hello, never, 500);
    // Past two pings it would be dead; a busy machine answers one within them.
    const first = await Promise.race([channel.next(), new Promise((resolve) => setTimeout(resolve, 1700, "quiet"))]);
    expect(first).toBe("quiet");
    channel.close();
  });

  test("that is refused is no reason for a stream [Z25]", async () => {
    const body = text({ code: "unknown_node", message: "who?" });
    const { client, requests } = await serve({ refuse: { status: 404, body } });
    await expect(client.openMap(hello, never)).rejects.toMatchObject({ refusal: { code: "unknown_node" } });
    expect(requests).toHaveLength(1);
  });

  test("is not followed to another place", async () => {
    const { client } = await serve({ refuse: { status: 302, body: "" }, onStream: (response) => response.end() });
    expect(await (await client.openMap(hello, never)).next()).toBeNull();
  });
});

describe("a stream", () => {
  const refuse = { status: 403, body: "<html>no</html>" };

  test("takes the place of a socket that a proxy refuses, until it is time for another try [Z25]", async () => {
    const one = await serve({ refuse, onStream: (response) => void response.write(framed(FULL)) });
    const ports = {
      open: (body: object, signal: AbortSignal) =>
        fetch(new URL("/machine/map", one.url), { method: "POST", body: text(body), signal }),
      update: () => Promise.resolve(null),
    };
    const connector = new MapConnector(one.url, signer, ports, 200);
    const channel = await connector.open(hello, never);
    expect((await channel.next())?.Seq).toBe(3);
    expect(one.posted[0]).toMatchObject({ Stream: true, Compress: "zstd", KeepAlive: true });
    (await connector.open(hello, never)).close();
    expect(one.requests.map(({ method }) => method)).toEqual(["GET", "POST", "POST"]);
    expect(await channel.next()).toBeNull();
    channel.close();
    (await connector.open(hello, never)).close();
    expect(one.requests.map(({ method }) => method)).toEqual(["GET", "POST", "POST", "GET", "POST"]);
  });

  test("takes the place of sockets that break before anything has come", async () => {
    const one = await serve({
      onSocket: (socket) => socket.terminate(),
      onStream: (response) => void response.write(framed(FULL)),
    });
    const first = await one.client.openMap(hello, never);
    await expect(first.next()).rejects.toMatchObject({ name: "ControlUnreachable" });
    const second = await one.client.openMap(hello, never);
    expect((await second.next())?.Seq).toBe(3);
    second.close();
  });

  test("gives frames however they are cut, and no keep-alives", async () => {
    const bytes = Buffer.concat([framed(FULL), framed({ KeepAlive: true }), framed({ Seq: 4, PeersRemoved: [1] })]);
    const one = await serve({
      refuse,
      onStream: (response) => {
        for (let i = 0; i < bytes.length; i += 3) response.write(bytes.subarray(i, i + 3));
        response.end();
      },
    });
    const channel = await one.client.openMap(hello, never);
    expect((await channel.next())?.Seq).toBe(3);
    expect((await channel.next())?.PeersRemoved).toEqual([1]);
    expect(await channel.next()).toBeNull();
  });

  test("says what is new of the node beside it", async () => {
    const one = await serve({ refuse, onStream: (response) => void response.write(framed(FULL)) });
    const channel = await one.client.openMap(hello, never);
    channel.tell(hello);
    channel.tell({ ...hello, TKAHead: "A" });
    await eventually(() => expect(one.posted).toHaveLength(2));
    expect(one.posted[1]).toEqual({ ...hello, TKAHead: "A", OmitPeers: true });
    channel.close();
  });

  const header = (length: number): Buffer => Buffer.from(Uint32Array.of(length).buffer);

  test("is one text where its frame holds several of zstd", async () => {
    const json = Buffer.from(text(FULL));
    const parts = [json.subarray(0, 5), json.subarray(5)].map((part) => zstdCompressSync(part));
    const { client } = await serve({
      refuse,
      onStream: (response) => void response.write(frame(Buffer.concat(parts))),
    });
    expect((await (await client.openMap(hello, never)).next())?.Seq).toBe(3);
  });

  test.each([
    ["of length zero", header(0), "bad_answer"],
    ["past the limit", header(70 * 1024 * 1024), "bad_answer"],
    ["that is no zstd", Buffer.concat([header(2), Buffer.from("{}")]), "bad_answer"],
    [
      "of several that unpack past the limit",
      frame(Buffer.concat(Array.from({ length: 3 }, () => zstdCompressSync(Buffer.alloc(30 * 1024 * 1024))))),
      "bad_answer",
    ],
    ["that unpacks to no JSON", frame(zstdCompressSync(Buffer.from("{"))), "bad_answer"],
    ["that unpacks past the limit", frame(zstdCompressSync(Buffer.alloc(70 * 1024 * 1024))), "bad_answer"],
    ["cut short", Buffer.concat([header(10), Buffer.from("123")]), "unreachable"],
  ])("with a frame %s is not read on", async (_, bytes, code) => {
    const { client } = await serve({ refuse, onStream: (response) => response.end(bytes) });
    await expect((await client.openMap(hello, never)).next()).rejects.toMatchObject({ code });
  });

  test("that is silent for too long is given up", async () => {
    const one = await serve({ onStream: (response) => response.flushHeaders() });
    const ports = {
      open: (body: object) => fetch(new URL("/machine/map", one.url), { method: "POST", body: text(body) }),
      update: () => Promise.resolve(null),
    };
    const channel = await MapStreamChannel.open(ports, hello, never, 50);
    await expect(channel.next()).rejects.toMatchObject({ name: "ControlUnreachable" });
    channel.close();
  });
});
