/**
 * What the server asks of an AUM beyond what the authority does, before it passes it on to everyone (docs/decisions/).
 *
 * Rule [L1]: an AUM is valid in its own canonical encoding too. One that is not, such as an update with empty metadata, would be taken by
 *            whoever gets the bytes as they were sent, and refused by everyone after: one trusted key could stop the whole tailnet.
 * Rule [L2]: an AUM is within the size limit before it is decoded, and within that of signatures, each by another key [P3], before any is verified.
 */

import {
  TkaError,
  decodeAum,
  equalBytes,
  refuseDoubleSigners,
  sealAum,
  validateAum,
  type Aum,
  type SealedAum,
} from "../../tka/index.ts";
import { MAX_AUM_BYTES, MAX_AUM_SIGNATURES } from "../../protocol/index.ts";
import { ControlError } from "../refuse.ts";

/** Decodes an attacker-controlled AUM. Throws as `sealPublishable`. */
export function decodePublishable(bytes: Uint8Array, index: number): Aum {
  return sealPublishable(bytes, index).aum;
}

/**
 * Decodes, encodes and hashes an attacker-controlled AUM, each once where it came in its canonical encoding.
 * Throws `malformed_cbor`, `invalid_aum`, `not_canonical` [L1] or `malformed_request` [L2].
 */
export function sealPublishable(bytes: Uint8Array, index: number): SealedAum {
  if (bytes.length > MAX_AUM_BYTES)
    throw new ControlError("malformed_request", `AUM ${index} is larger than ${MAX_AUM_BYTES} bytes`, { index });
  try {
    const aum = decodeAum(bytes);
    refuseCostlySignatures(aum, index);
    validateAum(aum);
    const sealed = sealAum(aum);
    if (!equalBytes(sealed.bytes, bytes)) assertSurvivesEncoding(sealed.bytes, index);
    return sealed;
  } catch (error) {
    if (error instanceof TkaError) throw new TkaError(error.code, error.message, { ...error.data, index });
    throw error;
  }
}

function refuseCostlySignatures(aum: Aum, index: number): void {
  if ((aum.signatures ?? []).length > MAX_AUM_SIGNATURES)
    throw new ControlError("malformed_request", `AUM ${index} has more than ${MAX_AUM_SIGNATURES} signatures`, {
      index,
    });
  refuseDoubleSigners(aum);
}

function assertSurvivesEncoding(canonical: Uint8Array, index: number): void {
  try {
    validateAum(decodeAum(canonical));
  } catch (error) {
    if (error instanceof TkaError)
      throw new ControlError(
        "not_canonical",
        "the AUM is not valid in its own canonical encoding: no other node would take it",
        { index },
      );
    throw error;
  }
}
