/** A TCP connection to the Worker, as a native client opens it: the runtime's own, to the Worker's `connect`. */

import { exports } from "cloudflare:workers";
import { HANDSHAKE_FIELD } from "../../../src/protocol/index.ts";

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

export class RawClient {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #read = new Uint8Array(0);

  constructor() {
    const socket = (exports.default as unknown as Fetcher).connect("control.test:80", { allowHalfOpen: true });
    this.#writer = (socket.writable as WritableStream<Uint8Array>).getWriter();
    this.#reader = (socket.readable as ReadableStream<Uint8Array>).getReader();
  }

  send(bytes: Uint8Array | string): Promise<void> {
    return this.#writer.write(typeof bytes === "string" ? encode(bytes) : bytes);
  }

  /** Says that nothing more is sent. */
  end(): Promise<void> {
    return this.#writer.close();
  }

  /** The next `length` bytes, or fewer where the other side has ended. */
  async take(length: number): Promise<Uint8Array> {
    while (this.#read.length < length && (await this.#more()));
    const taken = this.#read.slice(0, length);
    this.#read = this.#read.slice(length);
    return taken;
  }

  /** Everything until the other side ends. */
  async rest(): Promise<string> {
    while (await this.#more());
    return new TextDecoder().decode(await this.take(this.#read.length));
  }

  /** The head of the answer, its empty line included. */
  async head(): Promise<string> {
    let text = "";
    while (!text.endsWith("\r\n\r\n")) {
      const byte = await this.take(1);
      if (byte.length === 0) return text;
      text += String.fromCharCode(byte[0] ?? 0);
    }
    return text;
  }

  /** Asks for the control protocol, as Go's client does. */
  upgrade(handshake: string): Promise<void> {
    const fields = [
      "Host: control.test",
      "Content-Length: 0",
      "Connection: upgrade",
      "Upgrade: tailscale-control-protocol",
    ];
    return this.send(
      `${["POST /ts2021 HTTP/1.1", ...fields, `${HANDSHAKE_FIELD}: ${handshake}`].join("\r\n")}\r\n\r\n`,
    );
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#reader.read();
    if (done) return false;
    const all = new Uint8Array(this.#read.length + value.length);
    all.set(this.#read);
    all.set(value, this.#read.length);
    this.#read = all;
    return true;
  }
}
