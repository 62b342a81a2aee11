/** One `npm start` at a time on the same data: two would be two writers of every object. Plain JavaScript for Node 18 and later. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = "tailward.pid";

function isRunning(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
  try {
    // After a restart of the machine, the number may be another program's. Where there is no /proc, it is taken for ours.
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("start.mjs");
  } catch (error) {
    return process.platform !== "linux" || error.code !== "ENOENT";
  }
}

function runningIn(path) {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return Number.isSafeInteger(pid) && pid > 0 && pid !== process.pid && isRunning(pid) ? pid : null;
  } catch {
    return null;
  }
}

/**
 * Takes a data folder for this process, until it ends.
 *
 * @param {string} folder made if it is not there
 * @returns {() => void} gives the folder back
 * @throws {Error} where another process has it, naming that one
 */
export function takeAlone(folder) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, FILE);
  const other = runningIn(path);
  if (other !== null)
    throw new Error(
      `npm start runs on ${folder} already (process ${other}): stop that one first, or give another folder by --persist-to DIR. If it is none of ours, remove ${path}`,
    );
  writeFileSync(path, `${process.pid}\n`);
  return () => rmSync(path, { force: true });
}
