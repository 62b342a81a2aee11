/** Disablement secrets in bodies of the admin API: hex, with or without `disablement-secret:` before it. Attacker-controlled; never logged. */

import { z } from "zod";
import { MAX_SECRET_BYTES } from "../../protocol/index.ts";
import { decodeHex } from "../../tka/index.ts";
import { orNull } from "./shapes.ts";

const PREFIX = "disablement-secret:";

export const secret = z
  .string()
  .max(PREFIX.length + 2 * MAX_SECRET_BYTES)
  .transform((given, context): Uint8Array => {
    const bytes = decodeHex(given.startsWith(PREFIX) ? given.slice(PREFIX.length) : given);
    if (bytes !== null && bytes.length > 0 && bytes.length <= MAX_SECRET_BYTES) return bytes;
    context.addIssue({ code: "custom", message: "a disablement secret in hex expected" });
    return z.NEVER;
  });

export const optionalSecret = orNull(secret);
