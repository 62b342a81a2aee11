/** Disablement secrets in bodies of the admin API: hex, with or without `disablement-secret:` before it. Attacker-controlled; never logged. */

import { decodeHex } from "../tka/index.ts";
import { MAX_SECRET_BYTES, ShapeError, optional, text, type Shape } from "../protocol/index.ts";

const PREFIX = "disablement-secret:";

export const secret: Shape<Uint8Array> = (value, at) => {
  const given = text(value, at);
  const hex = given.startsWith(PREFIX) ? given.slice(PREFIX.length) : given;
  const bytes = hex.length > 2 * MAX_SECRET_BYTES ? null : decodeHex(hex);
  if (bytes === null || bytes.length === 0) throw new ShapeError(`${at}: a disablement secret in hex expected`);
  return bytes;
};

export const optionalSecret = optional(secret);
