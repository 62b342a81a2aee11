/** Keys, disablement values and secrets as arguments. Source: `parseTLArgs` of Tailscale's command line. */

import type { KeyToTrust } from "../node/index.ts";
import { DISABLEMENT_LENGTH, TkaError, decodeHex, parseLockKey, type DisablementKdf } from "../tka/index.ts";
import { fileArgument } from "./file-argument.ts";
import { UsageError } from "./usage-error.ts";

const VALUE = "disablement:";
const SECRET = "disablement-secret:";

export interface LockArguments {
  readonly keys: readonly KeyToTrust[];
  readonly disablementValues: readonly Uint8Array[];
}

function hexOf(text: string, place: number): Uint8Array {
  const bytes = decodeHex(text);
  if (bytes === null) throw new UsageError(`argument ${place} is not hex`);
  return bytes;
}

function parseKey(argument: string, place: number): KeyToTrust {
  const mark = argument.indexOf("?");
  const [text, votes] = mark < 0 ? [argument, "1"] : [argument.slice(0, mark), argument.slice(mark + 1)];
  if (!/^\+?\d{1,9}$/.test(votes)) throw new UsageError(`argument ${place}: the votes after ? are not a number`);
  try {
    return { publicKey: parseLockKey(text), votes: BigInt(votes) };
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    throw new UsageError(`argument ${place} is ${error.message}: copy it from \`tailward lock status\` on that node`);
  }
}

/** The argument without the comma that may stand after it, or null where there is no more than a comma. */
export function withoutComma(argument: string): string | null {
  const bare = argument.replace(/,+$/, "");
  return bare === "" && argument !== "" ? null : bare;
}

/** Arguments with their places, commas passed over, `file:PATH` replaced by what is in the file. Throws UsageError. */
function* placed(args: readonly string[]): Generator<readonly [argument: string, place: number]> {
  for (const [i, raw] of args.entries()) {
    const bare = withoutComma(raw);
    const argument = bare === null ? null : withoutComma(fileArgument(bare));
    if (argument !== null) yield [argument, i + 1];
  }
}

function parseValue(text: string, place: number): Uint8Array {
  const value = hexOf(text, place);
  if (value.length !== DISABLEMENT_LENGTH)
    throw new UsageError(`argument ${place}: a disablement value has ${2 * DISABLEMENT_LENGTH} hex digits`);
  return value;
}

/**
 * Parses `tlpub:<hex>[?<votes>]`, `disablement:<hex>` (a value as it is) and `disablement-secret:<hex>` (its value is derived: a secret
 * must not stand in a chain that everybody reads). A comma after an argument is passed over. Throws UsageError.
 */
export function parseLockArguments(args: readonly string[], kdf: DisablementKdf): LockArguments {
  const keys: KeyToTrust[] = [];
  const disablementValues: Uint8Array[] = [];
  for (const [argument, place] of placed(args)) {
    if (argument.startsWith(SECRET)) disablementValues.push(kdf(hexOf(argument.slice(SECRET.length), place)));
    else if (argument.startsWith(VALUE)) disablementValues.push(parseValue(argument.slice(VALUE.length), place));
    else keys.push(parseKey(argument, place));
  }
  return { keys, disablementValues };
}

/** Parses `tlpub:<hex>[?<votes>]`, one at least. Throws UsageError. */
export function parseKeys(args: readonly string[]): KeyToTrust[] {
  const keys = [...placed(args)].map(([argument, place]) => parseKey(argument, place));
  if (keys.length === 0) throw new UsageError("which tailnet lock keys? Give one at least: tlpub:<hex>");
  return keys;
}

/** Parses the one disablement secret, `disablement-secret:<hex>` or its hex alone. Throws UsageError, in which the secret does not stand. */
export function parseSecret(args: readonly string[], usage: string): Uint8Array {
  const [first, ...more] = placed(args);
  if (first === undefined || more.length > 0) throw new UsageError(usage);
  const [argument, place] = first;
  if (argument.startsWith(VALUE))
    throw new UsageError(
      "this is a disablement value, which everybody may know: give the disablement-secret: behind it",
    );
  const secret = hexOf(argument.startsWith(SECRET) ? argument.slice(SECRET.length) : argument, place);
  if (secret.length === 0) throw new UsageError(usage);
  return secret;
}
