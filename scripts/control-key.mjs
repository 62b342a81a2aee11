/** Makes the control plane's private key, as `CONTROL_NOISE_KEY` takes it. Run by itself, prints one: for `wrangler secret put`, through a pipe. */

import { generateKeyPairSync } from "node:crypto";
import { fileURLToPath } from "node:url";

const KEY_BYTES = 32;

/** `privkey:` and 64 hex digits, of X25519. A secret. */
export function newControlKey() {
  const { privateKey } = generateKeyPairSync("x25519");
  return `privkey:${privateKey.export({ format: "der", type: "pkcs8" }).subarray(-KEY_BYTES).toString("hex")}`;
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1]) console.log(newControlKey());
