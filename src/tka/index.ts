/** The key authority: the only way into this folder. Pure and synchronous; clock, randomness, signers, verifier and KDF are arguments. */

export {
  AUM_KIND,
  aumHash,
  aumKindText,
  aumParent,
  aumSigHash,
  decodeAum,
  encodeAum,
  makeAum,
  type Aum,
  type AumSignature,
} from "./aum.ts";
export { validateAum } from "./aum-validate.ts";
export { AuthorizationCache } from "./authorization-cache.ts";
export { keyTrusted, openAuthority, resumeAuthority, type Authority } from "./authority.ts";
export { UpdateBuilder } from "./builder.ts";
export { blake2s } from "./blake2s.ts";
export { concatBytes, decodeUtf8, encodeUtf8, equalBytes, equalBytesConstantTime, joinBytes } from "./bytes.ts";
export type { Chonk, ChonkReader, Prepared, PreparedCompaction } from "./chonk.ts";
export { stateAt } from "./chain.ts";
export { COMPACTION_DEFAULTS, compact, prepareCompaction, type CompactionOptions } from "./compaction.ts";
export { checkDeeplink, makeDeeplink, type DeeplinkFields } from "./deeplink.ts";
export { DISABLEMENT_KDF, pureDisablementKdf, validDisablement, type DisablementKdf } from "./disablement.ts";
export {
  nativeVerifier,
  pureVerifier,
  signerFromSeed,
  type SignatureVerifier,
  type Signer,
  type Verify,
} from "./ed25519.ts";
export { RETRYABLE_CODES, TKA_ERROR_CODES, TkaError, type TkaErrorCode, type TkaErrorData } from "./errors.ts";
export { signatureWeight } from "./fork-choice.ts";
export { compareHashes, hashFromBytes, hashToBytes, parseAumHash, type AumHash } from "./hash.ts";
export { KEY_25519, keyId, keyKindText, type Key } from "./key.ts";
export {
  formatLockKey,
  formatLockKeyJson,
  formatLockPrivateKey,
  nodeKeyFromBinary,
  nodeKeyFromRaw,
  nodeKeyToBinary,
  nodeKeyToRaw,
  parseHexKey,
  parseLockKey,
  parseLockPrivateKey,
  parseNodeKey,
  type NodeKey,
} from "./key-text.ts";
export * from "./limits.ts";
export { MemoryChonk } from "./memory-chonk.ts";
export { hostVerifier, type NativeEd25519 } from "./native-ed25519.ts";
export { authorizeNodeKey, type Authorization, type RotationDetails } from "./node-key-authorized.ts";
export {
  SIG_KIND,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
  initialSignature,
  makeNodeKeySignature,
  signatureKindText,
  signatureLayers,
  unverifiedAuthorizingKeyId,
  unverifiedWrappingKey,
  type NodeKeySignature,
} from "./node-key-signature.ts";
export { obsoleteNodeKeys, type RotatedPeer } from "./obsolete-keys.ts";
export { authorityAfter, bootstrap, inform, makeGenesis, prepare, prepareBootstrap, prepareSealed } from "./prepare.ts";
export { refuseDoubleSigners, refuseRepublished } from "./republished.ts";
export { cosignRevocation, makeRevocation } from "./revocation.ts";
export { rotateSignature, signByCredential, signDirect } from "./rotation.ts";
export { signAum } from "./sign.ts";
export { EMPTY_STATE, findKey, requireKey, type State } from "./state.ts";
export { makeSyncOffer, missingAums, parseSyncOffer, type SyncOffer } from "./sync.ts";
export { decodeBase32, decodeHex, encodeBase32, encodeHex } from "./text-encodings.ts";
export { reviveStoredAum, reviveTrustedAum, sealAum, type SealedAum, type VerifiedAum } from "./verify.ts";
export { isWrapped, parseWrappedAuthKey, wrapAuthKey, type WrappedAuthKey } from "./wrapped-auth-key.ts";
