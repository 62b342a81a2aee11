/** The token that a request brings along, and those that the Worker's configuration holds. */

import { isSecretOf, sha256 } from "../durable/index.ts";
import { decodeBase64 } from "../protocol/index.ts";

/** The token of an attacker-controlled `Authorization` header: a bearer's, or, as Tailscale's own client sends it, a user name without password. */
export function tokenOf(header: string): string | null {
  const bearer = /^Bearer ([\x21-\x7e]{1,512})$/.exec(header)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^Basic ([0-9A-Za-z+/=]{1,1024})$/.exec(header)?.[1];
  const bytes = basic === undefined ? null : decodeBase64(basic);
  return bytes === null ? null : (/^([\x21-\x39\x3b-\x7e]+):$/.exec(new TextDecoder().decode(bytes))?.[1] ?? null);
}

/** True if the attacker-controlled token is the configured one; none is, where that is not set. In constant time. */
export function isConfiguredToken(given: string, configured: string | undefined): boolean {
  return configured !== undefined && configured !== "" && isSecretOf(sha256(configured), given);
}
