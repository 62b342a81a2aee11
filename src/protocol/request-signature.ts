/**
 * How nodes that poll HTTPS sign their requests: HTTP Message Signatures (RFC 9421) with Ed25519, over method, authority, path and a
 * digest of the body (RFC 9530).
 *
 * Rule [Q1]: every request is a POST with a body, or the GET without one that opens a node's WebSocket, and carries exactly one signature with
 *            these components and parameters.
 * Rule [Q2]: a signature is good from `created` until `expires`, at most MAX_LIFETIME_S apart, and for one request: its nonce is kept until then.
 * Rule [Q3]: the key ID is the request key; the machine key follows from it (machine-key.ts).
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { encodeBase64 } from "./base64.ts";

export const SIGNATURE_LABEL = "tailward";
export const SIGNATURE_ALGORITHM = "ed25519";
export const SIGNATURE_TAG = "tailward-node";
export const SIGNED_COMPONENTS = ["@method", "@authority", "@path", "content-digest"] as const;
export const SIGNED_PARAMETERS = ["created", "expires", "nonce", "alg", "keyid", "tag"] as const;

/** Seconds for which a node's signature is good: enough for a slow uplink. */
export const SIGNATURE_LIFETIME_S = 60;
/** Seconds that a server allows between `created` and `expires`: bounds how long nonces are kept. */
export const MAX_LIFETIME_S = 300;
/** Seconds that a node's clock may be ahead of the server's. */
export const CLOCK_SKEW_S = 30;
/** Characters of a nonce, at least and at most; nodes send 32 hex digits. */
export const NONCE_LENGTH = { least: 16, most: 64 } as const;

/** The Content-Digest field of a body. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${encodeBase64(sha256(body))}:`;
}
