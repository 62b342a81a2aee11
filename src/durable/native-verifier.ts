/** Signature verification by workerd's node:crypto, which is synchronous and native. */

import { Buffer } from "node:buffer";
import { createPublicKey, verify } from "node:crypto";
import { hostVerifier } from "../tka/index.ts";

export const verifier = hostVerifier({
  importKey: (spki) => createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" }),
  verify: (key, message, signature) => verify(null, message, key, signature),
});
