/**
 * Invites in a browser: their address, and how one is accepted.
 *
 * Rule [H41]: an invite's secret stands in the fragment of its address, and comes in the body of a request from our own page: in no URL, log or
 *            referrer. Whoever accepts it was shown the tailnet and the role, and has signed in by an OpenID provider: a one-time link proves no address.
 */

import type { Context } from "hono";
import type { AcceptedInvite, OidcProof } from "../../durable/index.ts";
import type { Outcome, UserInviteParts } from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import type { WorkerEnv } from "../env.ts";
import { authorityOf } from "../objects.ts";
import { enrol } from "./memberships.ts";
import { publicOrigin } from "./public-origin.ts";

export const INVITE_PATH = "/invite";
/** Where somebody is told that they have accepted one, and wait for approval. */
export const WAITING_PATH = `${INVITE_PATH}/accepted`;

/** The address of an invite with that text. */
export function inviteUrl(c: Context<AppTypes>, text: string): string {
  return `${publicOrigin(c)}${INVITE_PATH}#${text}`;
}

/** Accepts it, then notes where to look for the person; `group` is the request's ID. Again is a success. */
export async function acceptInvite(
  env: WorkerEnv,
  proof: OidcProof,
  invite: UserInviteParts,
  group: string,
): Promise<Outcome<AcceptedInvite>> {
  const outcome = await authorityOf(env, invite.tailnet).acceptUserInvite(proof, invite, group);
  if (outcome.ok) await enrol(env, outcome.value.login, outcome.value.tailnet);
  return outcome;
}
