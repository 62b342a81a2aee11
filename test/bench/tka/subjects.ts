/**
 * What is measured of ours, on whatever host: each subject is a function that does the thing once, all its preparations made. Nothing that a
 * subject decides may be remembered from one call to the next, except where remembering is what is measured (`recheck`).
 */

import {
  AuthorizationCache,
  MemoryChonk,
  aumHash,
  authorityAfter,
  authorizeNodeKey,
  decodeAum,
  encodeAum,
  inform,
  prepareBootstrap,
  type DisablementKdf,
  type SignatureVerifier,
  type State,
} from "../../../src/tka/index.ts";
import { hostEd25519 } from "../../support/host-crypto.ts";
import type { Base64, Fixtures, SignedNodeKey } from "./fixtures.ts";

export const SUBJECTS = [
  "bare",
  "direct",
  "rotation",
  "newcomers",
  "recheck",
  "resume",
  "open",
  "inform",
  "hash",
  "encode",
  "decode",
  "hash-checkpoint",
  "decode-checkpoint",
  "kdf",
] as const;

export type Subject = (typeof SUBJECTS)[number];

/** What a host brings. */
export interface Ports {
  readonly verifier: SignatureVerifier;
  readonly kdf: DisablementKdf;
  /** Opens the stored chain anew: going on from the stored head, or working the head out from all that is stored. */
  readonly open: (chain: readonly Uint8Array[], how: "resume" | "open") => () => unknown;
}

const bytesOf = (text: Base64): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

/** What stands before the 32 bytes of an Ed25519 public key in its SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/** Verifies signatures under keys imported beforehand, by the host's own verifier and nothing else. */
function verifyingBare(signatures: Fixtures["bare"]): () => void {
  const all = signatures.map(({ pub, msg, sig }) => {
    const key = hostEd25519.importKey(Uint8Array.of(...SPKI_PREFIX, ...bytesOf(pub)));
    return { key, message: bytesOf(msg), signature: bytesOf(sig) };
  });
  return () => {
    for (const { key, message, signature } of all)
      if (!hostEd25519.verify(key, message, signature)) throw new Error("bench: a good signature does not verify");
  };
}

function authorizing(state: State, peers: readonly SignedNodeKey[], verifier: SignatureVerifier): () => void {
  const all = peers.map(({ nodeKey, sig }) => ({ nodeKey, signature: bytesOf(sig) }));
  return () => {
    for (const { nodeKey, signature } of all) authorizeNodeKey(state, nodeKey, signature, verifier);
  };
}

function rechecking(state: State, peers: readonly SignedNodeKey[], verifier: SignatureVerifier): () => void {
  const cache = new AuthorizationCache(verifier);
  const signed = peers.map(({ nodeKey, sig }) => ({ nodeKey, signature: bytesOf(sig) }));
  const recheck = (): void => {
    for (const { nodeKey, signature } of signed) cache.authorize(state, nodeKey, signature);
  };
  recheck();
  return recheck;
}

/** As Go's side does it: decoded updates, and a fresh authority whose making costs next to nothing. */
function informing(fixtures: Fixtures, verifier: SignatureVerifier): () => void {
  const start = prepareBootstrap(new MemoryChonk(), decodeAum(bytesOf(fixtures.genesis)), verifier);
  const updates = fixtures.batch.map((text) => decodeAum(bytesOf(text)));
  return () => {
    const chonk = new MemoryChonk();
    chonk.commit(start, 0);
    inform(chonk, authorityAfter(start), updates, verifier, 0);
  };
}

export function makeSubject(subject: Subject, fixtures: Fixtures, ports: Ports): () => void {
  const { verifier, kdf } = ports;
  const { state } = prepareBootstrap(new MemoryChonk(), decodeAum(bytesOf(fixtures.genesis)), verifier);
  const bytes = bytesOf(subject.endsWith("-checkpoint") ? fixtures.checkpoint : fixtures.aum);
  const aum = decodeAum(bytes);
  switch (subject) {
    case "bare":
      return verifyingBare(fixtures.bare);
    case "direct":
    case "rotation":
      return authorizing(state, fixtures[subject], verifier);
    case "newcomers":
      return authorizing(state, fixtures.rotated, verifier);
    case "recheck":
      return rechecking(state, fixtures.peers, verifier);
    case "resume":
    case "open":
      return ports.open(fixtures.chain.map(bytesOf), subject);
    case "inform":
      return informing(fixtures, verifier);
    case "hash":
    case "hash-checkpoint":
      return () => aumHash(aum);
    case "encode":
      return () => encodeAum(aum);
    case "decode":
    case "decode-checkpoint":
      return () => decodeAum(bytes);
    case "kdf": {
      const secret = bytesOf(fixtures.secret);
      return () => kdf(secret);
    }
  }
}
