/** Secrets of letters and digits: made, and held against the SHA-256 that is kept of them. They are random, so a slow hash would gain nothing. */

import { timingSafeEqual } from "node:crypto";
import { randomText } from "./random-id.ts";
import { sha256 } from "./sha256.ts";

/** Characters of a secret: 190 bits. */
const SECRET_LENGTH = 32;

export function newSecret(): string {
  return randomText(SECRET_LENGTH);
}

/** True if `hash` is that of the attacker-controlled secret. In constant time, and as slow where there is none. */
export function isSecretOf(hash: Uint8Array | null, secret: string): boolean {
  const given = sha256(secret);
  return timingSafeEqual(hash ?? new Uint8Array(given.length), given) && hash !== null;
}
