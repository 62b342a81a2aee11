/** The state after a verified AUM [S3]. Nothing is verified here. Source: Go's `State.applyVerifiedAUM`. */

import { AUM_KIND, type Aum } from "./aum.ts";
import { equalBytes } from "./bytes.ts";
import { TkaError, within } from "./errors.ts";
import { hashToBytes, type AumHash } from "./hash.ts";
import { hasId, keyId, validateKey, type Key } from "./key.ts";
import { findKey, requireKey, type State } from "./state.ts";

function checkpointed(state: State, aum: Aum): State {
  if (aum.state === null) throw new TkaError("invalid_aum", "a checkpoint without a state");
  if (aum.state.stateId1 !== state.stateId1 || aum.state.stateId2 !== state.stateId2)
    throw new TkaError("state_id_mismatch", "the checkpoint is of another authority: its state IDs differ");
  return aum.state;
}

function withKeyAdded(state: State, key: Key | null): State {
  if (key === null) throw new TkaError("invalid_aum", "no key to add");
  if (findKey(state, keyId(key)) !== null) throw new TkaError("key_exists", "the key to add is trusted already");
  return { ...state, keys: [...(state.keys ?? []), key] };
}

function withKeyUpdated(state: State, aum: Aum): State {
  const old = requireKey(state, aum.keyId);
  const updated: Key = { ...old, votes: aum.votes ?? old.votes, meta: aum.meta ?? old.meta };
  within("updated key", {}, () => {
    validateKey(updated);
  });
  return { ...state, keys: (state.keys ?? []).map((key) => (hasId(key, aum.keyId) ? updated : key)) };
}

function withKeyRemoved(state: State, id: Uint8Array | null): State {
  const removed = requireKey(state, id);
  return { ...state, keys: (state.keys ?? []).filter((key) => key !== removed) };
}

function changed(state: State, aum: Aum): State {
  switch (aum.kind) {
    case AUM_KIND.checkpoint:
      return checkpointed(state, aum);
    case AUM_KIND.addKey:
      return withKeyAdded(state, aum.key);
    case AUM_KIND.updateKey:
      return withKeyUpdated(state, aum);
    case AUM_KIND.removeKey:
      return withKeyRemoved(state, aum.keyId);
    default:
      return state;
  }
}

/**
 * The state after `aum`, whose hash is `hash`.
 * Throws `parent_mismatch`, `state_id_mismatch`, `key_exists`, `unknown_key`, `invalid_key` or `invalid_aum`.
 */
export function applyAum(state: State, aum: Aum, hash: AumHash): State {
  if (state.lastAumHash !== null && !equalBytes(hashToBytes(state.lastAumHash), aum.prevAumHash))
    throw new TkaError("parent_mismatch", "the AUM does not follow the last one of this state", { subject: hash });
  return { ...changed(state, aum), lastAumHash: hash };
}
