/**
 * Invites to a shared node: `tailward-share-<tailnet><share id>-<secret>`. The text carries the tailnet that shares, so that whoever accepts
 * finds its object without asking anybody. The part before the last dash is public.
 */

const PREFIX = "tailward-share-";
const SHARE = "s[0-9A-Za-z]{10}";
const INVITE = new RegExp(`^${PREFIX}(T[0-9A-Za-z]{10})(${SHARE})-([0-9A-Za-z]{32})$`);
const INVITE_ID = new RegExp(`^(T[0-9A-Za-z]{10})(${SHARE})$`);
const SHARE_ID = new RegExp(`^${SHARE}$`);

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

/** An invite's ID in Tailscale's routes, which name no tailnet: the tailnet that shares, then the share. */
export function parseInviteId(text: string): { readonly tailnet: string; readonly share: string } | null {
  const match = INVITE_ID.exec(text);
  return match === null ? null : { tailnet: match[1] ?? "", share: match[2] ?? "" };
}

/** True for the ID of a share. */
export function isShareId(text: string): boolean {
  return SHARE_ID.test(text);
}
