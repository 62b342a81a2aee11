/** Disablement secrets, which turn the lock off, and the values derived from them that anybody may see. Source: `tka/state.go`. */

import { argon2i } from "@noble/hashes/argon2.js";
import { encodeUtf8, equalBytesConstantTime } from "./bytes.ts";
import { DISABLEMENT_LENGTH } from "./limits.ts";
import type { State } from "./state.ts";

/** The port: derives the 32-byte disablement value of a secret. Costs about 50 ms where it is native. */
export type DisablementKdf = (secret: Uint8Array) => Uint8Array;

/** The KDF's parameters, for hosts that bring their own Argon2i (version 0x13). Memory in KiB. */
export const DISABLEMENT_KDF = {
  salt: encodeUtf8("tailscale network-lock disablement salt"),
  passes: 4,
  memory: 16 * 1024,
  lanes: 4,
  length: DISABLEMENT_LENGTH,
} as const;

/** The KDF in JavaScript: right on every host, and slow (half a second). */
export const pureDisablementKdf: DisablementKdf = (secret) => {
  const { salt, passes, memory, lanes, length } = DISABLEMENT_KDF;
  return argon2i(secret, salt, { t: passes, m: memory, p: lanes, dkLen: length });
};

/** True if `secret` is one of those that turn off the lock in `state`. Every value is compared, in constant time. */
export function validDisablement(state: State, secret: Uint8Array, kdf: DisablementKdf): boolean {
  const derived = kdf(secret);
  let valid = false;
  for (const value of state.disablementValues ?? [])
    if (value !== null && equalBytesConstantTime(derived, value)) valid = true;
  return valid;
}
