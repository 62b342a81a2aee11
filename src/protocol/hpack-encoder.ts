/**
 * Header blocks of ours, encoded: RFC 7541. The encoder has no state.
 *
 * Rule [H55]: no dynamic table and no Huffman code: a field is its static index, or stands as it is. The first block of a connection
 *            gives the dynamic table up, so that no SETTINGS of the client's ever ask for more.
 */

import { STATIC_NAMES, STATIC_TABLE, type HpackField } from "./hpack-static-table.ts";

/** A size update to 0: the first octet of a connection's first block. */
const GIVE_UP_TABLE = 0x20;
const LITERAL = 0x00;

const STATUSES: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.flatMap(([name, value], at) => (name === ":status" ? [[value, at + 1] as const] : [])),
);
const STATUS_NAME = STATIC_NAMES.get(":status") ?? 0;

function pushInteger(out: number[], pattern: number, prefix: number, value: number): void {
  const most = (1 << prefix) - 1;
  if (value < most) {
    out.push(pattern | value);
    return;
  }
  out.push(pattern | most);
  let rest = value - most;
  for (; rest >= 0x80; rest >>>= 7) out.push((rest & 0x7f) | 0x80);
  out.push(rest);
}

function pushString(out: number[], text: string): void {
  pushInteger(out, 0, 7, text.length);
  for (let at = 0; at < text.length; at++) out.push(text.charCodeAt(at) & 0xff);
}

/** The block of a response. Names are in lower case, each character of a name or value is one octet. `first`: no block went before it. */
export function encodeResponse(status: number, fields: readonly HpackField[], first: boolean): Uint8Array {
  const out: number[] = [];
  if (first) out.push(GIVE_UP_TABLE);
  const indexed = STATUSES.get(String(status));
  if (indexed !== undefined) pushInteger(out, 0x80, 7, indexed);
  else {
    pushInteger(out, LITERAL, 4, STATUS_NAME);
    pushString(out, String(status));
  }
  for (const [name, value] of fields) {
    const index = STATIC_NAMES.get(name) ?? 0;
    pushInteger(out, LITERAL, 4, index);
    if (index === 0) pushString(out, name);
    pushString(out, value);
  }
  return Uint8Array.from(out);
}
