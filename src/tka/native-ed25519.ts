/**
 * The fast path of signature verification for hosts with a synchronous native verifier that works on imported keys, as node:crypto's does
 * in Node and in workerd. The host gives two functions; what is imported is kept, since importing costs a good part of a verification.
 */

import { nativeVerifier, type SignatureVerifier } from "./ed25519.ts";
import { concatBytes, equalBytes } from "./bytes.ts";
import { HASH_LENGTH, SIGNATURE_LENGTH } from "./limits.ts";

/** What stands before the 32 bytes of an Ed25519 public key in its SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/** Imported keys that are kept: enough for every trusted key there can be, and the busiest rotation keys. A few hundred bytes each. */
const KEPT_KEYS = 1024;

/**
 * The first two bytes of a key: a number is found faster than a text. Keys that share theirs take one another's place, which costs whoever made
 * them so an import each time.
 */
function placeOf(publicKey: Uint8Array): number {
  return (publicKey[0] ?? 0) | ((publicKey[1] ?? 0) << 8);
}

export interface NativeEd25519<ImportedKey> {
  /** Imports a public key from its SubjectPublicKeyInfo in DER. May throw where the host refuses the key. */
  readonly importKey: (spki: Uint8Array) => ImportedKey;
  /** True if the signature (64 bytes) verifies, cofactorless. May throw. The arrays are the caller's again once it returns. */
  readonly verify: (key: ImportedKey, message: Uint8Array, signature: Uint8Array) => boolean;
}

interface Kept<ImportedKey> {
  readonly publicKey: Uint8Array;
  readonly imported: ImportedKey;
}

/** Both rules, with the host's verifier as their fast path. A host that throws has said no, and its no is never final. */
export function hostVerifier<ImportedKey>(host: NativeEd25519<ImportedKey>): SignatureVerifier {
  const kept = new Map<number, Kept<ImportedKey>>();
  const keyOf = (publicKey: Uint8Array): ImportedKey => {
    const place = placeOf(publicKey);
    const known = kept.get(place);
    if (known !== undefined && equalBytes(known.publicKey, publicKey)) return known.imported;
    const imported = host.importKey(concatBytes(SPKI_PREFIX, publicKey));
    const oldest = kept.size < KEPT_KEYS ? undefined : kept.keys().next().value;
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(place, { publicKey: publicKey.slice(), imported });
    return imported;
  };
  // Bindings are slower, by a microsecond in workerd, on small arrays that they have not met before.
  const handed = new Uint8Array(HASH_LENGTH + SIGNATURE_LENGTH);
  const handedHash = handed.subarray(0, HASH_LENGTH);
  const handedSignature = handed.subarray(HASH_LENGTH);
  return nativeVerifier((publicKey, message, signature) => {
    const isHash = message.length === HASH_LENGTH;
    if (isHash) handedHash.set(message);
    handedSignature.set(signature);
    try {
      return host.verify(keyOf(publicKey), isHash ? handedHash : message, handedSignature);
    } catch {
      return false;
    }
  });
}
