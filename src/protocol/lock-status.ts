/**
 * What a node knows of its tailnet's lock. Source: Go's `ipnstate.TailnetLockStatus`. Between agent and command line it travels as JSON:
 * 64-bit numbers as decimal text there, bytes in base64.
 */

import { parseAumHash, parseNodeKey } from "../tka/index.ts";
import {
  boolean,
  bytes,
  dictionary,
  integer,
  jsonReplacer,
  list,
  optional,
  parsed,
  record,
  text,
  type Shape,
  type ShapeOf,
} from "./shape.ts";

const MAX_PEERS = 20_000;
const MAX_TRUSTED_KEYS = 4096;

/** An unsigned integer of 64 bits, as decimal text. */
const uint64: Shape<bigint> = parsed((digits) => {
  if (!/^\d{1,20}$/.test(digits)) throw new Error("not a number");
  return BigInt.asUintN(64, BigInt(digits));
});

const trustedKey = record({
  /** The kind in words. */
  Kind: text,
  /** 32 bytes. */
  Key: bytes,
  Metadata: optional(dictionary(text, MAX_TRUSTED_KEYS)),
  Votes: uint64,
});

const lockPeer = record({
  /** The fully qualified name, with a dot at the end. */
  Name: text,
  ID: integer,
  StableID: text,
  TailscaleIPs: list(text, 64),
  NodeKey: parsed(parseNodeKey),
  /** The encoded signature; empty where there is none. */
  NodeKeySignature: bytes,
});

/** For JSON.stringify: as the protocol's replacer, and 64-bit numbers become decimal text. */
export function lockStatusReplacer(name: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : jsonReplacer(name, value);
}

export const lockStatus = record({
  Enabled: boolean,
  Head: optional(parsed(parseAumHash)),
  /** The node's own lock key, 32 bytes, or null. */
  PublicKey: optional(bytes),
  NodeKey: optional(parsed(parseNodeKey)),
  NodeKeySigned: boolean,
  /** The node's own signature, encoded; null where the lock is off. */
  NodeKeySignature: optional(bytes),
  TrustedKeys: list(trustedKey, MAX_TRUSTED_KEYS),
  VisiblePeers: list(lockPeer, MAX_PEERS),
  FilteredPeers: list(lockPeer, MAX_PEERS),
  StateID: uint64,
});

export type LockStatus = ShapeOf<typeof lockStatus>;
export type TrustedKeyStatus = ShapeOf<typeof trustedKey>;
export type LockPeer = ShapeOf<typeof lockPeer>;
