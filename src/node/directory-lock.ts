/**
 * One agent on one state directory: `agent.lock` in it names the process that has it. The file comes into being whole and only where there is
 * none, before keys and chain are opened. One whose process has ended is taken over; a process is known by its ID and the time it started,
 * since IDs are used again.
 */

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { PRIVATE_MODE } from "./atomic-file.ts";
import { AgentError } from "./errors.ts";

const TRIES = 8;
/** Fields of /proc/<pid>/stat after the name, which may hold spaces: the state is the first of them. */
const START_TIME = 19;

/** When a process was started, as the kernel counts; empty where that cannot be known; null where there is no such process. */
function startOf(pid: number): string | null {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return null;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : (fields[START_TIME] ?? "");
  } catch {
    return "";
  }
}

/** True where the process that wrote the lock's text has ended. */
function isStale(text: string): boolean {
  const [, pid, start] = /^([1-9]\d{0,9}) (\d*)\n$/.exec(text) ?? [];
  if (pid === undefined) return true;
  const now = startOf(Number(pid));
  return now === null || (now !== "" && start !== "" && now !== start);
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Gives `from` the name `to` as well; false where there is a file of that name. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Takes away the stale file that says `text`. Another's, put there meanwhile, goes back. */
function removeStale(path: string, text: string): void {
  const aside = `${path}.${randomBytes(6).toString("hex")}.old`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (readIfThere(aside) !== text) linked(aside, path);
  rmSync(aside, { force: true });
}

function tryLock(own: string, path: string): boolean {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (linked(own, path)) return true;
    const text = readIfThere(path);
    if (text === null) continue;
    if (!isStale(text)) return false;
    removeStale(path, text);
  }
  return false;
}

/** Takes the state directory for this process, until the function that it gives is called. Throws `agent_running` or `state_directory`. */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, "agent.lock");
  const own = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    writeFileSync(own, `${process.pid} ${startOf(process.pid) ?? ""}\n`, { mode: PRIVATE_MODE, flag: "wx" });
    if (tryLock(own, path)) return () => rmSync(path, { force: true });
  } catch (error) {
    throw new AgentError("state_directory", `cannot lock the state directory: ${(error as Error).message}`);
  } finally {
    rmSync(own, { force: true });
  }
  throw new AgentError("agent_running", `an agent is running already on ${directory}`);
}
