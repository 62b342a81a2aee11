/**
 * Which of several children the chain goes on with. Every node decides alike, whatever it heard first: that is the consensus.
 *
 *        / - 1
 *      P   - 2      [F1] highest signature weight by the parent's state, then
 *        \ - 3      [F2] a RemoveKey before any other kind, then [F3] the lowest hash.
 *
 * Source: Go's `pickNextAUM` and `AUM.Weight`.
 */

import { AUM_KIND, type Aum } from "./aum.ts";
import { TkaError } from "./errors.ts";
import { compareHashes } from "./hash.ts";
import { KEY_LENGTH } from "./limits.ts";
import { findKey, type State } from "./state.ts";
import { encodeHex } from "./text-encodings.ts";
import type { VerifiedAum } from "./verify.ts";

/**
 * The votes behind an AUM: of each trusted key that signed it, once. Signatures are taken as good.
 * Throws `invalid_aum` for a key ID that is not 32 bytes, where Go panics.
 */
export function signatureWeight(aum: Aum, state: State): bigint {
  let weight = 0n;
  const seen = new Set<string>();
  for (const { keyId } of aum.signatures ?? []) {
    if (keyId?.length !== KEY_LENGTH) throw new TkaError("invalid_aum", "a signature's key ID is not 32 bytes");
    const key = findKey(state, keyId);
    const id = encodeHex(keyId);
    if (key === null || seen.has(id)) continue;
    weight += key.votes;
    seen.add(id);
  }
  return BigInt.asUintN(64, weight);
}

function compareChildren(a: VerifiedAum, b: VerifiedAum, state: State): number {
  const [weightA, weightB] = [signatureWeight(a.aum, state), signatureWeight(b.aum, state)];
  if (weightA !== weightB) return weightA > weightB ? -1 : 1;
  const [removesA, removesB] = [a.aum.kind === AUM_KIND.removeKey, b.aum.kind === AUM_KIND.removeKey];
  if (removesA !== removesB) return removesA ? -1 : 1;
  return compareHashes(a.hash, b.hash);
}

/** The child that the chain goes on with, or null where there is none. */
export function chooseChild(state: State, children: readonly VerifiedAum[]): VerifiedAum | null {
  const [first, ...others] = children;
  if (first === undefined) return null;
  return others.reduce((best, child) => (compareChildren(child, best, state) < 0 ? child : best), first);
}
