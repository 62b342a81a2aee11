/**
 * Invites to a shared node: `tailward-share-<tailnet><share id>-<secret>`. The text carries the tailnet that shares, so that whoever accepts
 * finds its object without asking anybody. The part before the last dash is public.
 */

import { ID_PATTERNS, SECRET_PATTERN } from "./ids.ts";

const PREFIX = "tailward-share-";
const INVITE = new RegExp(`^${PREFIX}(${ID_PATTERNS.tailnet})(${ID_PATTERNS.share})-(${SECRET_PATTERN})$`);

export interface ShareInviteParts {
  readonly tailnet: string;
  readonly share: string;
  /** 32 letters or digits. A secret. */
  readonly secret: string;
}

/** Splits attacker-controlled text; null where it is no invite of ours. */
export function parseShareInvite(text: string): ShareInviteParts | null {
  const match = INVITE.exec(text);
  if (match === null) return null;
  const [, tailnet = "", share = "", secret = ""] = match;
  return { tailnet, share, secret };
}

export function formatShareInvite({ tailnet, share, secret }: ShareInviteParts): string {
  return `${PREFIX}${tailnet}${share}-${secret}`;
}
