/**
 * What a signer without a network has made, as text to be carried: a line each, `signature:<hex>` for a device's signature and `update:<hex>` for an AUM. What else
 * of ours is hex alone, a recovery for one, is an AUM too.
 */

import { decodeHex, encodeHex } from "../tka/index.ts";
import { UsageError } from "./usage-error.ts";

export interface Carried {
  readonly signatures: readonly Uint8Array[];
  /** Encoded AUMs, the oldest first. */
  readonly updates: readonly Uint8Array[];
}

function upper(bytes: Uint8Array): string {
  return encodeHex(bytes).toUpperCase();
}

export function carriedText({ signatures, updates }: Carried): string {
  const lines = [
    ...signatures.map((bytes) => `signature:${upper(bytes)}`),
    ...updates.map((bytes) => `update:${upper(bytes)}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** Reads it; `bare` is what hex alone is. Throws UsageError. */
export function parseCarried(text: string, bare: "signature" | "update"): Carried {
  const carried = { signatures: [] as Uint8Array[], updates: [] as Uint8Array[] };
  const lines = text.split(/\s+/).filter((line) => line !== "");
  for (const [place, line] of lines.entries()) {
    const [, kind = bare, hex = ""] = /^(?:(signature|update):)?([0-9a-fA-F]+)$/.exec(line) ?? [];
    const bytes = decodeHex(hex);
    if (bytes === null || bytes.length === 0)
      throw new UsageError(`line ${place + 1} is no signature:<hex> and no update:<hex>: carry it over again, whole`);
    carried[kind === "signature" ? "signatures" : "updates"].push(bytes);
  }
  return carried;
}
