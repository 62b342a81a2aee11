/** Brings the D1 of a local run up to date before it serves. Asks nobody, and needs no account. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ARGS = ["node_modules/wrangler/bin/wrangler.js", "d1", "migrations", "apply", "RECORD", "--local"];

/**
 * Applies the migrations that are not applied yet.
 *
 * @param {string | null} folder where the run keeps its data; null for where wrangler keeps it by itself
 * @returns {Promise<void>} rejects with what wrangler printed where it fails
 */
export function applyMigrations(folder) {
  const child = spawn(process.execPath, folder === null ? ARGS : [...ARGS, "--persist-to", folder], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      CI: "true",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_SEND_METRICS: "false",
      FORCE_COLOR: "0",
    },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (printed += String(chunk)));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`D1's migrations could not be applied:\n${printed}`));
    });
  });
}
