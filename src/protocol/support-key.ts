/**
 * The support key, to which a disablement secret is sealed: X25519, its private half never on the control plane. Text forms, and what a
 * sealed secret is bound to.
 *
 * Rule [U3]: the binding names the tailnet and its genesis: a box of another tailnet, or of another lock, does not open in its place.
 */

import { encodeHex, parseHexKey, type AumHash } from "../tka/index.ts";
import { decodeBase64 } from "./base64.ts";
import { record, bytes, text, integer, type ShapeOf } from "./shape.ts";

const PUBLIC = "supportpub:";
const PRIVATE = "supportpriv:";
const KEY_BYTES = 32;
/** Bytes of the encapsulated key that a box begins with; the ciphertext follows. */
export const SUPPORT_ENC_BYTES = 32;

export const formatSupportKey = (publicKey: Uint8Array): string => PUBLIC + encodeHex(publicKey);
export const formatSupportPrivateKey = (privateKey: Uint8Array): string => PRIVATE + encodeHex(privateKey);

/** The 32 bytes of `supportpub:<hex>`, or of base64; null for anything else. */
export function parseSupportKey(given: string): Uint8Array | null {
  if (given.startsWith(PUBLIC)) return keyOrNull(given, PUBLIC);
  const decoded = decodeBase64(given);
  return decoded?.length === KEY_BYTES ? decoded : null;
}

/** The 32 bytes of `supportpriv:<hex>`; null for anything else. */
export const parseSupportPrivateKey = (given: string): Uint8Array | null => keyOrNull(given, PRIVATE);

function keyOrNull(given: string, prefix: string): Uint8Array | null {
  try {
    return parseHexKey(given, prefix);
  } catch {
    return null;
  }
}

/** HPKE's `info` (RFC 9180, section 5.1) of a tailnet's support secret [U3]: ASCII, and neither part holds the line's end that parts them. */
export function supportBinding(tailnet: string, genesis: AumHash): Uint8Array {
  return Uint8Array.from(`tailward support secret v1\n${tailnet}\n${genesis}`, (character) => character.charCodeAt(0));
}

/** What `POST …/lock/support-secret` answers: enough to open the box, and to say what spending it will do. */
export const sealedSupport = record({
  tailnet: text,
  name: text,
  genesis: text,
  head: text,
  /** Nodes that will follow no lock afterwards. */
  nodes: integer,
  /** `supportpub:…`: the key that the box is sealed to. */
  supportKey: text,
  /** The value by which nodes verify the secret; 32 bytes. */
  disablementValue: bytes,
  /** The encapsulated key, then the ciphertext. */
  box: bytes,
});

export type SealedSupport = ShapeOf<typeof sealedSupport>;
