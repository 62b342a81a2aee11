/** Tokens that the Worker's configuration holds, against those that are given. */

import { isSecretOf, sha256 } from "../../durable/index.ts";

/** True if the attacker-controlled token is the configured one; none is, where that is not set. In constant time. */
export function isConfiguredToken(given: string, configured: string | undefined): boolean {
  return configured !== undefined && configured !== "" && isSecretOf(sha256(configured), given);
}
