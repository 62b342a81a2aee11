/** Signature verification by workerd's node:crypto, which is synchronous and native. */

import { createPublicKey, verify } from "node:crypto";
import { hostVerifier } from "../../tka/index.ts";

export const verifier = hostVerifier({
  // Node's types name only Buffer; workerd takes any array of bytes.
  importKey: (spki) => createPublicKey({ key: spki as Buffer, format: "der", type: "spki" }),
  verify: (key, message, signature) => verify(null, message, key, signature),
});
