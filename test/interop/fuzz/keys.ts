/** A fixed set of keys that sign: the same in every case, so that importing them is paid for once. */

import {
  formatLockPrivateKey,
  type NodeKey,
  type Signer,
  nodeKeyFromRaw,
  signerFromSeed,
} from "../../../src/tka/index.ts";
import { concatBytes } from "../../../src/tka/bytes.ts";
import { nativeSigner } from "../../support/answer-ports.ts";
import { Random } from "./random.ts";

export interface FuzzSigner extends Signer {
  /** The seed, then the public key. */
  readonly privateKey: Uint8Array;
  /** `nlpriv:…` */
  readonly text: string;
}

const COUNT = 24;

function makeSigner(index: number): FuzzSigner {
  const seed = new Random(0x7a11, index).bytes(32);
  const privateKey = concatBytes(seed, signerFromSeed(seed).publicKey);
  return { ...nativeSigner(privateKey), privateKey, text: formatLockPrivateKey(privateKey) };
}

export const SIGNERS: readonly FuzzSigner[] = Array.from({ length: COUNT }, (_, index) => makeSigner(index));

/** The signer at that place; places wrap around. */
export function signerAt(index: number): FuzzSigner {
  return SIGNERS[index % COUNT] as FuzzSigner;
}

/** A node key of its own for every pair of numbers below 2^16. */
export function nodeKeyAt(group: number, index: number): NodeKey {
  return nodeKeyFromRaw(new Random(group * 65536 + index, 0x6e6b).bytes(32));
}

/** A node key at random. */
export function randomNodeKey(random: Random): NodeKey {
  return nodeKeyFromRaw(random.bytes(32));
}
