/**
 * Auth keys: `tskey-auth-<tailnet><key id>CNTRL-<secret>`. The text carries the tailnet, so that a registration finds its object without
 * asking anybody. The part before the last dash is public, and is what the lock's metadata names.
 */

const PREFIX = "tskey-auth-";
const SUFFIX = "CNTRL";
const TAILNET = "T[0-9A-Za-z]{10}";
const KEY = "k[0-9A-Za-z]{10}";
const TAILNET_ID = new RegExp(`^${TAILNET}$`);
const AUTH_KEY = new RegExp(`^${PREFIX}(${TAILNET})(${KEY})${SUFFIX}-([0-9A-Za-z]{32})$`);

export interface AuthKeyParts {
  readonly tailnet: string;
  readonly keyId: string;
  /** 32 letters or digits. A secret. */
  readonly secret: string;
}

/** True for the ID of a tailnet. */
export function isTailnetId(text: string): boolean {
  return TAILNET_ID.test(text);
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
