/**
 * The configuration of a local run: wrangler.toml, and a port on which the Worker takes raw TCP, for native clients. It stands in a file of its own, since
 * Cloudflare takes no inbound TCP for Workers, and since every run on this machine needs another port.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Paths in wrangler.toml are its folder's. */
const PATHS = /^(main|migrations_dir) = "(.+)"$/gm;

/**
 * Writes it to `file`. `raw` is the port, on the given address (127.0.0.1 where there is none); `main` is another entry than wrangler.toml's.
 *
 * @param {string} file
 * @param {{ readonly port: string | number, readonly address?: string }} raw
 * @param {string | null} main
 */
export function writeLocalConfig(file, raw, main = null) {
  const shared = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const absolute = shared.replaceAll(
    PATHS,
    (_, name, path) => `${name} = ${JSON.stringify(join(ROOT, name === "main" && main !== null ? main : path))}`,
  );
  const connect = `\n[[connect]]\nprotocol = "tcp"\nport = ${Number(raw.port)}\naddress = ${JSON.stringify(raw.address ?? "127.0.0.1")}\n`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, absolute + connect);
}
