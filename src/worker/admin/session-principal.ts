/** A person's session at the door of the admin API: as whom it asks, in the tailnet of the path. */

import type { PersonSession, SignedInUser } from "../../durable/index.ts";
import type { AdminContext } from "./route.ts";
import { tailnetNamed } from "./path-tailnet.ts";
import { personSession, userIn, usersOf } from "../people/person.ts";
import type { Principal } from "../principal.ts";
import { isFromOurPage } from "../people/public-origin.ts";

/** The session of a request that brings no token; null for none, and where no page of ours asks [H34]. */
export async function sessionAtDoor(c: AdminContext): Promise<PersonSession | null> {
  const isAsked = c.req.header("authorization") === undefined && isFromOurPage(c);
  return isAsked ? personSession(c) : null;
}

/** Which user the person is in the tailnet that the path names; `-` is the only one that they are of. */
async function userFor(c: AdminContext, { proof }: PersonSession, named: string): Promise<SignedInUser | null> {
  if (named === "-") {
    const users = await usersOf(c.env, proof);
    return users.length === 1 ? (users[0] ?? null) : null;
  }
  const tailnet = await tailnetNamed(c.env, named);
  return tailnet === null ? null : userIn(c.env, proof, tailnet);
}

/** As whom a session asks. `named` is what the path's tailnet is named by, or null where it is of none: any of the person's does then. Null for nobody. */
export async function principalOfSession(
  c: AdminContext,
  session: PersonSession,
  named: string | null,
): Promise<Principal | null> {
  const user = named === null ? ((await usersOf(c.env, session.proof))[0] ?? null) : await userFor(c, session, named);
  if (user === null) return null;
  const { tailnet, id, login, name, role } = user;
  return { kind: "user", tailnet, user: { id, login, name, role }, scopes: null, credential: null };
}
