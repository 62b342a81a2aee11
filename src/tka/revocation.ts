/**
 * Retroactive revocation: a checkpoint without the compromised keys that forks off before they could do harm. It wins or loses by fork
 * choice, so it needs more votes than they have. Source: Go's `MakeRetroactiveRevocation` and `findParentForRewrite`.
 *
 *       A -> B -> X (signed by the compromised key) -> Y
 *        \-> R (checkpoint without that key, co-signed)        R has more votes behind it than B: everyone goes on from R.
 */

import { AUM_KIND, makeAum, type Aum } from "./aum.ts";
import { validateAum } from "./aum-validate.ts";
import type { Authority } from "./authority.ts";
import { equalBytes } from "./bytes.ts";
import { stateAt } from "./chain.ts";
import type { ChonkReader } from "./chonk.ts";
import type { Signer } from "./ed25519.ts";
import { TkaError } from "./errors.ts";
import { hashToBytes, type AumHash } from "./hash.ts";
import { hasId } from "./key.ts";
import { MAX_SCAN } from "./limits.ts";
import { signAum } from "./sign.ts";
import { findKey, type State } from "./state.ts";

function trustsAny(state: State, ids: readonly Uint8Array[]): boolean {
  return ids.some((id) => findKey(state, id) !== null);
}

/** The newest AUM at which none of `revoked` is trusted and our key is; where there is none, the oldest AUM there is. */
function findForkPoint(
  chonk: ChonkReader,
  authority: Authority,
  revoked: readonly Uint8Array[],
  ours: Uint8Array,
): AumHash {
  let cursor = authority.head;
  while (cursor !== authority.oldestAncestor) {
    const aum = chonk.aum(cursor);
    if (aum === null) throw new TkaError("parent_not_stored", `AUM ${cursor} is not stored`, { subject: cursor });
    const state = stateAt(chonk, cursor, MAX_SCAN);
    if (!trustsAny(state, revoked) && findKey(state, ours) !== null) break;
    if (aum.parent === null) break;
    cursor = aum.parent;
  }
  return cursor;
}

/** Go removes from a list and compares along the way; a key named twice is removed once. */
function withoutKeys(state: State, revoked: readonly Uint8Array[]): State {
  const keys = (state.keys ?? []).filter((key) => !revoked.some((id) => hasId(key, id)));
  return { ...state, keys, lastAumHash: null };
}

/**
 * The unsigned recovery AUM that forks off at `forkFrom`, or where that is null, at a point found automatically.
 * Throws `key_not_trusted` where no fork point is given and none of the keys is trusted now, `cannot_revoke_all`, or what walking throws.
 */
export function makeRevocation(
  chonk: ChonkReader,
  authority: Authority,
  revoked: readonly Uint8Array[],
  ours: Uint8Array,
  forkFrom: AumHash | null,
): Aum {
  if (forkFrom === null && !trustsAny(authority.state, revoked))
    throw new TkaError("key_not_trusted", "none of the keys to revoke is trusted now");
  const parent = forkFrom ?? findForkPoint(chonk, authority, revoked, ours);
  const state = withoutKeys(authority.state, revoked);
  if (state.keys?.length === 0) throw new TkaError("cannot_revoke_all", "all trusted keys cannot be revoked at once");
  const recovery = makeAum(AUM_KIND.checkpoint, { state, prevAumHash: hashToBytes(parent) });
  validateAum(recovery);
  return recovery;
}

/** The recovery AUM with our signature added. Throws `invalid_argument` where we have signed it already. */
export function cosignRevocation(recovery: Aum, signer: Signer): Aum {
  if (recovery.signatures?.some(({ keyId }) => equalBytes(keyId, signer.publicKey)))
    throw new TkaError("invalid_argument", "this node has signed this recovery already");
  return signAum(recovery, signer);
}
