/** Node-key signatures of any make, by whoever signs them: what the generators of node keys and of peers build on. */

import {
  KEY_25519,
  SIG_KIND,
  AUM_KIND,
  encodeAum,
  encodeNodeKeySignature,
  makeAum,
  makeNodeKeySignature,
  nodeKeyToBinary,
  signAum,
  unverifiedWrappingKey,
  type Key,
  type NodeKey,
  type NodeKeySignature,
  type State,
} from "../../../src/tka/index.ts";
import { equalBytes } from "../../../src/tka/bytes.ts";
import { nodeKeySigHash } from "../../../src/tka/node-key-signature.ts";
import { toBase64 } from "../../support/answer-ports.ts";
import { SIGNERS, signerAt, type FuzzSigner } from "./keys.ts";
import { withTorsion } from "./odd-signers.ts";
import type { PlayStep } from "./kind-web.ts";
import type { Random } from "./random.ts";

/** Places among SIGNERS of those that the lock trusts; the others are nodes and throw-away keys. */
export const TRUSTED = [0, 1, 2] as const;
const FIRST_NODE_SIGNER = 8;
/** How likely a rotation is signed so that the two rules differ on it. */
const ODD = 0.01;

/** A signer that is no trusted key. */
export function nodeSigner(random: Random): FuzzSigner {
  return signerAt(FIRST_NODE_SIGNER + random.below(SIGNERS.length - FIRST_NODE_SIGNER));
}

/** The first state ID of every lock made here: it keys the HMAC of links. */
export const TRUST_STATE_ID = 0x1122334455667788n;

/** A key that is trusted though no key of Ed25519 is so long. */
const ODD_TRUSTED = new Uint8Array(31).fill(9);

function genesisOf(places: readonly number[], odd: boolean): string {
  const keys: Key[] = places.map((place) => ({
    kind: KEY_25519,
    votes: 1n,
    publicKey: signerAt(place).publicKey,
    meta: null,
  }));
  if (odd) keys.push({ kind: KEY_25519, votes: 1n, publicKey: ODD_TRUSTED, meta: null });
  const state: State = {
    lastAumHash: null,
    disablementValues: [new Uint8Array(32).fill(1)],
    keys,
    stateId1: TRUST_STATE_ID,
    stateId2: 2n,
  };
  return toBase64(encodeAum(signAum(makeAum(AUM_KIND.checkpoint, { state }), signerAt(places[0] ?? 0))));
}

const PLAIN = genesisOf(TRUSTED, false);
const OTHERS = [genesisOf(TRUSTED, true), genesisOf([0], false), genesisOf([1, 2], true)];

/** The step that gives node `a` a lock which trusts all of TRUSTED, or now and then fewer or a key too short. */
export function trustingStep(random: Random): PlayStep {
  return { do: "bootstrap", node: "a", aum: random.chance(0.85) ? PLAIN : random.pick(OTHERS) };
}

/** The same, always of the first kind. */
export function plainTrust(): PlayStep {
  return { do: "bootstrap", node: "a", aum: PLAIN };
}

export function sealed(unsigned: NodeKeySignature, signer: FuzzSigner): NodeKeySignature {
  return { ...unsigned, signature: signer.sign(nodeKeySigHash(unsigned)) };
}

/** A direct signature that wraps `wrapping`, or a credential. */
export function initial(
  kind: number,
  nodeKey: NodeKey | null,
  wrapping: Uint8Array | null,
  signer: FuzzSigner,
): NodeKeySignature {
  const pubkey = nodeKey === null ? null : nodeKeyToBinary(nodeKey);
  return sealed(makeNodeKeySignature(kind, { pubkey, keyId: signer.publicKey, wrappingPubkey: wrapping }), signer);
}

/** A rotation on top of `nested`, signed by whoever that wraps, if it is one of us. */
export function rotated(
  nested: NodeKeySignature,
  nodeKey: NodeKey,
  random: Random,
  changes: Partial<NodeKeySignature> = {},
): NodeKeySignature {
  const wanted = unverifiedWrappingKey(nested);
  const signer = SIGNERS.find(({ publicKey }) => equalBytes(publicKey, wanted)) ?? nodeSigner(random);
  const unsigned = makeNodeKeySignature(SIG_KIND.rotation, { pubkey: nodeKeyToBinary(nodeKey), nested, ...changes });
  const by = random.chance(0.985) ? signer : nodeSigner(random);
  return sealed(unsigned, random.chance(ODD) ? withTorsion(by) : by);
}

export function encoded(sig: NodeKeySignature): string {
  return toBase64(encodeNodeKeySignature(sig));
}
