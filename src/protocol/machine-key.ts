/**
 * The keys by which a machine is known. A Tailscale client proves its machine key (X25519) in the Noise handshake. A node that polls HTTPS
 * signs requests with an Ed25519 request key, and its machine key is the same point on the Montgomery curve: so the binding of the two
 * needs nobody's word, and nobody can register another's machine key (docs/decisions/).
 */

import { Point } from "@noble/ed25519";
import { TkaError, encodeHex, parseHexKey } from "../tka/index.ts";

declare const brand: unique symbol;

/** A machine key in its text form, `mkey:` and 64 hex digits. */
export type MachineKey = string & { readonly [brand]: "MachineKey" };

const MACHINE_KEY = "mkey:";
const REQUEST_KEY = "reqkey:";
const FIELD = Point.CURVE().p;

/** Parses `mkey:…` into its canonical text. Throws TkaError `malformed_text`. */
export function parseMachineKey(text: string): MachineKey {
  return machineKeyFromRaw(parseHexKey(text, MACHINE_KEY));
}

/** The machine key of 32 raw bytes. */
export function machineKeyFromRaw(raw: Uint8Array): MachineKey {
  return `${MACHINE_KEY}${encodeHex(raw)}` as MachineKey;
}

/** `reqkey:…`: the key ID of request signatures. */
export function formatRequestKey(publicKey: Uint8Array): string {
  return `${REQUEST_KEY}${encodeHex(publicKey)}`;
}

/** Parses `reqkey:…` into the 32 bytes of an Ed25519 public key. Throws TkaError `malformed_text`. */
export function parseRequestKey(text: string): Uint8Array {
  return parseHexKey(text, REQUEST_KEY);
}

function inverse(value: bigint): bigint {
  let result = 1n;
  let base = value % FIELD;
  for (let exponent = FIELD - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % FIELD;
    base = (base * base) % FIELD;
  }
  return result;
}

/**
 * The machine key that belongs to a request key: u = (1 + y) / (1 - y), RFC 7748 section 4.1.
 * Throws TkaError `malformed_text` where the attacker-controlled bytes are no point of the prime-order group, canonically encoded.
 */
export function machineKeyOf(requestKey: Uint8Array): MachineKey {
  let point: Point;
  try {
    point = Point.fromBytes(requestKey);
  } catch {
    throw new TkaError("malformed_text", "the request key is not an Ed25519 public key");
  }
  if (point.isSmallOrder() || !point.isTorsionFree())
    throw new TkaError("malformed_text", "the request key is not an Ed25519 public key");
  const { y } = point.toAffine();
  let u = ((1n + y) * inverse(FIELD + 1n - y)) % FIELD;
  const raw = new Uint8Array(32);
  for (let i = 0; i < raw.length; i++, u >>= 8n) raw[i] = Number(u & 0xffn);
  return machineKeyFromRaw(raw);
}
