/**
 * The host's Ed25519, in Node and in workerd alike: both have node:crypto, synchronous. Tests that sign or verify much use it; that it gives
 * the same verdicts as the pure verifier is what test/tka/ed25519.test.ts is about.
 */

import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { hostVerifier, signerFromSeed, type Signer } from "../../src/tka/index.ts";

/** What stands before the 32 bytes of the seed in a PKCS #8 private key (RFC 8410). */
const PKCS8_PREFIX = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/** node:crypto's verifier without our rules behind it. */
export const hostEd25519 = {
  importKey: (spki: Uint8Array): KeyObject => createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" }),
  verify: (key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean =>
    verify(null, message, key, signature),
};

/** Both rules over node:crypto. */
export const fastVerifier = hostVerifier(hostEd25519);

/** A signer over node:crypto, from a 32-byte seed. */
export function fastSigner(seed: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.from([...PKCS8_PREFIX, ...seed]), format: "der", type: "pkcs8" });
  return { publicKey: signerFromSeed(seed).publicKey, sign: (message) => Uint8Array.from(sign(null, message, key)) };
}
