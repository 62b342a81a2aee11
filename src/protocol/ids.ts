/**
 * IDs: a letter that says of what it is one, and ten letters or digits. One that Tailscale's routes name without a tailnet carries the ID of its
 * tailnet behind it, so that its object is found without asking anybody.
 */

const RANDOM = "[0-9A-Za-z]{10}";
const TAILNET = `T${RANDOM}`;
const SHARE = `s${RANDOM}`;

/** How IDs look, each as the source of a regular expression without its ends. */
export const ID_PATTERNS = {
  tailnet: TAILNET,
  key: `k${RANDOM}`,
  share: SHARE,
  delivery: `d${RANDOM}`,
  /** As devices were named before their IDs carried a tailnet. */
  shortDevice: `n${RANDOM}`,
  device: `n${RANDOM}${TAILNET}`,
  user: `u${RANDOM}${TAILNET}`,
  webhook: `w${RANDOM}${TAILNET}`,
  userInvite: `i${RANDOM}${TAILNET}`,
  /** The tailnet that shares, then the share. */
  invite: `${TAILNET}${SHARE}`,
} as const;

/** The secret of a key, a token or an invite, likewise. */
export const SECRET_PATTERN = "[0-9A-Za-z]{32}";

const TAILNET_ID_CHARS = 11;

function wholly(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

const OF_A_TAILNET = {
  device: wholly(ID_PATTERNS.device),
  user: wholly(ID_PATTERNS.user),
  webhook: wholly(ID_PATTERNS.webhook),
  userInvite: wholly(ID_PATTERNS.userInvite),
} as const;
const TAILNET_ID = wholly(ID_PATTERNS.tailnet);
const SHARE_ID = wholly(ID_PATTERNS.share);
const INVITE_ID = wholly(ID_PATTERNS.invite);

/** True for the ID of a tailnet. */
export function isTailnetId(text: string): boolean {
  return TAILNET_ID.test(text);
}

/** True for the ID of a share. */
export function isShareId(text: string): boolean {
  return SHARE_ID.test(text);
}

/** True for the ID of a user. */
export function isUserId(text: string): boolean {
  return OF_A_TAILNET.user.test(text);
}

/** The ID of the tailnet that the attacker-controlled ID of such a thing carries; null where it is no such ID. */
export function tailnetOfId(kind: keyof typeof OF_A_TAILNET, text: string): string | null {
  return OF_A_TAILNET[kind].test(text) ? text.slice(-TAILNET_ID_CHARS) : null;
}

/** Splits the attacker-controlled ID of an invite, as Tailscale's routes name one; null where it is none. */
export function parseInviteId(text: string): { readonly tailnet: string; readonly share: string } | null {
  if (!INVITE_ID.test(text)) return null;
  return { tailnet: text.slice(0, TAILNET_ID_CHARS), share: text.slice(TAILNET_ID_CHARS) };
}
