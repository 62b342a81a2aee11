/** Tokens that the Worker's configuration holds, against those that are given. */

import { createHash, timingSafeEqual } from "node:crypto";

function digest(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

/** True if the attacker-controlled token is the configured one; none is, where that is not set. In constant time. */
export function isConfiguredToken(given: string, configured: string | undefined): boolean {
  return configured !== undefined && configured !== "" && timingSafeEqual(digest(given), digest(configured));
}
