/**
 * The admin API for invites of people, with Tailscale's names: `/api/v2/tailnet/{tailnet}/user-invites` and `/api/v2/user-invites/{userInviteId}`. The invite
 * itself is a secret: it is in the answer that makes it, alone. No mail is sent: the URL is passed on by hand.
 */

import { z } from "zod";
import type { UserInvite } from "../../durable/index.ts";
import { ROLES, timeJson, type Outcome } from "../../protocol/index.ts";
import { inviteUrl } from "../people/invites.ts";
import { asksProvider } from "../people/oidc.ts";
import { nothing, noValue, tailnetRoute, time, type AdminRoute } from "./route.ts";
import { orZero } from "./shapes.ts";

/** Invites made by one request. */
const MOST_AT_ONCE = 50;

const role = z.enum(ROLES).exclude(["owner"]);

const createBody = z
  .array(z.object({ role: orZero(role, "member"), email: orZero(z.string().max(320), "") }))
  .min(1)
  .max(MOST_AT_ONCE);

/** As Tailscale's, whose IDs of tailnets and users are numbers; `created` and `expires` are ours. `lastEmailSentAt` never comes: there is no mail. */
const userInvite = z
  .object({
    id: z.string(),
    role: z.enum(ROLES),
    tailnetId: z.string(),
    inviterId: z.string().meta({ description: "empty for the operator" }),
    email: z.string().optional().meta({ description: "whose alone it is" }),
    inviteUrl: z
      .string()
      .optional()
      .meta({ description: "a secret; in the answer that makes the invite, and in no other" }),
    warning: z.string().optional().meta({ description: "why nobody can accept it as things are" }),
    created: time,
    expires: time,
  })
  .meta({ id: "UserInvite" });

function inviteJson(invite: UserInvite, tailnet: string, url: string | null = null): z.input<typeof userInvite> {
  const { id, email, inviter, created, expires } = invite;
  return {
    id,
    role: invite.role,
    tailnetId: tailnet,
    inviterId: inviter ?? "",
    ...(email === "" ? {} : { email }),
    ...(url === null ? {} : { inviteUrl: url }),
    created: timeJson(created),
    expires: timeJson(expires),
  };
}

const INVITES = "/api/v2/tailnet/:tailnet/user-invites";
const INVITE = "/api/v2/user-invites/:userInviteId";
const NO_PROVIDER =
  "this control plane asks no OpenID provider (OIDC_ISSUER), and only somebody who signs in by one can accept an invite";
const NO_MAIL = "no mail is sent from here: delete the invite, make another, and pass its URL on yourself";

export const USER_INVITE_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "POST",
    path: INVITES,
    act: "user_invite.create",
    summary: "Invites people, all or none; each invite's URL is in this answer alone, and no mail is sent",
    body: createBody,
    answer: z.array(userInvite),
    call: ({ authority, by, body }) => authority.createUserInvites(by, body),
    format: (made, { c, tailnet }) =>
      made.map(({ invite, text }) => ({
        ...inviteJson(invite, tailnet, inviteUrl(c, text)),
        ...(asksProvider(c.env) ? {} : { warning: NO_PROVIDER }),
      })),
  }),
  tailnetRoute({
    method: "GET",
    path: INVITES,
    act: "user_invite.read",
    summary: "The open invites of people",
    answer: z.array(userInvite),
    call: ({ authority }) => authority.userInvites(),
    format: (invites, { tailnet }) => invites.map((invite) => inviteJson(invite, tailnet)),
  }),
  tailnetRoute({
    method: "GET",
    path: INVITE,
    act: "user_invite.read",
    summary: "An open invite of a person",
    answer: userInvite,
    call: ({ authority, param }) => authority.userInvite(param("userInviteId")),
    format: (invite, { tailnet }) => inviteJson(invite, tailnet),
  }),
  tailnetRoute({
    method: "DELETE",
    path: INVITE,
    act: "user_invite.delete",
    summary: "Withdraws an invite of a person that is open",
    answer: nothing,
    call: ({ authority, by, param }) => authority.withdrawUserInvite(by, param("userInviteId")),
    format: noValue,
  }),
  tailnetRoute({
    method: "POST",
    path: `${INVITE}/resend`,
    act: "user_invite.create",
    summary: `Refused: ${NO_MAIL}`,
    isRefused: true,
    statuses: [422],
    answer: nothing,
    call: (): Promise<Outcome<never>> =>
      Promise.resolve({ ok: false, error: { code: "not_supported", message: NO_MAIL } }),
    format: noValue,
  }),
];
