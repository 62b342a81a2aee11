/**
 * Sealing a support secret, before the transaction that stores it: HPKE (RFC 9180), DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
 * The key is the operator's; whoever holds the control plane holds its public half alone.
 *
 * Rule [U4]: the secret itself is stored nowhere, logged nowhere, and in no event; where it cannot be sealed, it is refused.
 */

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { MAX_SECRET_BYTES, parseSupportKey, supportBinding } from "../../protocol/index.ts";
import { aumHash, decodeAum, type AumHash } from "../../tka/index.ts";
import type { ObjectsEnv } from "../env.ts";
import { log } from "../log.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** A secret that was sealed for one genesis. */
export interface SupportBox {
  readonly genesis: AumHash;
  /** The public key that it is sealed to; 32 bytes. */
  readonly supportKey: Uint8Array;
  /** The encapsulated key, then the ciphertext. */
  readonly box: Uint8Array;
}

/** The configured support key, or null where there is none that could be one. */
export function supportKeyOf({ SUPPORT_PUBLIC_KEY: given = "" }: ObjectsEnv): Uint8Array | null {
  if (given === "") return null;
  const key = parseSupportKey(given.trim());
  if (key === null) log.warn("SUPPORT_PUBLIC_KEY is neither supportpub:<64 hex digits> nor 32 bytes in base64");
  return key;
}

async function seal(supportKey: Uint8Array, info: Uint8Array, secret: Uint8Array): Promise<Uint8Array> {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const recipientPublicKey = await suite.kem.deserializePublicKey(supportKey);
  const { enc, ct } = await suite.seal({ recipientPublicKey, info }, secret);
  const box = new Uint8Array(enc.byteLength + ct.byteLength);
  box.set(new Uint8Array(enc));
  box.set(new Uint8Array(ct), enc.byteLength);
  return box;
}

/** The genesis that waits for its finish, as far as it can be told outside of a transaction. */
function pendingGenesis(tailnet: Tailnet): AumHash | null {
  if (tailnet.find() === null) return null;
  const row = tailnet.store.row("SELECT genesis FROM pending_init");
  return row === null ? null : aumHash(decodeAum(row.bytes("genesis")));
}

/** Seals the attacker-controlled secret for the genesis that is pending; null where there is none, no key, or no secret of a fit size. */
export async function sealForPending(
  tailnet: Tailnet,
  env: ObjectsEnv,
  secret: Uint8Array,
): Promise<SupportBox | null> {
  if (secret.length === 0 || secret.length > MAX_SECRET_BYTES) return null;
  const supportKey = supportKeyOf(env);
  const genesis = supportKey === null ? null : pendingGenesis(tailnet);
  if (supportKey === null || genesis === null) return null;
  try {
    const box = await seal(supportKey, supportBinding(tailnet.info().id, genesis), secret);
    return { genesis, supportKey, box };
  } catch {
    // A point of small order has no shared secret: the configuration is wrong, and the error says nothing that helps.
    log.warn("SUPPORT_PUBLIC_KEY is not a key that anything can be sealed to");
    return null;
  }
}
