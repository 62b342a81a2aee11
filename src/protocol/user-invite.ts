/**
 * Invites of people into a tailnet: `<invite ID>-<secret>`. The ID ends with the tailnet's, so that whoever takes it finds its object without asking
 * anybody. The part before the dash is public.
 */

import { ID_PATTERNS, SECRET_PATTERN, tailnetOfId } from "./ids.ts";

const INVITE = new RegExp(`^(${ID_PATTERNS.userInvite})-(${SECRET_PATTERN})$`);

export interface UserInviteParts {
  readonly tailnet: string;
  readonly id: string;
  /** 32 letters or digits. A secret. */
  readonly secret: string;
}

/** Splits attacker-controlled text; null where it is no such invite of ours. */
export function parseUserInvite(text: string): UserInviteParts | null {
  const [, id = "", secret = ""] = INVITE.exec(text) ?? [];
  const tailnet = tailnetOfId("userInvite", id);
  return tailnet === null ? null : { tailnet, id, secret };
}

export function formatUserInvite({ id, secret }: Omit<UserInviteParts, "tailnet">): string {
  return `${id}-${secret}`;
}
