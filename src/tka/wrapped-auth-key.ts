/**
 * Auth keys that bring their own signature: `KEY--TL<credential>-<private key>`, both in unpadded base64.
 * Source: Go's `DecodeWrappedAuthkey` and `TailnetLockWrapPreauthKey`.
 */

import type { Signer } from "./ed25519.ts";
import { TkaError } from "./errors.ts";
import {
  SIG_KIND,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
  makeNodeKeySignature,
  type NodeKeySignature,
} from "./node-key-signature.ts";
import { signNodeKeySignature } from "./rotation.ts";
import { decodeBase64Raw, encodeBase64Raw } from "./text-encodings.ts";

const MARK = "--TL";

export interface WrappedAuthKey {
  /** The auth key that the control plane knows. */
  readonly authKey: string;
  readonly credential: NodeKeySignature;
  /** The throw-away private key, of any length: attacker-controlled. 64 bytes where it is good: the seed, then the public key. */
  readonly privateKey: Uint8Array;
}

/** True if the text claims to be a wrapped auth key. */
export function isWrapped(text: string): boolean {
  return text.includes(MARK);
}

/** Splits attacker-controlled text, or gives null where it is not a wrapped auth key, well-formed: it is then used as it is. */
export function parseWrappedAuthKey(text: string): WrappedAuthKey | null {
  const mark = text.indexOf(MARK);
  const border = mark < 0 ? -1 : text.indexOf("-", mark + MARK.length);
  if (border < 0) return null;
  const signature = decodeBase64Raw(text.slice(mark + MARK.length, border));
  const privateKey = decodeBase64Raw(text.slice(border + 1));
  if (signature === null || privateKey === null) return null;
  try {
    return { authKey: text.slice(0, mark), credential: decodeNodeKeySignature(signature), privateKey };
  } catch (error) {
    if (error instanceof TkaError) return null;
    throw error;
  }
}

/**
 * Wraps an auth key. `trusted` signs the credential and must become a trusted key of its own (its metadata says `purpose: pre-auth key`);
 * `throwAway` is a fresh key whose `privateKey` (64 bytes) goes into the text. The text is a secret.
 * Throws `invalid_argument` where the key is wrapped already.
 */
export function wrapAuthKey(
  authKey: string,
  trusted: Signer,
  throwAway: { publicKey: Uint8Array; privateKey: Uint8Array },
): string {
  if (isWrapped(authKey)) throw new TkaError("invalid_argument", "the key is wrapped already");
  const unsigned = makeNodeKeySignature(SIG_KIND.credential, {
    keyId: trusted.publicKey,
    wrappingPubkey: throwAway.publicKey,
  });
  const credential = encodeNodeKeySignature(signNodeKeySignature(unsigned, trusted));
  return `${authKey}${MARK}${encodeBase64Raw(credential)}-${encodeBase64Raw(throwAway.privateKey)}`;
}
