/**
 * Auth keys: `tskey-auth-<tailnet><key id>CNTRL-<secret>`. The text carries the tailnet, so that a registration finds its object without
 * asking anybody. The part before the last dash is public, and is what the lock's metadata names.
 */

import { ID_PATTERNS, SECRET_PATTERN } from "./ids.ts";

const PREFIX = "tskey-auth-";
const SUFFIX = "CNTRL";
const AUTH_KEY = new RegExp(`^${PREFIX}(${ID_PATTERNS.tailnet})(${ID_PATTERNS.key})${SUFFIX}-(${SECRET_PATTERN})$`);

export interface AuthKeyParts {
  readonly tailnet: string;
  readonly keyId: string;
  /** 32 letters or digits. A secret. */
  readonly secret: string;
}

/** Splits attacker-controlled text; null where it is no auth key of ours. */
export function parseAuthKey(text: string): AuthKeyParts | null {
  const match = AUTH_KEY.exec(text);
  if (match === null) return null;
  const [, tailnet = "", keyId = "", secret = ""] = match;
  return { tailnet, keyId, secret };
}

export function formatAuthKey({ tailnet, keyId, secret }: AuthKeyParts): string {
  return `${PREFIX}${tailnet}${keyId}${SUFFIX}-${secret}`;
}
