/** Arguments of the form `file:PATH` stand for what is in the file: a secret then shows in no list of processes. */

import { readFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

const PREFIX = "file:";

/** The argument, or the trimmed text of the file that it names. Throws UsageError. */
export function fileArgument(argument: string): string {
  if (!argument.startsWith(PREFIX)) return argument;
  const path = argument.slice(PREFIX.length);
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${(error as Error).message}`);
  }
}
