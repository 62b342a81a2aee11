/** Request keys: the host's verification with them, and the machine keys that follow from them [Q3]. */

import { createPublicKey, verify } from "node:crypto";
import { formatRequestKey, machineKeyOf, type MachineKey } from "../../protocol/index.ts";

/** What stands before the 32 bytes of an Ed25519 public key in its SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/** Machine keys of request keys that have signed well lately: working one out costs some 2 ms. */
const machineKeys = new Map<string, MachineKey>();
const KEPT_MACHINE_KEYS = 4096;

/** The machine key of a request key whose signature has been verified. */
export function machineKeyFor(requestKey: Uint8Array): MachineKey {
  const id = formatRequestKey(requestKey);
  const known = machineKeys.get(id);
  if (known !== undefined) return known;
  if (machineKeys.size >= KEPT_MACHINE_KEYS) machineKeys.clear();
  const machineKey = machineKeyOf(requestKey);
  machineKeys.set(id, machineKey);
  return machineKey;
}

/** True if the attacker-controlled key (32 bytes) has made the attacker-controlled signature; a key or signature that the host refuses has not. */
export function verifyWith(requestKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  const spki = new Uint8Array(SPKI_PREFIX.length + requestKey.length);
  spki.set(SPKI_PREFIX);
  spki.set(requestKey, SPKI_PREFIX.length);
  try {
    // Node's types name only Buffer; workerd takes any array of bytes.
    return verify(null, data, createPublicKey({ key: spki as Buffer, format: "der", type: "spki" }), signature);
  } catch {
    return false;
  }
}
