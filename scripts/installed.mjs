/** Tells whether node_modules holds what package-lock.json names. Plain JavaScript for Node 18 and later. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages ?? null;
  } catch {
    return null;
  }
}

/**
 * True if the list that npm leaves in node_modules at the end of an install has every package of the lock file in the same version.
 * Only what is optional (a package for another platform) may be missing.
 *
 * @param {string} root the folder of package.json
 * @returns {boolean}
 */
export function isInstalled(root) {
  const wanted = readPackages(join(root, "package-lock.json"));
  const found = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (wanted === null || found === null) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "") continue;
    const have = found[path];
    if (have === undefined && !entry.optional && !entry.devOptional) return false;
    if (have !== undefined && (have.version !== entry.version || have.integrity !== entry.integrity)) return false;
  }
  return true;
}
