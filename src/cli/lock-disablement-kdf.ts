/** `tailward lock disablement-kdf`: the value that a disablement secret is checked against. Needs no agent. */

import { nodeKdf } from "../node/index.ts";
import { decodeHex, encodeHex } from "../tka/index.ts";
import { fileArgument } from "./file-argument.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/** Prints the value of the secret given in hex. Throws UsageError. */
export function lockDisablementKdf({ out }: Terminal, args: readonly string[]): void {
  const [text = ""] = args.map(fileArgument);
  if (args.length !== 1) throw new UsageError("usage: tailward lock disablement-kdf <hex-encoded-disablement-secret>");
  const secret = decodeHex(text);
  if (secret === null) throw new UsageError("the secret is not hex: give what follows `disablement-secret:`");
  out(`disablement:${encodeHex(nodeKdf(secret))}\n`);
}
