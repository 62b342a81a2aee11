/**
 * Header blocks of the client, decoded: RFC 7541, sections 5 and 6.
 *
 * Rule [H52]: until the client has acknowledged our SETTINGS, it may use the 4,096 octets of dynamic table that the protocol gives it. After
 *            that it has none, whether or not it says so: what it adds is gone at once, and what it points at is an error.
 * Rule [H53]: a size update stands at the beginning of a block, and never above what we allow.
 * Rule [H54]: of a list of fields that is too large, the fields are dropped and the table is still kept right.
 */

import { HpackError } from "./hpack-error.ts";
import { decodeHuffman } from "./hpack-huffman.ts";
import type { HpackField } from "./hpack-static-table.ts";
import { HpackTable, fieldSize } from "./hpack-table.ts";

/** Octets of dynamic table before any SETTINGS. */
export const DEFAULT_TABLE_SIZE = 4096;

/** The decoder between two blocks. */
export interface HpackState {
  /** What we allow: 4,096, or 0 once our SETTINGS are acknowledged. */
  readonly limit: number;
  /** The capacity that the client's encoder has said, in octets. */
  readonly capacity: number;
  /** The dynamic table, the newest first. */
  readonly entries: readonly HpackField[];
}

/** Bounds of a decoded list: its size as RFC 9113 section 6.5.2 counts it, and its fields. */
export interface FieldLimits {
  readonly size: number;
  readonly count: number;
}

/** The longest shift of an integer's continuation: four octets after the prefix make 28 bits, which is more than anything here may be. */
const MAX_SHIFT = 21;

export class HpackDecoder {
  readonly #table: HpackTable;
  #limit: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(state: HpackState = { limit: DEFAULT_TABLE_SIZE, capacity: DEFAULT_TABLE_SIZE, entries: [] }) {
    this.#table = new HpackTable(state.capacity, state.entries);
    this.#limit = state.limit;
  }

  get state(): HpackState {
    const { capacity, entries } = this.#table;
    return { limit: this.#limit, capacity, entries };
  }

  /** The client has acknowledged that it has no dynamic table. */
  forbidTable(): void {
    this.#limit = 0;
    this.#table.resize(0);
  }

  /** The fields of one whole block, attacker-controlled; null where they are more than the limits allow. Throws HpackError. */
  decode(block: Uint8Array, limits: FieldLimits): HpackField[] | null {
    this.#bytes = block;
    this.#at = 0;
    this.#sizeUpdates();
    let fields: HpackField[] | null = [];
    let size = 0;
    while (this.#at < block.length) {
      const field = this.#field();
      size += fieldSize(field);
      if (fields !== null && (size > limits.size || fields.length === limits.count)) fields = null;
      fields?.push(field);
    }
    return fields;
  }

  #sizeUpdates(): void {
    while (((this.#bytes[this.#at] ?? 0) & 0xe0) === 0x20) {
      const capacity = this.#integer(5);
      if (capacity > this.#limit) throw new HpackError("a table size above what is allowed");
      this.#table.resize(capacity);
    }
  }

  #field(): HpackField {
    const first = this.#bytes[this.#at] ?? 0;
    if (first & 0x80) return this.#entry(this.#integer(7));
    const indexed = (first & 0x40) !== 0;
    if (!indexed && (first & 0x20) !== 0) throw new HpackError("a size update after a field");
    const index = this.#integer(indexed ? 6 : 4);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    const field: HpackField = [name, this.#string()];
    if (indexed) this.#table.add(field);
    return field;
  }

  #entry(index: number): HpackField {
    const entry = this.#table.at(index);
    if (entry === undefined) throw new HpackError("an index that is in no table");
    return entry;
  }

  #octet(): number {
    const octet = this.#bytes[this.#at++];
    if (octet === undefined) throw new HpackError("a block ends too early");
    return octet;
  }

  #integer(prefix: number): number {
    const most = (1 << prefix) - 1;
    let value = this.#octet() & most;
    if (value < most) return value;
    for (let shift = 0; ; shift += 7) {
      if (shift > MAX_SHIFT) throw new HpackError("an integer is too long");
      const octet = this.#octet();
      value += (octet & 0x7f) << shift;
      if ((octet & 0x80) === 0) return value;
    }
  }

  #string(): string {
    const coded = ((this.#bytes[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const from = this.#at;
    const to = from + length;
    if (to > this.#bytes.length) throw new HpackError("a block ends too early");
    this.#at = to;
    if (coded) return decodeHuffman(this.#bytes, from, to);
    let text = "";
    for (let at = from; at < to; at++) text += String.fromCharCode(this.#bytes[at] ?? 0);
    return text;
  }
}
