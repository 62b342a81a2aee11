/** The authority's ports, filled with node:crypto: verifier, signers, the disablement KDF and fresh keys. */

// As a whole, since a Node without one of its functions could not link a file that imports it by name.
import * as crypto from "node:crypto";
import type { KeyObject } from "node:crypto";
import {
  DISABLEMENT_KDF,
  formatLockPrivateKey,
  hostVerifier,
  nodeKeyFromRaw,
  parseLockPrivateKey,
  pureDisablementKdf,
  type DisablementKdf,
  type NodeKey,
  type SignatureVerifier,
  type Signer,
} from "../tka/index.ts";

/** What stands before the 32 bytes of a private key in its PKCS #8 form (RFC 8410). */
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const X25519_PKCS8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const SEED_BYTES = 32;

/** Both rules of verification, with OpenSSL as their fast path. Imported keys are kept: one instance a process. */
export const nodeVerifier: SignatureVerifier = hostVerifier<KeyObject>({
  importKey: (spki) => crypto.createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" }),
  verify: (key, message, signature) => crypto.verify(null, message, key, signature),
});

function publicHalf(key: KeyObject): Uint8Array {
  return new Uint8Array(crypto.createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-SEED_BYTES));
}

/** A signer from the 32-byte seed of an Ed25519 private key. */
export function signerFromSeed(seed: Uint8Array): Signer {
  const key = crypto.createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: "der", type: "pkcs8" });
  return { publicKey: publicHalf(key), sign: (message) => new Uint8Array(crypto.sign(null, message, key)) };
}

/** The signer of a lock key in its text form. Throws TkaError `malformed_text`. */
export function lockSigner(privateKey: string): Signer {
  return signerFromSeed(parseLockPrivateKey(privateKey).subarray(0, SEED_BYTES));
}

/** An Ed25519 key pair: 64 bytes (the seed, then the public key), as auth keys and lock keys carry it. */
export function newSigningKey(): {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
  readonly signer: Signer;
} {
  const seed = new Uint8Array(crypto.randomBytes(SEED_BYTES));
  const signer = signerFromSeed(seed);
  return { publicKey: signer.publicKey, privateKey: new Uint8Array(Buffer.concat([seed, signer.publicKey])), signer };
}

/** A fresh lock key as `nlpriv:…`. A secret. */
export function newLockKey(): string {
  return formatLockPrivateKey(newSigningKey().privateKey);
}

/** A fresh node key: 32 bytes of X25519. A secret. */
export function newNodeKey(): Uint8Array {
  const { privateKey } = crypto.generateKeyPairSync("x25519");
  return new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }).subarray(-SEED_BYTES));
}

/** The node key that belongs to a private one. */
export function publicNodeKey(privateKey: Uint8Array): NodeKey {
  return nodeKeyFromRaw(
    publicHalf(
      crypto.createPrivateKey({ key: Buffer.concat([X25519_PKCS8, privateKey]), format: "der", type: "pkcs8" }),
    ),
  );
}

/** The disablement KDF: OpenSSL's Argon2 where this Node has it (24 and later), else the slow one. */
export const nodeKdf: DisablementKdf = (secret) => {
  // Before Node 24.7 there is no such function, whatever its types say.
  const { argon2Sync } = crypto as Partial<typeof crypto>;
  if (argon2Sync === undefined) return pureDisablementKdf(secret);
  const { salt: nonce, passes, memory, lanes: parallelism, length: tagLength } = DISABLEMENT_KDF;
  return new Uint8Array(argon2Sync("argon2i", { message: secret, nonce, passes, memory, parallelism, tagLength }));
};

/** A number of random bytes. */
export function random(length: number): Uint8Array {
  return new Uint8Array(crypto.randomBytes(length));
}
