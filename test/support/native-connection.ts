/** A native client's TCP connection to a bridge, or to a raw port: the upgrade, and Noise inside. */

import { connect, type Socket } from "node:net";
import { HANDSHAKE_FIELD, type NoiseTransport } from "../../src/protocol/index.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/tka/index.ts";
import { NoiseInitiator } from "./noise-initiator.ts";

/** The bytes of the handshake's response. */
const RESPONSE_BYTES = 51;

/** The upgrade, as Go's client asks for it. */
export function upgradeHead(handshake: string): string {
  const fields = ["Host: bridge.test", "User-Agent: Go-http-client/1.1", "Content-Length: 0", "Connection: upgrade"];
  const own = ["Upgrade: tailscale-control-protocol", `${HANDSHAKE_FIELD}: ${handshake}`];
  return `${["POST /ts2021 HTTP/1.1", ...fields, ...own].join("\r\n")}\r\n\r\n`;
}

/** A TCP connection, read as it is asked. */
export class TcpClient {
  readonly socket: Socket;
  readonly #pieces: Buffer[] = [];
  #length = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1" });
    const ended = (): void => {
      this.#ended = true;
      this.#wake();
    };
    this.socket.on("data", (piece) => {
      this.#pieces.push(piece);
      this.#length += piece.length;
      this.#wake();
    });
    this.socket.once("end", ended).once("close", ended).on("error", ended);
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next `length` bytes, or fewer where the other side has ended. */
  async take(length: number): Promise<Buffer> {
    while (this.#length < length && !this.#ended) await this.#more();
    const taken: Buffer[] = [];
    for (let left = length; left > 0 && this.#pieces.length > 0;) {
      const piece = this.#pieces.shift() ?? Buffer.alloc(0);
      if (piece.length > left) this.#pieces.unshift(piece.subarray(left));
      taken.push(piece.subarray(0, left));
      left -= Math.min(left, piece.length);
    }
    const bytes = Buffer.concat(taken);
    this.#length -= bytes.length;
    return bytes;
  }

  /** Everything until the other side ends. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more();
    return (await this.take(this.#length)).toString();
  }

  /** The head of the answer, or all there is where it has none. */
  async head(): Promise<string> {
    let text = "";
    while (!text.endsWith("\r\n\r\n")) {
      const byte = await this.take(1);
      if (byte.length === 0) return text;
      text += byte.toString();
    }
    return text;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

export class NativeConnection {
  readonly tcp: TcpClient;
  readonly #noise: NoiseTransport;

  private constructor(tcp: TcpClient, noise: NoiseTransport) {
    this.tcp = tcp;
    this.#noise = noise;
  }

  /** Connects as a client that trusts that key. Throws with the answer's head where nothing switched. */
  static async open(port: number, controlKey: string): Promise<NativeConnection> {
    const initiator = await NoiseInitiator.start(controlKey);
    const tcp = new TcpClient(port);
    tcp.send(upgradeHead(initiator.handshake));
    const head = await tcp.head();
    if (!head.startsWith("HTTP/1.1 101 ")) {
      tcp.socket.destroy();
      throw new Error(`refused: ${head}`);
    }
    return new NativeConnection(tcp, await initiator.finish(await tcp.take(RESPONSE_BYTES)));
  }

  say(text: string): void {
    this.tcp.send(this.#noise.seal(encodeUtf8(text)));
  }

  /** The next record; empty where the other side has ended. */
  async record(): Promise<Uint8Array> {
    const header = await this.tcp.take(3);
    if (header.length < 3) return new Uint8Array(0);
    const sealed = await this.tcp.take(header.readUInt16BE(1));
    return this.#noise.receive(Buffer.concat([header, sealed]));
  }

  async hear(): Promise<string | null> {
    return decodeUtf8(await this.record());
  }
}
