/** Node-key signatures and node keys as people see them. Sources: Go's `NodeKeySignature.String` and `NodePublic.ShortString`. */

import {
  formatLockKey,
  nodeKeyFromBinary,
  nodeKeyToRaw,
  signatureKindText,
  type NodeKeySignature,
} from "../tka/index.ts";
import { encodeBase64 } from "./base64.ts";

const LOCK_KEY_BYTES = 32;
/** Bytes of a node key's binary form: "np", then the key. */
const BINARY_NODE_KEY_BYTES = 34;

/** The first characters of a node key's base64 in brackets, or nothing for the zero key. */
function shortNodeKey(raw: Uint8Array): string {
  return raw.every((byte) => byte === 0) ? "" : `[${encodeBase64(raw.subarray(0, 4)).slice(0, 5)}]`;
}

/** A lock key of attacker-controlled length as text: filled with zeros or cut to 32 bytes, as Go copies it into an array. */
function lockKeyText(publicKey: Uint8Array): string {
  const whole = new Uint8Array(LOCK_KEY_BYTES);
  whole.set(publicKey.subarray(0, LOCK_KEY_BYTES));
  return formatLockKey(whole);
}

function binaryNodeKeyText(binary: Uint8Array): string {
  if (binary[0] !== 0x6e || binary[1] !== 0x70) return "<error: missing/incorrect type prefix np>";
  if (binary.length !== BINARY_NODE_KEY_BYTES)
    return `<error: incorrect len for NodePublic (${binary.length} != ${BINARY_NODE_KEY_BYTES})>`;
  return shortNodeKey(nodeKeyToRaw(nodeKeyFromBinary(binary)));
}

function given(bytes: Uint8Array | null): bytes is Uint8Array {
  return bytes !== null && bytes.length > 0;
}

function linesOf(sig: NodeKeySignature): string[] {
  const lines = [`SigKind: ${signatureKindText(sig.kind)}`];
  if (given(sig.pubkey)) lines.push(`Pubkey: ${binaryNodeKeyText(sig.pubkey)}`);
  if (given(sig.keyId)) lines.push(`KeyID: ${lockKeyText(sig.keyId)}`);
  if (given(sig.wrappingPubkey)) lines.push(`WrappingPubkey: ${lockKeyText(sig.wrappingPubkey)}`);
  if (sig.nested !== null) lines.push("Nested:", ...linesOf(sig.nested).map((line) => `  ${line}`));
  return lines;
}

/** The layers of a signature, each indented two spaces more than the one around it. Nothing here is proven. */
export function nodeKeySignatureText(sig: NodeKeySignature): string {
  return linesOf(sig).join("\n").trimEnd();
}
