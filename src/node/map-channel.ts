/** How the agent hears of its tailnet: one connection, of whatever kind. */

import { mapResponse, parseJson, ShapeError, type MapResponse } from "../protocol/index.ts";
import { AgentError } from "./errors.ts";
import type { RequestBody } from "./https-client.ts";

/** Bytes of a map response: as many peers as a map may name (20,000), each of 800 bytes to some 4 kB with the longest signature. */
export const MAX_MAP_BYTES = 64 * 1024 * 1024;

export interface MapChannel {
  /**
   * The next response; keep-alives are not given. Null where the connection has ended in good order: another one is to be made. Throws
   * ControlUnreachable where it breaks, `bad_answer` for what cannot be read.
   */
  next(): Promise<MapResponse | null>;
  /** Says how the node stands, once what came last was taken in. Sent where it is news; lost with the connection. */
  tell(request: RequestBody): void;
  close(): void;
}

/** Parses an attacker-controlled response. Throws `bad_answer`. */
export function parseMapResponse(json: string): MapResponse {
  try {
    return parseJson(json, mapResponse, "map");
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new AgentError("bad_answer", `the control plane's map cannot be read: ${error.message}`);
  }
}

/** Puts the pieces of a large first response together: only the last of them carries a seq, and half a map would look as if peers had gone. */
export class Pieces {
  #held: MapResponse | null = null;
  #bytes = 0;

  /** The whole response, or null where more is to come. Throws `bad_answer` where it grows past the limit. */
  take(response: MapResponse, bytes: number): MapResponse | null {
    const begins = response.Peers !== null && response.MapSessionHandle !== "";
    const held = begins ? null : this.#held;
    this.#bytes = bytes + (held === null ? 0 : this.#bytes);
    if (this.#bytes > MAX_MAP_BYTES) throw new AgentError("bad_answer", `a map of more than ${MAX_MAP_BYTES} bytes`);
    const whole =
      held === null
        ? response
        : { ...held, Seq: response.Seq, Peers: [...(held.Peers ?? []), ...(response.PeersChanged ?? [])] };
    const isWhole = response.Seq > 0 || (!begins && held === null);
    this.#held = isWhole ? null : whole;
    return isWhole ? whole : null;
  }
}
