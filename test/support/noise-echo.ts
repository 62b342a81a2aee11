/**
 * A control plane as far as a bridge sees one: a key, a page, and WebSockets with Noise inside, which echo what they are sent. `flood N` is answered with
 * N times 32 kB, as fast as they go out; `bye` with a last word and a close.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { noiseCrypto } from "../../src/durable/control/native-noise.ts";
import {
  CONTROL_SUBPROTOCOL,
  NoiseTransport,
  controlKeyResponse,
  controlPublicKey,
  decodeBase64,
  machineKeyFromRaw,
  openInitiation,
  type HandshakeAnswer,
  type MachineKey,
} from "../../src/protocol/index.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/tka/index.ts";

/** Bytes in one message of a flood. */
export const FLOOD_BYTES = 32 * 1024;

export class NoiseEcho {
  readonly controlKey: MachineKey;
  /** Requests that were no upgrade, as method, path and body. */
  readonly asked: string[] = [];
  /** False where its WebSockets answer no ping. */
  answersPings = true;
  /** What `/key` answers, where it is not the truth. */
  saidKey: MachineKey | null = null;
  readonly #privateKey = noiseCrypto.newKeyPair().privateKey;
  #server: Server | null = null;
  #sockets: WebSocketServer | null = null;
  #port = 0;

  constructor() {
    this.controlKey = controlPublicKey(this.#privateKey, noiseCrypto);
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#port}`);
  }

  /** WebSockets that are open. */
  get connections(): number {
    return this.#sockets?.clients.size ?? 0;
  }

  /** Bytes that wait to go out on all of them. */
  get waiting(): number {
    return [...(this.#sockets?.clients ?? [])].reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0);
  }

  /** Starts, at the port of before where there was one. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      // A request that is cut off is answered by nobody.
      this.#answer(request, response).catch(() => response.destroy());
    });
    const sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: () => CONTROL_SUBPROTOCOL,
      autoPong: this.answersPings,
    });
    server.on("upgrade", (request, socket, head) => {
      this.#open(request).then(
        (noise) => sockets.handleUpgrade(request, socket, head, (webSocket) => serve(webSocket, noise)),
        () => socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
      );
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** Is gone, without a word to anybody. */
  async kill(): Promise<void> {
    for (const webSocket of this.#sockets?.clients ?? []) webSocket.terminate();
    const server = this.#server;
    this.#server = this.#sockets = null;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request) body += String(piece);
    this.asked.push(`${request.method} ${request.url} ${body}`);
    if (request.url?.startsWith("/key") === true)
      response.end(JSON.stringify(controlKeyResponse(this.saidKey ?? this.controlKey)));
    else if (request.url === "/moved") response.writeHead(302, { location: "https://elsewhere.test/" }).end();
    else response.writeHead(200, { "content-type": "text/plain", "x-page": "yes" }).end(`page ${body}`);
  }

  /** Answers a handshake. Throws NoiseError. */
  async #open(request: IncomingMessage): Promise<HandshakeAnswer> {
    const { searchParams } = new URL(request.url ?? "", this.url);
    const initiation = decodeBase64(searchParams.get("X-Tailscale-Handshake") ?? "") ?? new Uint8Array(0);
    return (await openInitiation(initiation, this.#privateKey, noiseCrypto)).respond();
  }
}

function serve(webSocket: WebSocket, { response, state }: HandshakeAnswer): void {
  const transport = new NoiseTransport(state, noiseCrypto);
  webSocket.on("error", () => undefined);
  webSocket.on("message", (data: Buffer) => reply(webSocket, transport, transport.receive(data)));
  webSocket.send(response);
}

function reply(webSocket: WebSocket, transport: NoiseTransport, plaintext: Uint8Array): void {
  const text = decodeUtf8(plaintext) ?? "";
  const flood = /^flood (\d+)$/.exec(text)?.[1];
  if (flood !== undefined)
    for (let i = 0; i < Number(flood); i++) webSocket.send(transport.seal(new Uint8Array(FLOOD_BYTES)));
  else webSocket.send(transport.seal(text === "bye" ? encodeUtf8("farewell") : plaintext));
  if (text === "bye") webSocket.close(1000);
}

/** A key that is nobody's. */
export const anotherKey = (): MachineKey => machineKeyFromRaw(noiseCrypto.newKeyPair().publicKey);
