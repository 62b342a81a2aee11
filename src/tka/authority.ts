/**
 * The authority at one moment: a head, the state there, and the oldest AUM of its chain. A value: changes make a new one (prepare.ts).
 * Source: Go's `tka.Authority`.
 */

import { activeChain, stateAt } from "./chain.ts";
import type { Chonk, ChonkReader } from "./chonk.ts";
import type { AumHash } from "./hash.ts";
import { hasId } from "./key.ts";
import { MAX_SCAN } from "./limits.ts";
import type { State } from "./state.ts";

export interface Authority {
  readonly head: AumHash;
  readonly state: State;
  readonly oldestAncestor: AumHash;
}

/**
 * The authority that a Chonk holds, worked out from all that is stored, as Go's `tka.Open` does.
 * Throws `no_chain` in an empty Chonk, `multiple_chains`, `chain_too_long`, `invalid_genesis`, or what applying throws.
 */
export function openAuthority(chonk: ChonkReader): Authority {
  const chain = activeChain(chonk, chonk.lastActiveAncestor(), MAX_SCAN);
  return { head: chain.aum.hash, state: chain.state, oldestAncestor: chain.oldest.hash };
}

/**
 * The authority that a Chonk holds, going on from the head that its last commit decided: only the AUMs since the nearest checkpoint are looked
 * into. Where nothing says what the head was, as `openAuthority`, and throws the same.
 */
export function resumeAuthority(chonk: Chonk): Authority {
  const head = chonk.head();
  const oldestAncestor = chonk.lastActiveAncestor();
  if (head === null || oldestAncestor === null) return openAuthority(chonk);
  return { head, state: stateAt(chonk, head, MAX_SCAN), oldestAncestor };
}

/** True if `keyId` names a key that the authority trusts. */
export function keyTrusted(authority: Authority, keyId: Uint8Array): boolean {
  return (authority.state.keys ?? []).some((key) => hasId(key, keyId));
}
