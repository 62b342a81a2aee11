/** The arguments of `lock init`: keys to trust, and disablement values. Source: `parseTLArgs` of Tailscale's command line. */

import type { InitialKey } from "../node/index.ts";
import { DISABLEMENT_LENGTH, TkaError, decodeHex, parseLockKey, type DisablementKdf } from "../tka/index.ts";
import { UsageError } from "./usage-error.ts";

const VALUE = "disablement:";
const SECRET = "disablement-secret:";

export interface LockArguments {
  readonly keys: readonly InitialKey[];
  readonly disablementValues: readonly Uint8Array[];
}

function hexOf(text: string, place: number): Uint8Array {
  const bytes = decodeHex(text);
  if (bytes === null) throw new UsageError(`argument ${place}: what follows the colon is not hex`);
  return bytes;
}

function parseKey(argument: string, place: number): InitialKey {
  const mark = argument.indexOf("?");
  const [text, votes] = mark < 0 ? [argument, "1"] : [argument.slice(0, mark), argument.slice(mark + 1)];
  if (!/^\d{1,9}$/.test(votes)) throw new UsageError(`argument ${place}: the votes after ? are not a number`);
  try {
    return { publicKey: parseLockKey(text), votes: BigInt(votes) };
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    throw new UsageError(`argument ${place} is ${error.message}: copy it from \`tailward lock status\` on that node`);
  }
}

/**
 * Parses `tlpub:<hex>[?<votes>]`, `disablement:<hex>` (a value as it is) and `disablement-secret:<hex>` (its value is derived: a secret
 * must not stand in a chain that everybody reads). A comma after an argument is passed over. Throws UsageError.
 */
export function parseLockArguments(args: readonly string[], kdf: DisablementKdf): LockArguments {
  const keys: InitialKey[] = [];
  const disablementValues: Uint8Array[] = [];
  for (const [i, raw] of args.entries()) {
    const argument = raw.replace(/,+$/, "");
    if (argument === "" && raw !== "") continue;
    if (argument.startsWith(SECRET)) disablementValues.push(kdf(hexOf(argument.slice(SECRET.length), i + 1)));
    else if (!argument.startsWith(VALUE)) keys.push(parseKey(argument, i + 1));
    else {
      const value = hexOf(argument.slice(VALUE.length), i + 1);
      if (value.length !== DISABLEMENT_LENGTH)
        throw new UsageError(`argument ${i + 1}: a disablement value has ${2 * DISABLEMENT_LENGTH} hex digits`);
      disablementValues.push(value);
    }
  }
  return { keys, disablementValues };
}
