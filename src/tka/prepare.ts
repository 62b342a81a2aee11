/**
 * The first half of the one write path: what a batch of attacker-controlled updates leads to, decided without storing anything. The second
 * half is `Chonk.commit`.
 *
 * Rule [P1]: a batch is all or nothing. Go's Inform stores a batch past its limit of a walk and then fails; ours refuses it whole.
 * Rule [P2]: AUMs that are stored already are passed over; updates come parents first.
 * Source: Go's `Authority.InformIdempotent`, `Bootstrap` and `Create`.
 */

import { AUM_KIND, makeAum, type Aum } from "./aum.ts";
import { validateAum } from "./aum-validate.ts";
import { applyAum } from "./apply.ts";
import type { Authority } from "./authority.ts";
import { activeChain, stateAt } from "./chain.ts";
import type { Chonk, ChonkReader, Prepared } from "./chonk.ts";
import type { SignatureVerifier, Signer } from "./ed25519.ts";
import { TkaError, within } from "./errors.ts";
import type { AumHash } from "./hash.ts";
import { MAX_SCAN } from "./limits.ts";
import { overlay } from "./memory-chonk.ts";
import { signAum } from "./sign.ts";
import type { State } from "./state.ts";
import { sealAum, verifyAum, verifyGenesis, type SealedAum, type VerifiedAum } from "./verify.ts";

/** What walking a batch has found so far. */
interface Walk {
  readonly states: Map<AumHash, State>;
  readonly verified: VerifiedAum[];
  /** The hash looked at last; with `straight`, the new head. */
  last: AumHash;
  /** True while the batch is one line that goes on from the head: then its end is the new head, and nothing need be computed anew. */
  straight: boolean;
}

function stateBefore(chonk: ChonkReader, walk: Walk, update: SealedAum): State {
  if (update.parent === null) throw new TkaError("no_parent", "the AUM has no parent", { subject: update.hash });
  const known = walk.states.get(update.parent);
  if (known !== undefined) return known;
  const state = stateAt(chonk, update.parent, MAX_SCAN);
  walk.states.set(update.parent, state);
  return state;
}

function step(chonk: ChonkReader, walk: Walk, update: SealedAum, verifier: SignatureVerifier): void {
  if (chonk.aum(update.hash) !== null) {
    walk.straight = false;
    return;
  }
  const before = stateBefore(chonk, walk, update);
  walk.verified.push(verifyAum(update, before, verifier));
  walk.states.set(update.hash, applyAum(before, update.aum, update.hash));
  walk.straight &&= update.parent === walk.last;
  walk.last = update.hash;
}

/**
 * What informing `authority` of `updates` leads to.
 * Throws `nothing_to_inform` for an empty batch, `chain_too_long`, or what verifying and applying throw, with the AUM's index in the batch.
 */
export function prepare(
  chonk: ChonkReader,
  authority: Authority,
  updates: readonly Aum[],
  verifier: SignatureVerifier,
): Prepared {
  const sealed = updates.map((update, index) => within(`update ${index}`, { index }, () => sealAum(update)));
  return prepareSealed(chonk, authority, sealed, verifier);
}

/** `prepare`, for whoever has sealed the updates already: each is encoded and hashed once. */
export function prepareSealed(
  chonk: ChonkReader,
  authority: Authority,
  updates: readonly SealedAum[],
  verifier: SignatureVerifier,
): Prepared {
  if (updates.length === 0) throw new TkaError("nothing_to_inform", "no updates were given");
  const walk: Walk = {
    states: new Map([[authority.head, authority.state]]),
    verified: [],
    last: authority.head,
    straight: true,
  };
  updates.forEach((update, index) => {
    within(`update ${index}`, { index }, () => {
      step(chonk, walk, update, verifier);
    });
  });
  const stored = overlay(chonk, walk.verified);
  const end = walk.straight ? walk.states.get(walk.last) : undefined;
  const outcome =
    end === undefined
      ? recompute(stored, authority)
      : { head: walk.last, state: end, oldestAncestor: authority.oldestAncestor };
  return { headBefore: authority.head, verified: walk.verified, ...outcome };
}

function recompute(stored: ChonkReader, authority: Authority): Authority {
  const chain = activeChain(stored, authority.oldestAncestor, MAX_SCAN);
  return { head: chain.aum.hash, state: chain.state, oldestAncestor: chain.oldest.hash };
}

/**
 * What a first checkpoint leads to in an empty Chonk: the genesis, or a later checkpoint.
 * Throws `not_empty`, `invalid_genesis`, or what verifying throws.
 */
export function prepareBootstrap(chonk: ChonkReader, checkpoint: Aum, verifier: SignatureVerifier): Prepared {
  if (chonk.heads().length > 0) throw new TkaError("not_empty", "there is a chain already");
  const verified = verifyGenesis(sealAum(checkpoint), verifier);
  const state: State = { ...(checkpoint.state as State), lastAumHash: verified.hash };
  return { headBefore: null, head: verified.hash, state, oldestAncestor: verified.hash, verified: [verified] };
}

/** The authority once `prepared` is committed. */
export function authorityAfter(prepared: Prepared): Authority {
  return { head: prepared.head, state: prepared.state, oldestAncestor: prepared.oldestAncestor };
}

/** A signed genesis for `state`, whose keys must include the signer's. Throws `invalid_state`, `invalid_key`. */
export function makeGenesis(state: State, signer: Signer): Aum {
  const genesis = makeAum(AUM_KIND.checkpoint, { state });
  validateAum(genesis);
  return signAum(genesis, signer);
}

/** Prepares and commits: `prepare`, for whoever holds Chonk and authority in one hand. `now` in milliseconds since the epoch. */
export function inform(
  chonk: Chonk,
  authority: Authority,
  updates: readonly Aum[],
  verifier: SignatureVerifier,
  now: number,
): Authority {
  const prepared = prepare(chonk, authority, updates, verifier);
  chonk.commit(prepared, now);
  return authorityAfter(prepared);
}

/** Prepares and commits a bootstrap: `prepareBootstrap`, as `inform` is to `prepare`. */
export function bootstrap(chonk: Chonk, checkpoint: Aum, verifier: SignatureVerifier, now: number): Authority {
  const prepared = prepareBootstrap(chonk, checkpoint, verifier);
  chonk.commit(prepared, now);
  return authorityAfter(prepared);
}
