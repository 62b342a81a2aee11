/**
 * The text forms of keys: a prefix and hex. Upper-case hex is read, lower-case is written; prefixes are exact.
 * Source: Go's `types/key` (parseHex, NLPublic, NodePublic).
 */

import { concatBytes } from "./bytes.ts";
import { TkaError } from "./errors.ts";
import { KEY_LENGTH } from "./limits.ts";
import { decodeHex, encodeHex } from "./text-encodings.ts";

declare const brand: unique symbol;

/** A node key (a WireGuard public key) in its text form, `nodekey:` and 64 hex digits. */
export type NodeKey = string & { readonly [brand]: "NodeKey" };

const NODE_KEY = "nodekey:";
/** How tailnet lock keys are shown to people. */
const LOCK_KEY_CLI = "tlpub:";
/** How tailnet lock keys are written in JSON. */
const LOCK_KEY = "nlpub:";
const LOCK_PRIVATE_KEY = "nlpriv:";
/** Bytes of a private Ed25519 key: the seed, then the public key. */
const PRIVATE_KEY_LENGTH = 64;
/** What stands before the 32 bytes of a node key in its binary form: "np". */
const BINARY_PREFIX = Uint8Array.of(0x6e, 0x70);

/** Parses attacker-controlled text of `length` bytes after `prefix`. Throws `malformed_text`, never repeating the text: it may be a secret. */
export function parseHexKey(text: string, prefix: string, length = KEY_LENGTH): Uint8Array {
  const bytes = text.startsWith(prefix) ? decodeHex(text.slice(prefix.length)) : null;
  if (bytes?.length !== length)
    throw new TkaError("malformed_text", `not a key of the form ${prefix}<${length * 2} hex digits>`);
  return bytes;
}

/** Parses `nodekey:…` into its canonical text. Throws `malformed_text`. */
export function parseNodeKey(text: string): NodeKey {
  return nodeKeyFromRaw(parseHexKey(text, NODE_KEY));
}

/** The node key of 32 raw bytes. */
export function nodeKeyFromRaw(raw: Uint8Array): NodeKey {
  return `${NODE_KEY}${encodeHex(raw)}` as NodeKey;
}

/** The 32 raw bytes of a node key. */
export function nodeKeyToRaw(nodeKey: NodeKey): Uint8Array {
  return parseHexKey(nodeKey, NODE_KEY);
}

/** The binary form, as signatures carry it: "np" and 32 bytes. */
export function nodeKeyToBinary(nodeKey: NodeKey): Uint8Array {
  return concatBytes(BINARY_PREFIX, nodeKeyToRaw(nodeKey));
}

/** Throws `malformed_text` unless the attacker-controlled bytes are the binary form of a node key. */
export function checkNodeKeyBinary(binary: Uint8Array): void {
  if (binary.length !== BINARY_PREFIX.length + KEY_LENGTH || BINARY_PREFIX.some((byte, i) => binary[i] !== byte))
    throw new TkaError("malformed_text", "not the binary form of a node key");
}

/** The node key of an attacker-controlled binary form. Throws `malformed_text`. */
export function nodeKeyFromBinary(binary: Uint8Array): NodeKey {
  checkNodeKeyBinary(binary);
  return nodeKeyFromRaw(binary.subarray(BINARY_PREFIX.length));
}

/** Parses `tlpub:…` or `nlpub:…` into 32 bytes. Throws `malformed_text`. */
export function parseLockKey(text: string): Uint8Array {
  return text.startsWith(LOCK_KEY) ? parseHexKey(text, LOCK_KEY) : parseHexKey(text, LOCK_KEY_CLI);
}

/** `tlpub:…`: for people, and whatever they copy. */
export function formatLockKey(publicKey: Uint8Array): string {
  return `${LOCK_KEY_CLI}${encodeHex(publicKey)}`;
}

/** `nlpub:…`: for the control protocol. */
export function formatLockKeyJson(publicKey: Uint8Array): string {
  return `${LOCK_KEY}${encodeHex(publicKey)}`;
}

/** Parses `nlpriv:…` into 64 bytes: the seed, then the public key. Throws `malformed_text`. */
export function parseLockPrivateKey(text: string): Uint8Array {
  return parseHexKey(text, LOCK_PRIVATE_KEY, PRIVATE_KEY_LENGTH);
}

/** `nlpriv:…`. A secret. */
export function formatLockPrivateKey(privateKey: Uint8Array): string {
  return `${LOCK_PRIVATE_KEY}${encodeHex(privateKey)}`;
}
