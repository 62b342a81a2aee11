/** What an AUM must keep whatever the chain says [A3]. Source: Go's `AUM.StaticValidate`. */

import { AUM_KIND, type Aum } from "./aum.ts";
import { TkaError, within } from "./errors.ts";
import { validateKey } from "./key.ts";
import { KEY_LENGTH, SIGNATURE_LENGTH } from "./limits.ts";
import { validateCheckpointState } from "./state.ts";

type Field = "key" | "keyId" | "state" | "votes" | "meta";

function invalid(why: string, index?: number): TkaError {
  return new TkaError("invalid_aum", why, index === undefined ? {} : { index });
}

function refuseFields(aum: Aum, kind: string, fields: readonly Field[]): void {
  for (const field of fields) if (aum[field] !== null) throw invalid(`${kind} AUMs must not carry ${field}`);
}

function requireKeyId(aum: Aum, kind: string): void {
  if (aum.keyId === null || aum.keyId.length === 0) throw invalid(`${kind} AUMs must name a key ID`);
}

function validateFieldsOfKind(aum: Aum): void {
  switch (aum.kind) {
    case AUM_KIND.addKey:
      if (aum.key === null) throw invalid("AddKey AUMs must carry a key");
      return refuseFields(aum, "AddKey", ["keyId", "state", "votes", "meta"]);
    case AUM_KIND.removeKey:
      requireKeyId(aum, "RemoveKey");
      return refuseFields(aum, "RemoveKey", ["key", "state", "votes", "meta"]);
    case AUM_KIND.updateKey:
      requireKeyId(aum, "UpdateKey");
      if (aum.meta === null && aum.votes === null) throw invalid("UpdateKey AUMs must update votes or metadata");
      return refuseFields(aum, "UpdateKey", ["key", "state"]);
    case AUM_KIND.checkpoint:
      if (aum.state === null) throw invalid("Checkpoint AUMs must carry a state");
      return refuseFields(aum, "Checkpoint", ["keyId", "key", "votes", "meta"]);
    default:
      // NoOp, and kinds of the future, which by contract only add and may be passed over.
      return;
  }
}

/** Throws `invalid_aum`, `invalid_key` or `invalid_state` unless the AUM is well-formed. */
export function validateAum(aum: Aum): void {
  if (aum.key !== null) validateKey(aum.key);
  if (aum.prevAumHash !== null && aum.prevAumHash.length === 0)
    throw invalid("an absent parent must be nil, not empty");
  aum.signatures?.forEach(({ keyId, signature }, i) => {
    if (keyId?.length !== KEY_LENGTH || signature?.length !== SIGNATURE_LENGTH)
      throw invalid(`signature ${i} has no key ID or is malformed`, i);
  });
  const { state } = aum;
  if (state !== null)
    within("checkpoint state", {}, () => {
      validateCheckpointState(state);
    });
  validateFieldsOfKind(aum);
}
