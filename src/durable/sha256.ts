/** SHA-256 by the host, which is many times faster than ours; text is hashed as UTF-8. */

import { createHash } from "node:crypto";

/** The 32 bytes of the hash over the parts, one after the other. */
export function sha256(...parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The hash of a text, in hex. */
export function sha256Hex(text: string): string {
  return sha256(text).toString("hex");
}
