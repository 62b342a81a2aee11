/** Flags as Go's flag package takes them, for those who have their fingers used to it. */

import { UsageError } from "./usage-error.ts";

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);
const LONG_FLAG = /^-([a-z][a-z-]+(?:=.*)?)$/s;

/** Flags that are true or false. */
const SWITCHES = new Set([
  "--confirm",
  "--gen-disablement-for-support",
  "--cosign",
  "--finish",
  "--force-reauth",
  "--reusable",
  "--ephemeral",
  "--recovery",
]);
/** Flags whose value may be left out, and is true then. */
const OPTIONAL_VALUES = new Set(["--json", "--re-sign"]);

/** `--confirm=true` as `--confirm`, and `--confirm=false` as nothing. */
function normaliseSwitch(arg: string): string[] {
  const [flag = "", value] = arg.split("=", 2);
  if (!SWITCHES.has(flag) || value === undefined) return [arg];
  if (TRUE.has(value)) return [flag];
  if (FALSE.has(value)) return [];
  throw new UsageError(`${flag} is true or false`, 2);
}

/** Arguments with `-name` written as `--name`, and a bare `--json` as `--json=true`: without a value, it would take the next argument for one. */
export function normaliseFlags(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.flatMap((arg, i) => {
    if (end >= 0 && i >= end) return [arg];
    const long = arg.replace(LONG_FLAG, "--$1");
    return OPTIONAL_VALUES.has(long) ? [`${long}=true`] : normaliseSwitch(long);
  });
}

/** True or false from a flag. Throws UsageError. */
export function trueOrFalse(flag: string): (value: string) => boolean {
  return (value) => {
    if (!TRUE.has(value) && !FALSE.has(value)) throw new UsageError(`${flag} is true or false`, 2);
    return TRUE.has(value);
  };
}

const INTEGER = /^[+-]?\d+$/;

/**
 * The version that `--json[=VERSION]` asks for, or false for none: a number is a version, true is version 1.
 * Throws UsageError for anything else, and for a version that there is not.
 */
export function jsonVersion(value: string): 1 | false {
  if (!INTEGER.test(value)) {
    if (TRUE.has(value)) return 1;
    if (FALSE.has(value)) return false;
    throw new UsageError(`--json takes a version: --json=1, not --json=${value}`, 2);
  }
  if (Number(value) !== 1) throw new UsageError(`there is no version ${value} of this JSON: use --json=1`);
  return 1;
}

/** A whole number from a flag. Throws UsageError. */
export function wholeNumber(flag: string): (value: string) => number {
  return (value) => {
    const number = INTEGER.test(value) ? Number(value) : Number.NaN;
    if (!Number.isSafeInteger(number)) throw new UsageError(`${flag} takes a whole number, not ${value}`, 2);
    return number;
  };
}
