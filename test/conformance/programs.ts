/** The strangers' programs: found where `build.mjs` put them, run to their end. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What a program printed. It may have failed: h2spec does where one of its cases does. */
export interface Ran {
  readonly stdout: string;
  readonly code: number;
}

const BUILT = new Set(["h2spec", "go-client"]);
const TIMEOUT_MS = 100_000;
const MAX_OUTPUT = 1 << 26;

/** The path of a program: of our folder where it is built there, else its name. */
function pathOf(name: string): string {
  return BUILT.has(name) ? fileURLToPath(new URL(`.bin/${name}`, import.meta.url)) : name;
}

export async function run(name: string, ...args: readonly string[]): Promise<Ran> {
  const options = { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT, encoding: "utf8" } as const;
  try {
    const { stdout } = await promisify(execFile)(pathOf(name), args, options);
    return { stdout, code: 0 };
  } catch (error) {
    const { stdout, code } = error as { stdout?: unknown; code?: unknown };
    if (typeof code !== "number" || typeof stdout !== "string") throw error;
    return { stdout, code };
  }
}
