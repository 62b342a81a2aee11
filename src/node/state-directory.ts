/**
 * Where a node keeps its keys and its chain.
 *
 * Rule [Z1]: what the flag says, else $TAILWARD_STATE_DIR, else $XDG_STATE_HOME/tailward, else ~/.local/state/tailward.
 * Rule [Z2]: the folder is the owner's (0700 when made); a folder that others may write to, or a key file that others may read, is refused,
 *            and so is either where it belongs to another user than the one this process runs as.
 */

import { mkdirSync, statSync, type Stats } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { AgentError } from "./errors.ts";

const WRITABLE_BY_OTHERS = 0o022;
const READABLE_BY_OTHERS = 0o077;

/** The environment, or as much of it as is read here. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The path of the state directory [Z1], absolute. It need not exist. */
export function stateDirectoryPath(flag: string | null, environment: Environment): string {
  const named = flag ?? environment["TAILWARD_STATE_DIR"];
  if (named !== undefined && named !== "") return resolve(named);
  const states = environment["XDG_STATE_HOME"];
  return join(states === undefined || states === "" ? join(homedir(), ".local", "state") : resolve(states), "tailward");
}

function statOf(path: string): Stats | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}

/** Throws `state_exposed` where `path` is another user's: whoever owns it can read and change it, whatever its mode says. */
function requireOwn(path: string, { uid }: Stats): void {
  // Absent on Windows, which has no such owners.
  const own = process.getuid?.();
  if (own !== undefined && uid !== own)
    throw new AgentError(
      "state_exposed",
      `${path} belongs to another user (uid ${uid}), and this process runs as uid ${own}`,
      "run as its owner, or choose another --state-dir",
    );
}

/** Makes the folder where it is missing. Throws `state_directory` or `state_exposed` [Z2]. */
export function openStateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AgentError("state_directory", `cannot use the state directory ${path}: ${(error as Error).message}`);
  }
  const stat = statOf(path);
  if (stat?.isDirectory() !== true) throw new AgentError("state_directory", `${path} is not a folder`);
  requireOwn(path, stat);
  if ((stat.mode & WRITABLE_BY_OTHERS) !== 0)
    throw new AgentError("state_exposed", `others may write to the state directory ${path}`, `run: chmod 700 ${path}`);
}

/** Throws `state_exposed` where others may read the file, or own it [Z2]. A file that is not there is good. */
export function requirePrivateFile(path: string): void {
  const stat = statOf(path);
  if (stat === null) return;
  requireOwn(path, stat);
  if ((stat.mode & READABLE_BY_OTHERS) !== 0)
    throw new AgentError(
      "state_exposed",
      `others may read ${path}, which holds private keys`,
      `run: chmod 600 ${path}`,
    );
}
