/**
 * The primitives of the control protocol's Noise, by node:crypto. Private keys are raw: 32 bytes. Agreement goes by WebCrypto: workerd's diffieHellman
 * takes the peer's key for its own, and so refuses one that was imported.
 */

import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  webcrypto,
  type KeyObject,
} from "node:crypto";
import type { NoiseCrypto } from "../../protocol/index.ts";
import { concatBytes } from "../../tka/index.ts";

/** What stands before the 32 bytes of an X25519 private key in its PKCS #8 form (RFC 8410). */
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
const X25519 = { name: "X25519" };
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const CIPHER = "chacha20-poly1305";

function importPrivate(raw: Uint8Array): KeyObject {
  // Node's types name only Buffer; workerd takes any array of bytes.
  return createPrivateKey({ key: concatBytes(PKCS8, raw) as Buffer, format: "der", type: "pkcs8" });
}

function rawPublic(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-KEY_BYTES));
}

async function agree(privateKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array | null> {
  const { subtle } = webcrypto;
  const ours = await subtle.importKey("pkcs8", Uint8Array.from(concatBytes(PKCS8, privateKey)), X25519, false, [
    "deriveBits",
  ]);
  const theirs = await subtle.importKey("raw", Uint8Array.from(publicKey), X25519, false, []);
  try {
    return new Uint8Array(await subtle.deriveBits({ ...X25519, public: theirs }, ours, 8 * KEY_BYTES));
  } catch {
    // A point of small order is refused by those who derive.
    return null;
  }
}

export const noiseCrypto: NoiseCrypto = {
  newKeyPair: () => {
    const { privateKey } = generateKeyPairSync("x25519");
    const raw = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-KEY_BYTES);
    return { privateKey: new Uint8Array(raw), publicKey: rawPublic(privateKey) };
  },
  publicKeyOf: (privateKey) => rawPublic(importPrivate(privateKey)),
  agree,
  seal: (key, nonce, plaintext, associated) => {
    const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    if (associated.length > 0) cipher.setAAD(associated, { plaintextLength: plaintext.length });
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
    sealed.set(cipher.update(plaintext));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
    return sealed;
  },
  open: (key, nonce, sealed, associated) => {
    const end = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(sealed.subarray(end));
    if (associated.length > 0) decipher.setAAD(associated, { plaintextLength: end });
    try {
      const plaintext = decipher.update(sealed.subarray(0, end));
      decipher.final();
      return new Uint8Array(plaintext);
    } catch {
      return null;
    }
  },
};
