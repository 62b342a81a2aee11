/**
 * Credentials of the admin API as texts: API tokens `tskey-api-<tailnet><id>CNTRL-<secret>`, secrets of OAuth clients `tskey-client-…` and the access
 * tokens that these are given, `tskey-access-…`. As in an auth key the text carries the tailnet: nothing is looked up in common.
 */

import { ID_PATTERNS, SECRET_PATTERN } from "./ids.ts";

const KINDS = ["api", "client", "access"] as const;
export type CredentialKind = (typeof KINDS)[number];

const TEXT = new RegExp(
  `^tskey-(${KINDS.join("|")})-(${ID_PATTERNS.tailnet})(${ID_PATTERNS.key})CNTRL-(${SECRET_PATTERN})$`,
);

export interface CredentialParts {
  readonly kind: CredentialKind;
  readonly tailnet: string;
  readonly id: string;
  /** 32 letters or digits. A secret. */
  readonly secret: string;
}

/** Splits attacker-controlled text; null where it is no credential of ours. */
export function parseCredential(text: string): CredentialParts | null {
  const [, name, tailnet, id, secret] = TEXT.exec(text) ?? [];
  const kind = KINDS.find((each) => each === name);
  if (kind === undefined || tailnet === undefined || id === undefined || secret === undefined) return null;
  return { kind, tailnet, id, secret };
}

export function formatCredential({ kind, tailnet, id, secret }: CredentialParts): string {
  return `tskey-${kind}-${tailnet}${id}CNTRL-${secret}`;
}
