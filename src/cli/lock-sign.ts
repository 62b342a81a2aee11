/** `tailward lock sign`: lets a node in, or signs an auth key so that whoever joins by it is let in. */

import type { LocalClient } from "../node/index.ts";
import { TkaError, isWrapped, parseLockKey, parseNodeKey } from "../tka/index.ts";
import { fileArgument } from "./file-argument.ts";
import { withoutComma } from "./lock-arguments.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const USAGE = "usage: tailward lock sign <node-key> [<rotation-key>], or tailward lock sign <auth-key>";

/** A key that was typed. Throws UsageError. */
export function parsedKey<T>(what: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    throw new UsageError(
      `the ${what} cannot be read: ${error.message}. Copy the whole command from \`tailward lock status\` on the node that is locked out`,
    );
  }
}

async function signAuthKey(client: LocalClient, { out }: Terminal, args: readonly string[]): Promise<void> {
  const [authKey = ""] = args;
  if (args.length !== 1) throw new UsageError(USAGE);
  if (isWrapped(authKey)) throw new UsageError("this auth key is signed already");
  out(`${await client.wrapAuthKey(authKey)}\n`);
}

/** Runs the command. Throws UsageError, or what the agent says. */
export async function lockSign(client: LocalClient, terminal: Terminal, given: readonly string[]): Promise<void> {
  const args = given
    .map(withoutComma)
    .filter((argument) => argument !== null)
    .map(fileArgument);
  const [first = "", second] = args;
  if (first.startsWith("tskey-auth-")) return signAuthKey(client, terminal, args);
  if (args.length === 0 || args.length > 2) throw new UsageError(USAGE);
  const nodeKey = parsedKey("node key", first, parseNodeKey);
  const rotationKey = second === undefined ? new Uint8Array(0) : parsedKey("rotation key", second, parseLockKey);
  await client.sign(nodeKey, rotationKey);
}
