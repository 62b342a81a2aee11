/** Signing AUMs. Source: Go's `NLPrivate.SignAUM`. */

import { aumSigHash, type Aum } from "./aum.ts";
import type { Signer } from "./ed25519.ts";

/** The AUM with the signer's signature after those that it has. */
export function signAum(aum: Aum, signer: Signer): Aum {
  const signature = { keyId: signer.publicKey, signature: signer.sign(aumSigHash(aum)) };
  return { ...aum, signatures: [...(aum.signatures ?? []), signature] };
}
