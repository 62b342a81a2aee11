/** A map stream in a client's connection: what it was told, and how much of that is under way. The whole of it is saved with the connection. */

import { ACKNOWLEDGE_CHARS } from "../../protocol/index.ts";
import type { MapStreamState } from "./saved.ts";
import type { MapSession } from "../maps/session.ts";

/** Bytes under way to a client beyond which it is told nothing new: what it misses comes in one message once it has taken them. */
export const MOST_UNDER_WAY = 1024 * 1024;

export class ControlStream {
  #state: MapStreamState;

  constructor(state: MapStreamState) {
    this.#state = state;
  }

  get state(): MapStreamState {
    return this.#state;
  }

  /** Bytes under way beyond those of which nobody asks whether they were taken. */
  get underWay(): number {
    return Math.max(0, this.#state.sent - this.#state.received - ACKNOWLEDGE_CHARS);
  }

  told(session: MapSession, bytes: number, now: number): void {
    const { sent, moved } = this.#state;
    this.#state = { ...this.#state, session, sent: sent + bytes, moved: this.underWay > 0 ? moved : now };
  }

  keep(session: MapSession): void {
    this.#state = { ...this.#state, session };
  }

  taken(bytes: number, now: number): void {
    if (bytes > this.#state.received) this.#state = { ...this.#state, received: bytes, moved: now };
  }
}
