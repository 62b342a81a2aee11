/**
 * The control plane's own key pair, by which a client knows whom it speaks to: X25519, in Go's text forms. The private half is a secret of the
 * deployment; the public half is what `GET /key` answers.
 *
 * Rule [T7]: `GET /key?v=N` answers `{ legacyPublicKey, publicKey }`, both `mkey:` and 64 hex digits. The legacy key is zero: a client without Noise
 *            finds nobody here.
 */

import { parseHexKey } from "../tka/index.ts";
import { machineKeyFromRaw, type MachineKey } from "./machine-key.ts";
import type { NoiseCrypto } from "./noise-crypto.ts";

const PRIVATE_KEY = "privkey:";
const NO_KEY = machineKeyFromRaw(new Uint8Array(32));

export const KEY_PATH = "/key";
export const TS2021_PATH = "/ts2021";
/** The native upgrade, and the subprotocol of the WebSocket. */
export const CONTROL_SUBPROTOCOL = "tailscale-control-protocol";
/** The initiation in base64: a header of the native upgrade, a parameter of the WebSocket's. */
export const HANDSHAKE_FIELD = "X-Tailscale-Handshake";

/** The 32 bytes of `privkey:<64 hex digits>`. Throws TkaError `malformed_text`, never repeating the text. */
export function parseControlKey(text: string): Uint8Array {
  return parseHexKey(text, PRIVATE_KEY);
}

/** The public half, in the text form that clients and bridges are given. */
export function controlPublicKey(privateKey: Uint8Array, crypto: NoiseCrypto): MachineKey {
  return machineKeyFromRaw(crypto.publicKeyOf(privateKey));
}

/** The answer of `GET /key` [T7]. */
export interface ControlKeyResponse {
  readonly legacyPublicKey: MachineKey;
  readonly publicKey: MachineKey;
}

export function controlKeyResponse(publicKey: MachineKey): ControlKeyResponse {
  return { legacyPublicKey: NO_KEY, publicKey };
}
