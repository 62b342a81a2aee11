/**
 * From attacker-controlled updates to verified ones. Only `verifyAum` and `verifyGenesis` make a VerifiedAum, and only a VerifiedAum can
 * be committed. Source: Go's `aumVerify` and `checkParent`.
 */

import { AUM_KIND, aumParent, aumSigHash, canonicalAum, decodeAum, encodeAum, type Aum } from "./aum.ts";
import { validateAum } from "./aum-validate.ts";
import type { SignatureVerifier } from "./ed25519.ts";
import { TkaError, within } from "./errors.ts";
import { digest, hashFromBytes, type AumHash } from "./hash.ts";
import { KEY_25519, hasId, type Key } from "./key.ts";
import { KEY_LENGTH } from "./limits.ts";
import { requireKey, type State } from "./state.ts";

declare const verified: unique symbol;

/** An AUM with what follows from its canonical encoding, computed once. */
export interface SealedAum {
  readonly aum: Aum;
  /** The canonical encoding. */
  readonly bytes: Uint8Array;
  readonly hash: AumHash;
  readonly parent: AumHash | null;
}

/** An AUM whose signatures were verified against the state that its parent leads to. */
export type VerifiedAum = SealedAum & { readonly [verified]: true };

function seal(aum: Aum, bytes: Uint8Array): SealedAum {
  return { aum, bytes, hash: hashFromBytes(digest(bytes)), parent: aumParent(aum) };
}

/** Encodes and hashes an AUM. Proves nothing about it. */
export function sealAum(aum: Aum): SealedAum {
  return seal(aum, encodeAum(aum));
}

function decodeStored(hash: AumHash, bytes: Uint8Array): SealedAum {
  try {
    const aum = decodeAum(bytes);
    return seal(aum, canonicalAum(aum, bytes));
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    throw new TkaError("corrupt_storage", `stored AUM ${hash}: ${error.message}`, { subject: hash });
  }
}

/**
 * An AUM read back from storage that only verified AUMs enter. For implementations of Chonk alone, who leave `bytes` to it.
 * Throws `corrupt_storage` where the bytes do not decode, or are not those of `hash`.
 */
export function reviveStoredAum(hash: AumHash, bytes: Uint8Array): VerifiedAum {
  const sealed = decodeStored(hash, bytes);
  if (sealed.hash !== hash)
    throw new TkaError("corrupt_storage", `stored AUM ${hash} hashes to ${sealed.hash}`, { subject: hash });
  return sealed as VerifiedAum;
}

/**
 * An AUM read back from storage that vouches for its integrity itself, decoded when it is first looked into: opening a long chain looks into
 * few of its AUMs. For implementations of Chonk alone. Decoding throws `malformed_cbor` where storage has vouched wrongly.
 */
export function reviveTrustedAum(hash: AumHash, parent: AumHash | null, bytes: Uint8Array): VerifiedAum {
  let decoded: Aum | null = null;
  const sealed: SealedAum = {
    get aum() {
      return (decoded ??= decodeAum(bytes));
    },
    bytes,
    hash,
    parent,
  };
  return sealed as VerifiedAum;
}

function checkParent(update: SealedAum, state: State): void {
  if (update.parent === null) throw new TkaError("no_parent", "the AUM has no parent", { subject: update.hash });
  if (state.lastAumHash !== update.parent)
    throw new TkaError("parent_mismatch", "the AUM does not follow the last one of this state", {
      subject: update.hash,
    });
}

function verifySignature(
  verifier: SignatureVerifier,
  key: Key,
  sigHash: Uint8Array,
  signature: Uint8Array | null,
): boolean {
  if (key.kind !== KEY_25519 || key.publicKey?.length !== KEY_LENGTH || signature === null) return false;
  return verifier.zip215(key.publicKey, sigHash, signature);
}

function verifySignatures(update: SealedAum, state: State, verifier: SignatureVerifier): void {
  const signatures = update.aum.signatures ?? [];
  if (signatures.length === 0) throw new TkaError("unsigned_aum", "the AUM is not signed", { subject: update.hash });
  const sigHash = aumSigHash(update.aum);
  signatures.forEach(({ keyId, signature }, index) => {
    const key = within(`signature ${index}`, { index }, () => requireKey(state, keyId));
    // The key in the state decides, not the key ID: the ID is attacker-controlled.
    if (!verifySignature(verifier, key, sigHash, signature))
      throw new TkaError("bad_signature", `signature ${index} does not verify`, { index, subject: update.hash });
  });
}

/** [A4] Every signature must be good and of a trusted key; the last key cannot be removed. */
function verifyAgainst(update: SealedAum, state: State, verifier: SignatureVerifier): VerifiedAum {
  verifySignatures(update, state, verifier);
  const [only, ...others] = state.keys ?? [];
  const removesLast = update.aum.kind === AUM_KIND.removeKey && only !== undefined && others.length === 0;
  if (removesLast && hasId(only, update.aum.keyId))
    throw new TkaError("last_key", "the last trusted key cannot be removed", { subject: update.hash });
  return update as VerifiedAum;
}

/**
 * Proves that `update` may follow `state`.
 * Throws `invalid_aum`, `invalid_key`, `invalid_state`, `no_parent`, `parent_mismatch`, `unsigned_aum`, `unknown_key`, `bad_signature`
 * or `last_key`.
 */
export function verifyAum(update: SealedAum, state: State, verifier: SignatureVerifier): VerifiedAum {
  validateAum(update.aum);
  checkParent(update, state);
  return verifyAgainst(update, state, verifier);
}

/**
 * Proves that a checkpoint is signed by keys that it trusts itself: all that a node without any chain can ask of the first AUM it is given.
 * Throws `invalid_genesis`, or what `verifyAum` throws.
 */
export function verifyGenesis(update: SealedAum, verifier: SignatureVerifier): VerifiedAum {
  const { state } = update.aum;
  if (update.aum.kind !== AUM_KIND.checkpoint || state === null)
    throw new TkaError("invalid_genesis", "the first AUM must be a checkpoint with a state", { subject: update.hash });
  validateAum(update.aum);
  return verifyAgainst(update, state, verifier);
}
