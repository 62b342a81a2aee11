/**
 * What is saved with a client's connection, so that its object can hibernate in the middle of it: the Noise state, the HTTP/2 state, who the client is
 * and what its map streams were told. It lives in the socket's attachment, and dies with it. The bytes hold secrets.
 *
 * Rule [X10]: version (1 byte), 0 for a connection that cannot go on from here or 1 for one that can; then of the latter the Noise state and the HTTP/2
 *            state, each after its length (2, big endian), and the rest as JSON. What is of another version is not gone on with.
 */

import type { MachineKey } from "../../protocol/index.ts";
import { concatBytes } from "../../tka/index.ts";
import type { ConnectionPlace } from "./ticket.ts";
import type { MapSession } from "../maps/session.ts";

const utf8 = new TextEncoder();
const text = new TextDecoder();
const VERSION = 1;
const CANNOT_GO_ON = 0;
const CAN_GO_ON = 1;
const LENGTH_BYTES = 2;
/** Bytes that are saved at most: a connection that would need more keeps its object awake. */
export const MOST_SAVED = 4096;

/** A map stream: saved data, never something that is pending. */
export interface MapStreamState {
  /** The HTTP/2 stream. */
  readonly id: number;
  readonly tailnet: string;
  /** The history in which it was admitted, and the seq that its first answer holds at least. */
  readonly epoch: string;
  readonly admitted: number;
  readonly zstd: boolean;
  readonly keepAlive: boolean;
  readonly session: MapSession;
  /** Bytes sent, and those that the client is known to have taken. */
  readonly sent: number;
  readonly received: number;
  /** Milliseconds since the epoch: when it last took something, or something was sent while nothing was under way. */
  readonly moved: number;
}

/** A PING that was not answered yet: once it is, the client has taken what each stream had been sent before it. */
export interface PingMark {
  readonly data: number;
  /** When it was sent, in milliseconds since the epoch. */
  readonly at: number;
  /** Bytes that had been sent in all. */
  readonly all: number;
  /** Streams, and the bytes that each had been sent. */
  readonly sent: readonly (readonly [stream: number, bytes: number])[];
}

export interface ConnectionFacts extends ConnectionPlace {
  readonly machineKey: MachineKey;
  /** Under which the client's user can reach the control plane. */
  readonly origin: string;
  /** When it was opened, and when the client last sent anything; milliseconds since the epoch. */
  readonly opened: number;
  readonly heard: number;
  /** True once a record has opened: an initiation may come again from whoever saw it, a record may not. */
  readonly proven: boolean;
  /** Bytes sent, and those that the client is known to have taken. */
  readonly sent: number;
  readonly taken: number;
  readonly ping: PingMark | null;
}

export interface SavedConnection {
  readonly noise: Uint8Array;
  readonly http2: Uint8Array;
  readonly facts: ConnectionFacts;
  readonly streams: readonly MapStreamState[];
}

/** For a connection that is not to be gone on with. */
export const NOTHING_SAVED: Uint8Array = Uint8Array.of(VERSION, CANNOT_GO_ON);

function withLength(bytes: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
}

/** The bytes to save: where they would be too many, those of a connection that cannot go on. */
export function encodeSaved({ noise, http2, facts, streams }: SavedConnection): Uint8Array {
  const rest = utf8.encode(JSON.stringify({ facts, streams }));
  const parts = [Uint8Array.of(VERSION, CAN_GO_ON), withLength(noise), withLength(http2), rest];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return length > MOST_SAVED ? NOTHING_SAVED : concatBytes(...parts);
}

/** What was saved, or null where a connection cannot go on from it. */
export function decodeSaved(attachment: unknown): SavedConnection | null {
  if (!(attachment instanceof Uint8Array) || attachment[0] !== VERSION || attachment[1] !== CAN_GO_ON) return null;
  let at = 2;
  const part = (): Uint8Array => {
    const length = ((attachment[at] ?? 0) << 8) | (attachment[at + 1] ?? 0);
    const from = at + LENGTH_BYTES;
    at = from + length;
    return attachment.slice(from, at);
  };
  const [noise, http2] = [part(), part()];
  const rest = JSON.parse(text.decode(attachment.subarray(at))) as Pick<SavedConnection, "facts" | "streams">;
  return { noise, http2, ...rest };
}
