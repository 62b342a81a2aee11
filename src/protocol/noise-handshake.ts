/**
 * The responder's half of the control protocol's handshake: Noise IK, one message each way. Pure; source: Go's control/controlbase.
 *
 * Rule [T2]: an initiation has 101 bytes: version (2, big endian), type 1, length 96 (2), the ephemeral key (32), the machine key sealed (48), a tag
 *            (16). The prologue is "Tailscale Control Protocol v" and the version in decimal digits.
 * Rule [T3]: a response has 51 bytes: type 2, length 48 (2), the ephemeral key (32), a tag (16).
 *
 * An initiation proves that somebody once made it with the machine's key, and may come again from whoever saw it: it says where to route a connection.
 * The machine itself is proven by the first record that opens.
 */

import { concatBytes, encodeUtf8 } from "../tka/index.ts";
import { machineKeyFromRaw, type MachineKey } from "./machine-key.ts";
import { NOISE_KEY_BYTES, NOISE_TAG_BYTES, NoiseError, type NoiseCrypto } from "./noise-crypto.ts";
import type { NoiseState } from "./noise-state.ts";
import { NoiseSymmetric } from "./noise-symmetric.ts";

const TYPE_INITIATION = 1;
const TYPE_RESPONSE = 2;
const HEADER_BYTES = 5;
const EPHEMERAL_END = HEADER_BYTES + NOISE_KEY_BYTES;
const MACHINE_END = EPHEMERAL_END + NOISE_KEY_BYTES + NOISE_TAG_BYTES;
export const INITIATION_BYTES = MACHINE_END + NOISE_TAG_BYTES;
const NONE = new Uint8Array(0);

export interface HandshakeAnswer {
  /** The 51 bytes that go to the client before all records. */
  readonly response: Uint8Array;
  readonly state: NoiseState;
}

export interface OpenedInitiation {
  /** The client's capability version. */
  readonly version: number;
  readonly machineKey: MachineKey;
  /** Makes the answer, once: a fresh ephemeral key goes into it. */
  respond(): Promise<HandshakeAnswer>;
}

/** What stands before both keys in the handshake's hash. */
export function noisePrologue(version: number): Uint8Array {
  return encodeUtf8(`Tailscale Control Protocol v${version}`);
}

/** The version of an attacker-controlled initiation. Throws NoiseError where its outer form is wrong [T2]. */
function versionOf(message: Uint8Array): number {
  if (message.length !== INITIATION_BYTES)
    throw new NoiseError("malformed_initiation", `a handshake initiation has ${INITIATION_BYTES} bytes`);
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  if (view.getUint8(2) !== TYPE_INITIATION || view.getUint16(3) !== INITIATION_BYTES - HEADER_BYTES)
    throw new NoiseError("malformed_initiation", "the message is no handshake initiation");
  return view.getUint16(0);
}

/** Opens an attacker-controlled initiation with the control's private key of 32 bytes. Throws NoiseError. */
export async function openInitiation(
  message: Uint8Array,
  control: Uint8Array,
  crypto: NoiseCrypto,
): Promise<OpenedInitiation> {
  const version = versionOf(message);
  const ephemeral = message.slice(HEADER_BYTES, EPHEMERAL_END);
  const symmetric = new NoiseSymmetric(crypto);
  symmetric.mixHash(noisePrologue(version));
  symmetric.mixHash(crypto.publicKeyOf(control));
  symmetric.mixHash(ephemeral);
  const keyOfMachineKey = await symmetric.mixAgreement(control, ephemeral);
  const machine = symmetric.openAndHash(keyOfMachineKey, message.subarray(EPHEMERAL_END, MACHINE_END));
  const keyOfTag = await symmetric.mixAgreement(control, machine);
  symmetric.openAndHash(keyOfTag, message.subarray(MACHINE_END));
  let isAnswered = false;
  return {
    version,
    machineKey: machineKeyFromRaw(machine),
    respond: async () => {
      if (isAnswered) throw new NoiseError("broken", "the handshake has been answered");
      isAnswered = true;
      return await respond(symmetric, ephemeral, machine, crypto);
    },
  };
}

async function respond(
  symmetric: NoiseSymmetric,
  initiatorEphemeral: Uint8Array,
  machine: Uint8Array,
  crypto: NoiseCrypto,
): Promise<HandshakeAnswer> {
  const ephemeral = crypto.newKeyPair();
  symmetric.mixHash(ephemeral.publicKey);
  await symmetric.mixAgreement(ephemeral.privateKey, initiatorEphemeral);
  const key = await symmetric.mixAgreement(ephemeral.privateKey, machine);
  const tag = symmetric.sealAndHash(key, NONE);
  const [rxKey, txKey] = symmetric.split();
  const header = Uint8Array.of(TYPE_RESPONSE, 0, NOISE_KEY_BYTES + NOISE_TAG_BYTES);
  return {
    response: concatBytes(header, ephemeral.publicKey, tag),
    state: { rxKey, rxNonce: 0, txKey, txNonce: 0, partial: NONE },
  };
}
