/** Files that are there whole or not at all, whenever the machine stops: written beside their place, synced, and moved into it. */

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { randomBytes } from "node:crypto";

/** For the owner alone. */
export const PRIVATE_MODE = 0o600;

/** Makes renames and new files in a folder last. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes all of `data` at the file's position. */
export function writeWhole(fd: number, data: Uint8Array): void {
  for (let at = 0; at < data.length;) at += writeSync(fd, data, at, data.length - at);
}

/** Replaces the file at `path`, or makes it, readable by its owner alone. What was there stays if anything fails. */
export function replaceFile(path: string, data: Uint8Array): void {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    const fd = openSync(temporary, "wx", PRIVATE_MODE);
    try {
      writeWhole(fd, data);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}
