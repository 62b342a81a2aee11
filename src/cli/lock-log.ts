/** `tailward lock log`: the changes of the chain, the newest first. */

import { printable, type LocalClient } from "../node/index.ts";
import { encodeBase64Url, lockLogJson } from "../protocol/index.ts";
import { AUM_KIND, aumKindText, encodeHex, keyKindText, type Key, type SealedAum } from "../tka/index.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const NO_BYTES = new Uint8Array(0);
const YELLOW = "\u001b[33m";
const CLEAR = "\u001b[0m";

function idLine(id: Uint8Array | null): string {
  return `KeyID: tlpub:${encodeHex(id ?? NO_BYTES)}`;
}

function metaLines(meta: ReadonlyMap<string, string> | null): string[] {
  if (meta === null) return [];
  return [`Metadata: ${[...meta].map(([name, value]) => printable(`${name}=${value}`)).join(", ")}`];
}

function keyLines({ kind, publicKey, meta, votes }: Key): string[] {
  return [`Type: ${keyKindText(kind)}`, idLine(publicKey), `Votes: ${votes}`, ...metaLines(meta)];
}

function bodyLines({ aum, bytes }: SealedAum): string[] {
  switch (aum.kind) {
    case AUM_KIND.addKey:
      return aum.key === null ? [] : keyLines(aum.key);
    case AUM_KIND.removeKey:
      return [idLine(aum.keyId)];
    case AUM_KIND.updateKey:
      return [idLine(aum.keyId), ...(aum.votes === null ? [] : [`Votes: ${aum.votes}`]), ...metaLines(aum.meta)];
    case AUM_KIND.checkpoint: {
      const values = (aum.state?.disablementValues ?? []).map((value) => ` - ${encodeHex(value ?? NO_BYTES)}`);
      const keys = (aum.state?.keys ?? []).flatMap(keyLines).map((line) => `  ${line}`);
      return ["Disablement values:", ...values, "Keys:", ...keys];
    }
    default:
      return [`Raw: ${encodeBase64Url(bytes)}`];
  }
}

/** The updates in words. */
export function lockLogText(updates: readonly SealedAum[], colours: boolean): string {
  const [on, off] = colours ? [YELLOW, CLEAR] : ["", ""];
  return updates
    .map((update) => {
      const title = `${on}update ${update.hash} (${aumKindText(update.aum.kind)})${off}`;
      return `${[title, ...bodyLines(update)].join("\n")}\n\n`;
    })
    .join("");
}

export interface LogFlags {
  readonly limit: number;
  /** The version of the stable JSON, or null for words. */
  readonly json: 1 | null;
}

/** Runs the command. Throws UsageError, or what the agent says. */
export async function lockLogCommand(
  client: LocalClient,
  terminal: Terminal,
  { limit, json }: LogFlags,
): Promise<void> {
  const { lock } = await client.status();
  if (!lock.Enabled)
    throw new UsageError("tailnet lock is not enabled on this node, so there is no log: see `tailward lock status`");
  const updates = await client.log(Math.max(limit, 0));
  terminal.out(json === null ? lockLogText(updates, terminal.colours) : lockLogJson(updates));
}
