/** An invite's page, and what its script asks: to look at the invite, and to accept it [H41]. What comes by the browser is attacker-controlled. */

import { Hono, type Context } from "hono";
import { ROLE_NAMES, type OidcProof, type ShownInvite } from "../../durable/index.ts";
import {
  formatUserInvite,
  loginName,
  parseUserInvite,
  record,
  text,
  timeJson,
  type UserInviteParts,
} from "../../protocol/index.ts";
import { isTooMany } from "../rate-limits.ts";
import type { AppTypes } from "../app-types.ts";
import { readBody } from "../body.ts";
import { refuse } from "../http-errors.ts";
import { authorityOf } from "../objects.ts";
import { WAITING_PAGE, invitePage } from "./invite-pages.ts";
import { INVITE_PATH, WAITING_PATH, acceptInvite } from "./invites.ts";
import { SignInError } from "./oidc.ts";
import { showPage } from "./page.ts";
import { personSession } from "./person.ts";
import { isFromOurPage } from "./public-origin.ts";
import { setOut } from "./sign-in-journey.ts";
import { placeFor } from "./sign-in-routes.ts";

type PageContext = Context<AppTypes>;

const inviteBody = record({ invite: text });

/** The invite that a page of ours asks about, or the refusal. */
async function invitedBy(c: PageContext): Promise<UserInviteParts | Response> {
  c.header("cache-control", "no-store");
  if (!isFromOurPage(c))
    return refuse(c, { code: "forbidden", message: "this request does not come from a page of this control plane" });
  if (await isTooMany(c))
    return refuse(c, { code: "too_many_requests", message: "this is too much for a minute: wait, and try again" });
  const body = await readBody(c, inviteBody);
  if (body instanceof Response) return body;
  const invite = parseUserInvite(body.invite);
  return invite ?? refuse(c, { code: "bad_invite", message: "this is no invite: open its address whole" });
}

/** As whom the browser's session would accept it: somebody whose address was proven, and is the one that the invite names. */
async function proofFor(c: PageContext, { email }: ShownInvite): Promise<OidcProof | null> {
  const proof = (await personSession(c))?.proof;
  if (proof?.kind !== "oidc") return null;
  return email === "" || email === loginName(proof.login) ? proof : null;
}

async function look(c: PageContext): Promise<Response> {
  const invite = await invitedBy(c);
  if (invite instanceof Response) return invite;
  const outcome = await authorityOf(c.env, invite.tailnet).showUserInvite(invite);
  if (!outcome.ok) return refuse(c, outcome.error);
  const { tailnetName, role, email, expires } = outcome.value;
  const login = (await proofFor(c, outcome.value))?.login ?? "";
  return c.json({ tailnet: tailnetName, role: ROLE_NAMES[role], email, expires: timeJson(expires), login });
}

async function goToProvider(c: PageContext, invite: string): Promise<Response> {
  try {
    return c.json({ next: (await setOut(c, { back: "/sign-in", invite })).href });
  } catch (error) {
    if (error instanceof SignInError) return refuse(c, { code: "forbidden", message: error.message });
    throw error;
  }
}

/** Where the browser is to go: to the provider, or past it where the person has come by it already. */
async function accept(c: PageContext): Promise<Response> {
  const invite = await invitedBy(c);
  if (invite instanceof Response) return invite;
  const shown = await authorityOf(c.env, invite.tailnet).showUserInvite(invite);
  if (!shown.ok) return refuse(c, shown.error);
  const proof = await proofFor(c, shown.value);
  if (proof === null) return goToProvider(c, formatUserInvite(invite));
  const outcome = await acceptInvite(c.env, proof, invite, c.var.request);
  if (!outcome.ok) return refuse(c, outcome.error);
  return c.json({ next: outcome.value.waiting ? WAITING_PATH : "/sign-in" });
}

export const inviteRoutes = new Hono<AppTypes>();
inviteRoutes.get(INVITE_PATH, (c) => showPage(c, invitePage(placeFor(c, "/sign-in").start !== null)));
inviteRoutes.post(`${INVITE_PATH}/look`, look);
inviteRoutes.post(`${INVITE_PATH}/accept`, accept);
inviteRoutes.get(WAITING_PATH, (c) => showPage(c, WAITING_PAGE));
