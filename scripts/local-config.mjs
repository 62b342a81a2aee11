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

/** The line of the address that is asked for relays. */
const RELAYS_URL = /^DERP_MAP_URL = "(.*)"$/m;

/** The address that wrangler.toml has asked for relays. */
export function defaultRelays() {
  return RELAYS_URL.exec(readFileSync(join(ROOT, "wrangler.toml"), "utf8"))?.[1] ?? "";
}

/**
 * Writes it to `file`. `raw` is the port, on the given address (127.0.0.1 where there is none); `main` is another entry than wrangler.toml's; `relays`
 * another address to ask for relays, or their map as JSON.
 *
 * @param {string} file
 * @param {{ readonly port: string | number, readonly address?: string }} raw
 * @param {string | null} main
 * @param {{ readonly url?: string, readonly map?: string }} relays
 */
export function writeLocalConfig(file, raw, main = null, relays = {}) {
  const shared = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const absolute = shared.replaceAll(
    PATHS,
    (_, name, path) => `${name} = ${JSON.stringify(join(ROOT, name === "main" && main !== null ? main : path))}`,
  );
  const { url = defaultRelays(), map } = relays;
  // JSON's texts are TOML's too.
  const variables = [`DERP_MAP_URL = ${JSON.stringify(url)}`, ...(map ? [`DERP_MAP = ${JSON.stringify(map)}`] : [])];
  const configured = absolute.replace(RELAYS_URL, () => variables.join("\n"));
  const connect = `\n[[connect]]\nprotocol = "tcp"\nport = ${Number(raw.port)}\naddress = ${JSON.stringify(raw.address ?? "127.0.0.1")}\n`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, configured + connect);
}
