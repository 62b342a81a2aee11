/**
 * The dynamic table of HPACK: RFC 7541, sections 2.3 and 4. The client's encoder fills it; we have none towards the client.
 *
 * Rule [H51]: its size is the sum of its entries' sizes, 32 octets an entry besides its text, and never above its capacity: the oldest go first.
 */

import { STATIC_TABLE, type HpackField } from "./hpack-static-table.ts";

/** Octets that an entry counts besides its name and value. */
export const ENTRY_OVERHEAD = 32;

/** The size of a field in a table or a list of fields, in octets. */
export function fieldSize([name, value]: HpackField): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}

export class HpackTable {
  /** The newest first. */
  #entries: HpackField[] = [];
  #size = 0;
  #capacity: number;

  /** `entries` are those of a saved table, the newest first. */
  constructor(capacity: number, entries: readonly HpackField[] = []) {
    this.#capacity = capacity;
    for (const entry of entries.toReversed()) this.add(entry);
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** The newest first. */
  get entries(): readonly HpackField[] {
    return this.#entries;
  }

  /** The entry at an index of the static and the dynamic table together, or undefined. */
  at(index: number): HpackField | undefined {
    return index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1] : this.#entries[index - STATIC_TABLE.length - 1];
  }

  /** An entry larger than the table empties it, and is not an error. */
  add(entry: HpackField): void {
    this.#size += fieldSize(entry);
    this.#entries.unshift(entry);
    this.#evict();
  }

  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#capacity) {
      const oldest = this.#entries.pop();
      if (oldest !== undefined) this.#size -= fieldSize(oldest);
    }
  }
}
