/** The admin API for people who sign in: one-time links, which the operator makes, and who has signed in. Ours. */

import { z } from "zod";
import type { SignedInUser } from "../../durable/index.ts";
import { timeJson, type Outcome } from "../../protocol/index.ts";
import { controlRoute, given, tailnetRoute, time, type AdminRoute, type TailnetCall } from "./route.ts";
import { orNull } from "./shapes.ts";
import { peopleOf } from "../people/memberships.ts";
import { usersOf } from "../people/person.ts";
import { newBucketSecret } from "../people/person-cookie.ts";
import { publicOrigin } from "../people/public-origin.ts";

const linkBody = z.object({ login: orNull(z.string().max(256)) });
const link = z
  .object({ url: z.string(), login: z.string(), userId: z.string(), expires: time })
  .meta({ id: "SignInLink" });

interface MadeLink {
  readonly url: string;
  readonly user: SignedInUser;
  readonly expires: number;
}

/** The object's word, and its record, before there is a link. The secret stands in the fragment, which is sent to nobody [H31]. */
async function makeLink(call: TailnetCall<undefined, z.output<typeof linkBody>>): Promise<Outcome<MadeLink>> {
  const { authority, by, body, env, c } = call;
  const outcome = await authority.linkFor(by, body.login);
  if (!outcome.ok) return outcome;
  const user = outcome.value;
  const { text, hash } = newBucketSecret(user.login);
  const expires = await peopleOf(env, user.login).keepLink(hash, { kind: "link", login: user.login, user: user.id });
  return given({ url: `${publicOrigin(c)}/sign-in#${text}`, user, expires });
}

const me = z
  .object({
    kind: z.enum(["operator", "person"]),
    login: z.string(),
    tailnets: z.array(
      z.object({ id: z.string(), name: z.string(), userId: z.string(), displayName: z.string(), role: z.string() }),
    ),
    sessionCreated: time,
    sessionExpires: time,
  })
  .meta({ id: "Me" });

export const SIGN_IN_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "POST",
    path: "/api/v2/tailnet/:tailnet/sign-in-links",
    act: "sign_in_link.create",
    summary: "Makes a one-time link that signs in a user of the tailnet: the one with that login, or its owner",
    body: linkBody,
    answer: link,
    call: makeLink,
    format: ({ url, user, expires }) => ({ url, login: user.login, userId: user.id, expires: timeJson(expires) }),
  }),
  controlRoute({
    method: "GET",
    path: "/api/v2/tailward/me",
    act: "me.read",
    summary: "Who has signed in, and what they are in each of their tailnets",
    answer: me,
    call: async ({ c, env }) => {
      const { session = null } = c.var;
      return given({ session, users: session === null ? [] : await usersOf(env, session.proof) });
    },
    format: ({ session, users }) => ({
      kind: session === null ? ("operator" as const) : ("person" as const),
      login: session?.proof.login ?? "",
      tailnets: users.map(({ tailnet, tailnetName, id, name, role }) => ({
        id: tailnet,
        name: tailnetName,
        userId: id,
        displayName: name,
        role,
      })),
      sessionCreated: timeJson(session?.created ?? null),
      sessionExpires: timeJson(session?.expires ?? null),
    }),
  }),
];
