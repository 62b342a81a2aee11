/**
 * Opens the agent's map: a WebSocket where one gets through, a stream where none does.
 *
 * Rule [Z25]: where an upgrade fails, or a socket breaks before anything has come, the map comes by a stream; a socket is tried again later. What the
 *             control plane refuses on a socket it would refuse on a stream: that is no reason for one.
 */

import type { MapResponse } from "../protocol/index.ts";
import type { Signer } from "../tka/index.ts";
import type { RequestBody } from "./https-client.ts";
import type { MapChannel } from "./map-channel.ts";
import { MapSocketChannel, NoWebSocket } from "./map-socket.ts";
import { MapStreamChannel, type StreamPorts } from "./map-stream.ts";

/** Milliseconds for which streams are used before a socket is tried again. */
const STREAM_FOR_MS = 15 * 60_000;

export class MapConnector {
  readonly #origin: URL;
  readonly #signer: Signer;
  readonly #ports: StreamPorts;
  readonly #streamForMs: number;
  #streamUntil = 0;

  constructor(origin: URL, signer: Signer, ports: StreamPorts, streamForMs = STREAM_FOR_MS) {
    this.#origin = origin;
    this.#signer = signer;
    this.#ports = ports;
    this.#streamForMs = streamForMs;
  }

  /** Opens the map by `hello`, a map request. Throws ControlRefusal, ControlUnreachable, `bad_answer`. */
  async open(hello: RequestBody, signal: AbortSignal): Promise<MapChannel> {
    if (Date.now() < this.#streamUntil) return this.#stream(hello, signal);
    try {
      return this.#watched(await MapSocketChannel.open(this.#origin, this.#signer, hello, signal));
    } catch (error) {
      if (!(error instanceof NoWebSocket)) throw error;
      const stream = await this.#stream(hello, signal);
      this.#streamUntil = Date.now() + this.#streamForMs;
      return stream;
    }
  }

  /** A socket that, where it breaks at once, is the last one for a while. */
  #watched(socket: MapSocketChannel): MapChannel {
    const next = async (): Promise<MapResponse | null> => {
      try {
        return await socket.next();
      } catch (error) {
        if (!socket.isAlive) this.#streamUntil = Date.now() + this.#streamForMs;
        throw error;
      }
    };
    return {
      next,
      tell: (request) => {
        socket.tell(request);
      },
      close: () => {
        socket.close();
      },
    };
  }

  async #stream(hello: RequestBody, signal: AbortSignal): Promise<MapChannel> {
    const stream = await MapStreamChannel.open(this.#ports, hello, signal);
    const next = async (): Promise<MapResponse | null> => {
      const { promise, resolve } = Promise.withResolvers<null>();
      const timer = setTimeout(resolve, Math.max(0, this.#streamUntil - Date.now()) || this.#streamForMs, null);
      try {
        return await Promise.race([stream.next(), promise]);
      } finally {
        clearTimeout(timer);
      }
    };
    return {
      next,
      tell: (request) => {
        stream.tell(request);
      },
      close: () => {
        stream.close();
      },
    };
  }
}
