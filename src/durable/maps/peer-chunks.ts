/**
 * All nodes of a tailnet as the first map of each of them has them, in chunks of JSON that are made and compressed once for all: a node's own map has all
 * but itself. Pure.
 */

import { SharedText } from "./text.ts";
import type { Entry } from "./shown-entry.ts";

/** Characters of one chunk, about: of the one that its receiver is in, each receiver has its own. */
const CHUNK_CHARS = 24 * 1024;

interface Chunk {
  readonly entries: readonly Entry[];
  readonly ids: ReadonlySet<number>;
  readonly text: SharedText;
}

/** Each node with a comma before it. */
function textOf(entries: readonly Entry[], without: number | null): string {
  return entries.map(({ id, json }) => (id === without ? "" : `,${json}`)).join("");
}

function chunkOf(entries: readonly Entry[]): Chunk {
  return { entries, ids: new Set(entries.map(({ id }) => id)), text: new SharedText(textOf(entries, null)) };
}

function chunksOf(entries: readonly Entry[]): Chunk[] {
  const chunks: Chunk[] = [];
  let [from, size] = [0, 0];
  for (const [i, { json }] of entries.entries()) {
    size += json.length;
    if (size < CHUNK_CHARS && i + 1 < entries.length) continue;
    chunks.push(chunkOf(entries.slice(from, i + 1)));
    [from, size] = [i + 1, 0];
  }
  return chunks;
}

export class PeerChunks {
  /** Characters of all of them. */
  readonly size: number;
  readonly #entries: readonly Entry[];
  /** Of all but the first, which has no comma before it. */
  readonly #chunks: readonly Chunk[];

  /** `entries` in order of ID: all that every node of the tailnet sees. */
  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    this.size = entries.reduce((sum, { json }) => sum + json.length, 0);
    this.#chunks = chunksOf(entries.slice(1));
  }

  /** The elements of that node's list of peers, as the parts of a text. */
  partsFor(viewer: number): (string | SharedText)[] {
    const isFirst = this.#entries[0]?.id === viewer;
    const first = this.#entries[isFirst ? 1 : 0];
    if (first === undefined) return [];
    // What stands at the head, or is the receiver itself, is left out of the chunks.
    const without = isFirst ? first.id : viewer;
    const rest = this.#chunks.map(({ entries, ids, text }) => (ids.has(without) ? textOf(entries, without) : text));
    return [first.json, ...rest];
  }
}
