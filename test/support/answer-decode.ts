/** Ours answering the oracle's questions about single values: decoding, hashing, weighing, verifying, deriving. */

import { nodeKeySignatureText } from "../../src/protocol/index.ts";
import {
  aumHash,
  aumSigHash,
  decodeAum,
  decodeNodeKeySignature,
  encodeAum,
  encodeNodeKeySignature,
  parseSyncOffer,
  signatureWeight,
  unverifiedAuthorizingKeyId,
  unverifiedWrappingKey,
  validateAum,
  TkaError,
  type NodeKeySignature,
} from "../../src/tka/index.ts";
import { nodeKeySigHash } from "../../src/tka/node-key-signature.ts";
import { fromBase64, toBase64, type AnswerPorts } from "./answer-ports.ts";

interface Bytes {
  readonly bytes: string | null;
}

/** Go decodes an absent byte string as an empty one. */
function given(text: string | null | undefined): Uint8Array {
  return fromBase64(text ?? "");
}

/** What `body` throws as a TkaError, in words, or "". */
function refusal(body: () => void): string {
  try {
    body();
    return "";
  } catch (error) {
    if (error instanceof TkaError) return error.message;
    throw error;
  }
}

export function answerAumDecode(body: Bytes): object {
  const aum = decodeAum(given(body.bytes));
  const why = refusal(() => {
    validateAum(aum);
  });
  return {
    serialized: toBase64(encodeAum(aum)),
    hash: aumHash(aum),
    sigHash: toBase64(aumSigHash(aum)),
    kind: aum.kind,
    parent: toBase64(aum.prevAumHash),
    valid: why === "",
    why,
  };
}

function authorizingKeyId(sig: NodeKeySignature): Uint8Array | null {
  try {
    return unverifiedAuthorizingKeyId(sig);
  } catch (error) {
    if (error instanceof TkaError) return null;
    throw error;
  }
}

export function answerNksDecode(body: Bytes): object {
  const sig = decodeNodeKeySignature(given(body.bytes));
  return {
    serialized: toBase64(encodeNodeKeySignature(sig)),
    sigHash: toBase64(nodeKeySigHash(sig)),
    kind: sig.kind,
    keyId: toBase64(authorizingKeyId(sig)),
    wrapping: toBase64(unverifiedWrappingKey(sig)),
    text: nodeKeySignatureText(sig),
  };
}

export function answerWeight(body: { aum: string; checkpoint: string }): object {
  const aum = decodeAum(given(body.aum));
  const { state } = decodeAum(given(body.checkpoint));
  if (state === null) throw new TkaError("invalid_argument", "the checkpoint carries no state");
  return { weight: signatureWeight(aum, state).toString() };
}

export function answerOfferParse(body: { head: string; ancestors: readonly string[] }): object {
  return parseSyncOffer(body.head, body.ancestors);
}

export function answerVerify(
  body: { rule: string; pub: string; msg: string; sig: string },
  ports: AnswerPorts,
): object {
  const rule = body.rule === "std" ? ports.verifier.standard : ports.verifier.zip215;
  return { ok: rule(given(body.pub), given(body.msg), given(body.sig)) };
}

export function answerKdf(body: { secret: string }, ports: AnswerPorts): object {
  return { value: toBase64(ports.kdf(given(body.secret))) };
}
