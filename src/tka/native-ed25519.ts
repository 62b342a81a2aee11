/**
 * The fast path of signature verification for hosts with a synchronous native verifier that works on imported keys, as node:crypto's does
 * in Node and in workerd. The host gives two functions; what is imported is kept, since importing costs a good part of a verification.
 */

import { nativeVerifier, type SignatureVerifier } from "./ed25519.ts";
import { concatBytes } from "./bytes.ts";
import { encodeHex } from "./text-encodings.ts";

/** What stands before the 32 bytes of an Ed25519 public key in its SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/** Imported keys that are kept: enough for every trusted key there can be, and the busiest rotation keys. A few hundred bytes each. */
const KEPT_KEYS = 1024;

export interface NativeEd25519<ImportedKey> {
  /** Imports a public key from its SubjectPublicKeyInfo in DER. May throw where the host refuses the key. */
  readonly importKey: (spki: Uint8Array) => ImportedKey;
  /** True if the signature (64 bytes) verifies, cofactorless. May throw. */
  readonly verify: (key: ImportedKey, message: Uint8Array, signature: Uint8Array) => boolean;
}

/** Both rules, with the host's verifier as their fast path. A host that throws has said no, and its no is never final. */
export function hostVerifier<ImportedKey>(host: NativeEd25519<ImportedKey>): SignatureVerifier {
  const imported = new Map<string, ImportedKey>();
  const keyOf = (publicKey: Uint8Array): ImportedKey => {
    const id = encodeHex(publicKey);
    const known = imported.get(id);
    if (known !== undefined) return known;
    const key = host.importKey(concatBytes(SPKI_PREFIX, publicKey));
    const oldest = imported.size < KEPT_KEYS ? undefined : imported.keys().next().value;
    if (oldest !== undefined) imported.delete(oldest);
    imported.set(id, key);
    return key;
  };
  return nativeVerifier((publicKey, message, signature) => {
    try {
      return host.verify(keyOf(publicKey), message, signature);
    } catch {
      return false;
    }
  });
}
