/**
 * The header by which a receiver knows that a message is ours: `Tailscale-Webhook-Signature: t=<seconds>,v1=<hex>`, HMAC-SHA256 over the seconds, a full
 * stop and the body, keyed by the text of the secret. While a rotation overlaps there is a `v1` of each secret. Source: Tailscale's documentation of
 * webhooks and its example of a consumer.
 */

import { encodeHex } from "../../tka/index.ts";

export const SIGNATURE_HEADER = "Tailscale-Webhook-Signature";

const utf8 = new TextEncoder();
const HMAC = { name: "HMAC", hash: "SHA-256" };

async function signature(secret: string, signed: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", utf8.encode(secret), HMAC, false, ["sign"]);
  return encodeHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8.encode(signed))));
}

/** The header's value, by each of the secrets. `now` in milliseconds since the epoch. */
export async function signatureHeader(secrets: readonly string[], body: string, now: number): Promise<string> {
  const seconds = Math.floor(now / 1000);
  const signatures = await Promise.all(secrets.map((secret) => signature(secret, `${seconds}.${body}`)));
  return [`t=${seconds}`, ...signatures.map((each) => `v1=${each}`)].join(",");
}
