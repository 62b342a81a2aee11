/**
 * Auth keys: `tskey-auth-<tailnet><key id>CNTRL-<secret>`. The text carries the tailnet, so that a registration finds its object without
 * asking anybody. The part before the last dash is public, and is what the lock's metadata names.
 */

const PREFIX = "tskey-auth-";
const SUFFIX = "CNTRL";
/** Characters of a tailnet's ID: "T" and ten letters or digits. */
export const TAILNET_ID_LENGTH = 11;
/** Characters of an auth key's ID: "k" and ten letters or digits. */
export const KEY_ID_LENGTH = 11;
const SHAPE = new RegExp(
  `^${PREFIX}(T[0-9A-Za-z]{${TAILNET_ID_LENGTH - 1}})(k[0-9A-Za-z]{${KEY_ID_LENGTH - 1}})${SUFFIX}-([0-9A-Za-z]{32})$`,
);

export interface AuthKeyParts {
  readonly tailnet: string;
  readonly keyId: string;
  /** 32 letters or digits. A secret. */
  readonly secret: string;
}

/** True for the ID of a tailnet. */
export function isTailnetId(text: string): boolean {
  return /^T[0-9A-Za-z]{10}$/.test(text);
}

/** Splits attacker-controlled text; null where it is no auth key of ours. */
export function parseAuthKey(text: string): AuthKeyParts | null {
  const match = SHAPE.exec(text);
  if (match === null) return null;
  const [, tailnet = "", keyId = "", secret = ""] = match;
  return { tailnet, keyId, secret };
}

export function formatAuthKey({ tailnet, keyId, secret }: AuthKeyParts): string {
  return `${PREFIX}${tailnet}${keyId}${SUFFIX}-${secret}`;
}
