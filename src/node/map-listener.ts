/** Keeps the agent connected: opens the map, hands on what comes, and waits before the next try where it ends [Z8]. */

import type { MapResponse } from "../protocol/index.ts";
import { Backoff, RECONNECT, type Pace } from "./backoff.ts";
import { AgentError } from "./errors.ts";
import type { ControlClient, RequestBody } from "./https-client.ts";
import type { MapChannel } from "./map-channel.ts";

/** Milliseconds for which a connection holds that is none to worry about. */
const SHORTEST_HOLD_MS = 5000;

export interface ListenerPorts {
  readonly client: ControlClient;
  readonly log: (line: string) => void;
  readonly pace?: Pace;
}

/** What a person is told of an error. */
export function describeError(error: unknown): string {
  if (error instanceof AgentError && error.hint !== null) return `${error.message}; ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}

export class MapListener {
  readonly #ports: ListenerPorts;
  readonly #backoff: Backoff;
  #isConnected = false;
  #channel: MapChannel | null = null;
  #waiting = new AbortController();
  /** What was logged last of a lost connection, so that it is not repeated at every try. */
  #trouble = "";

  constructor(ports: ListenerPorts) {
    this.#ports = ports;
    this.#backoff = new Backoff(ports.pace ?? RECONNECT);
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Opens the map by `hello` and hands on what comes, until no more does; then waits a while. Throws what opening and reading throw. */
  async listen(hello: RequestBody, take: (response: MapResponse) => Promise<void>, signal: AbortSignal): Promise<void> {
    const channel = await this.#ports.client.openMap(hello, signal);
    const started = Date.now();
    const stop = (): void => {
      channel.close();
    };
    signal.addEventListener("abort", stop, { once: true });
    this.#channel = channel;
    try {
      for (let said = await channel.next(); said !== null; said = await channel.next()) {
        this.#connected();
        await take(said);
      }
    } finally {
      this.#channel = null;
      signal.removeEventListener("abort", stop);
      channel.close();
      if (Date.now() - started >= SHORTEST_HOLD_MS) this.#backoff.reset();
    }
    await this.pause(signal);
  }

  #connected(): void {
    if (!this.#isConnected) this.#ports.log("connected");
    this.#isConnected = true;
    this.#trouble = "";
  }

  /** Notes that there is no connection, and logs why, once. */
  lost(error: unknown): void {
    const trouble = describeError(error);
    if (trouble !== this.#trouble)
      this.#ports.log(`${this.#isConnected ? "connection lost" : "not connected"}: ${trouble}`);
    this.#trouble = trouble;
    this.#isConnected = false;
  }

  /** Says how the node stands, where there is a connection and it is news. */
  tell(hello: RequestBody): void {
    this.#channel?.tell(hello);
  }

  /** Waits before the next try. */
  pause(signal: AbortSignal): Promise<void> {
    return this.#backoff.wait(AbortSignal.any([signal, this.#waiting.signal])).catch(() => undefined);
  }

  /** Ends a wait between tries: something has just gone through, so the next try will. */
  hurry(): void {
    this.#waiting.abort();
    this.#waiting = new AbortController();
  }
}
