/**
 * A connection at rest, as bytes: a version, then numbers of seven bits an octet, the lowest first.
 *
 * Rule [H67]: a state of another version is refused, never guessed at. The order below is fixed for version 1.
 */

import { DEFAULT_TABLE_SIZE, type HpackState } from "./hpack-decoder.ts";
import type { HpackField } from "./hpack-static-table.ts";
import { Http2Error } from "./http2-error.ts";
import type { RequestsState } from "./http2-requests.ts";
import type { SenderState } from "./http2-sender.ts";

export interface StreamState {
  readonly id: number;
  readonly window: number;
  readonly responded: boolean;
}

export interface Http2State {
  readonly prefaceSeen: boolean;
  /** The client's first SETTINGS have come. */
  readonly settled: boolean;
  /** The client has acknowledged ours. */
  readonly acknowledged: boolean;
  /** The client has sent GOAWAY. */
  readonly clientLeaves: boolean;
  /** The last stream that our GOAWAY named, or null before it. */
  readonly accepting: number | null;
  readonly budget: { readonly points: number; readonly at: number };
  readonly sender: SenderState;
  readonly requests: RequestsState;
  /** Open streams in the order in which they were opened. */
  readonly streams: readonly StreamState[];
}

const VERSION = 1;
const BIT = { preface: 1, settled: 2, acknowledged: 4, leaves: 8, goAway: 16, spoken: 32 } as const;

export function encodeState(state: Http2State): Uint8Array {
  const { sender, requests, budget } = state;
  const { hpack } = requests;
  const out: number[] = [VERSION, flagsOf(state)];
  for (const number of [budget.points, budget.at, requests.last, requests.consumed, sender.initialWindow])
    putNumber(out, number);
  putSigned(out, sender.window);
  if (state.accepting !== null) putNumber(out, state.accepting);
  if (!state.acknowledged) putTable(out, hpack);
  putNumber(out, state.streams.length);
  let last = 0;
  for (const { id, window, responded } of state.streams) {
    putNumber(out, 2 * (id - last) + (responded ? 1 : 0));
    putSigned(out, window);
    last = id;
  }
  return Uint8Array.from(out);
}

/** Throws Http2Error `unknown_version`, or `bad_saved_state` where the bytes are not what `encodeState` makes. */
export function decodeState(saved: Uint8Array): Http2State {
  if (saved[0] !== VERSION) throw new Http2Error("unknown_version", "a connection saved by another version");
  const flags = saved[1] ?? 0;
  const has = (bit: number): boolean => (flags & bit) !== 0;
  const input = new Reader(saved, 2);
  const budget = { points: input.number(), at: input.number() };
  const [last, consumed, initialWindow] = [input.number(), input.number(), input.number()];
  const window = input.signed();
  const accepting = has(BIT.goAway) ? input.number() : null;
  const acknowledged = has(BIT.acknowledged);
  const hpack = acknowledged ? { limit: 0, capacity: 0, entries: [] } : { limit: DEFAULT_TABLE_SIZE, ...input.table() };
  const streams = input.streams();
  input.end();
  return {
    prefaceSeen: has(BIT.preface),
    settled: has(BIT.settled),
    acknowledged,
    clientLeaves: has(BIT.leaves),
    accepting,
    budget,
    sender: { spoken: has(BIT.spoken), window, initialWindow },
    requests: { last, consumed, hpack },
    streams,
  };
}

function flagsOf({ prefaceSeen, settled, acknowledged, clientLeaves, accepting, sender }: Http2State): number {
  let flags = 0;
  if (prefaceSeen) flags |= BIT.preface;
  if (settled) flags |= BIT.settled;
  if (acknowledged) flags |= BIT.acknowledged;
  if (clientLeaves) flags |= BIT.leaves;
  if (accepting !== null) flags |= BIT.goAway;
  if (sender.spoken) flags |= BIT.spoken;
  return flags;
}

function putNumber(out: number[], value: number): void {
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  out.push(rest);
}

function putSigned(out: number[], value: number): void {
  putNumber(out, value < 0 ? -2 * value - 1 : 2 * value);
}

function putTable(out: number[], { capacity, entries }: HpackState): void {
  putNumber(out, capacity);
  putNumber(out, entries.length);
  for (const text of entries.flat()) {
    putNumber(out, text.length);
    for (let at = 0; at < text.length; at++) out.push(text.charCodeAt(at));
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const octet = this.#octet();
      value += (octet & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) throw bad();
      if ((octet & 0x80) === 0) return value;
    }
  }

  signed(): number {
    const value = this.number();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  table(): Pick<HpackState, "capacity" | "entries"> {
    const capacity = this.number();
    const entries: HpackField[] = [];
    for (let count = this.number(); count > 0; count--) entries.push([this.#text(), this.#text()]);
    return { capacity, entries };
  }

  streams(): StreamState[] {
    const streams: StreamState[] = [];
    let id = 0;
    for (let count = this.number(); count > 0; count--) {
      const step = this.number();
      id += Math.floor(step / 2);
      streams.push({ id, responded: step % 2 === 1, window: this.signed() });
    }
    return streams;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw bad();
  }

  #octet(): number {
    const octet = this.#bytes[this.#at++];
    if (octet === undefined) throw bad();
    return octet;
  }

  #text(): string {
    let text = "";
    for (let count = this.number(); count > 0; count--) text += String.fromCharCode(this.#octet());
    return text;
  }
}

function bad(): Http2Error {
  return new Http2Error("bad_saved_state", "not a saved connection");
}
