/** Ours answering the oracle's questions about texts, and about what makes signatures. */

import {
  decodeNodeKeySignature,
  encodeHex,
  encodeNodeKeySignature,
  formatLockKey,
  formatLockKeyJson,
  formatLockPrivateKey,
  hashToBytes,
  isWrapped,
  nodeKeyToRaw,
  parseAumHash,
  parseHexKey,
  parseLockKey,
  parseLockPrivateKey,
  parseNodeKey,
  parseWrappedAuthKey,
  rotateSignature,
  signByCredential,
  TkaError,
} from "../../src/tka/index.ts";
import { fromBase64, toBase64, type AnswerPorts } from "./answer-ports.ts";

function hexKey(text: string, prefix: string): object {
  const bytes = parseHexKey(text, prefix);
  return { bytes: toBase64(bytes), canonical: `${prefix}${encodeHex(bytes)}` };
}

function lockKey(text: string): object {
  const bytes = parseLockKey(text);
  return { bytes: toBase64(bytes), canonical: formatLockKeyJson(bytes), cli: formatLockKey(bytes) };
}

export function answerTextParse({ kind, text }: { kind: string; text: string }): object {
  switch (kind) {
    case "nodekey": {
      const key = parseNodeKey(text);
      return { bytes: toBase64(nodeKeyToRaw(key)), canonical: key };
    }
    case "mkey":
    case "discokey":
      return hexKey(text, `${kind}:`);
    case "nlpub":
      return lockKey(text);
    case "nlpriv": {
      const bytes = parseLockPrivateKey(text);
      return { bytes: toBase64(bytes), canonical: formatLockPrivateKey(bytes) };
    }
    case "aumhash": {
      const hash = parseAumHash(text);
      return { bytes: toBase64(hashToBytes(hash)), canonical: hash };
    }
    default:
      throw new TkaError("invalid_argument", `no such kind of text: ${kind}`);
  }
}

export function answerWrappedDecode({ text }: { text: string }): object {
  const parsed = parseWrappedAuthKey(text);
  if (parsed === null) return { authKey: text, isWrapped: false, sig: null, priv: null };
  const sig = toBase64(encodeNodeKeySignature(parsed.credential));
  return { authKey: parsed.authKey, isWrapped: isWrapped(text), sig, priv: toBase64(parsed.privateKey) };
}

export function answerResign(body: { priv: string; nodeKey: string; old: string }, ports: AnswerPorts): object {
  const signer = ports.signer(parseLockPrivateKey(body.priv));
  return { sig: toBase64(rotateSignature(fromBase64(body.old), parseNodeKey(body.nodeKey), signer)) };
}

/** Ours names a lock key besides, which Go does not: the throw-away key itself stands in for it here. */
export function answerSignByCredential(
  body: { priv: string; wrapped: string; nodeKey: string },
  ports: AnswerPorts,
): object {
  const credential = decodeNodeKeySignature(fromBase64(body.wrapped));
  const privateKey = fromBase64(body.priv);
  if (privateKey.length !== 64) throw new TkaError("invalid_argument", "a private key that is not 64 bytes long");
  const throwAway = ports.signer(privateKey);
  return { sig: toBase64(signByCredential(credential, throwAway, parseNodeKey(body.nodeKey), throwAway.publicKey)) };
}
