/**
 * Signing in and out: by an OpenID provider, or by a one-time link. Whatever comes by the browser is attacker-controlled.
 *
 * Rule [H35]: nobody signs in over a way on which others read: where there is neither TLS nor loopback, it is refused. After signing in a browser is
 *            sent to a path of this origin, and nowhere else.
 */

import { Hono, type Context } from "hono";
import { formFields } from "./form-fields.ts";
import type { AcceptedInvite, OidcProof, SignInProof } from "../../durable/index.ts";
import { parseUserInvite, record, text } from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import { readBody } from "../body.ts";
import { refuse } from "../http-errors.ts";
import { peopleBucketOf } from "../objects.ts";
import { SignInError, asksProvider } from "./oidc.ts";
import { showPage } from "./page.ts";
import { personSession, signInEverywhere, usersOf } from "./person.ts";
import { WAITING_PATH, acceptInvite } from "./invites.ts";
import { isTooMany } from "../rate-limits.ts";
import {
  dropSession,
  keepSession,
  newBucketSecret,
  parseBucketSecret,
  sessionSecret,
  type BucketSecret,
} from "./person-cookie.ts";
import { isFromOurPage, isPrivateWay, pathBack, publicOrigin } from "./public-origin.ts";
import { NOT_PRIVATE, arrive, setOut } from "./sign-in-journey.ts";
import { SIGNED_OUT, accountPage, notSignedIn, signInPage, startOf, type SignInPlace } from "./sign-in-pages.ts";

type PageContext = Context<AppTypes>;

const FOREIGN = "this request does not come from a page of this control plane";

/** Where a person signs in who comes from there. */
export function placeFor(c: PageContext, back: string): SignInPlace {
  const origin = publicOrigin(c);
  const isOffered = asksProvider(c.env) && isPrivateWay(origin);
  return { start: isOffered ? startOf(origin, back) : null, back };
}

/** Ends the session that the browser had. */
async function endSession(c: PageContext, everywhere: boolean): Promise<void> {
  const secret = sessionSecret(c);
  if (secret !== null) await peopleBucketOf(c.env, secret.bucket).closeSession(secret.hash, everywhere);
}

async function showSignIn(c: PageContext): Promise<Response> {
  const back = pathBack(c.req.query("back") ?? "");
  const session = await personSession(c);
  const users = session === null ? [] : await usersOf(c.env, session.proof);
  if (session === null || users.length === 0) return showPage(c, signInPage(placeFor(c, back)));
  return showPage(c, accountPage(session.proof.login, users, back));
}

async function leave(c: PageContext): Promise<Response> {
  const to = await setOut(c, { back: pathBack(c.req.query("back") ?? ""), invite: "" });
  c.header("cache-control", "no-store");
  c.header("referrer-policy", "no-referrer");
  return c.redirect(to.href, 302);
}

async function openSession(c: PageContext, proof: SignInProof): Promise<void> {
  const { bucket, hash, text: secret } = newBucketSecret(proof.login);
  await peopleBucketOf(c.env, bucket).openSession(hash, proof);
  await endSession(c, false);
  keepSession(c, secret);
}

/** Accepts the invite that somebody went for; null where they went for none. Throws SignInError. */
async function acceptOnTheWay(c: PageContext, proof: OidcProof, text: string): Promise<AcceptedInvite | null> {
  const invite = parseUserInvite(text);
  if (invite === null) return null;
  const outcome = await acceptInvite(c.env, proof, invite, c.var.request);
  if (!outcome.ok) throw new SignInError(outcome.error.message);
  return outcome.value;
}

async function comeBack(c: PageContext): Promise<Response> {
  if (await isTooMany(c)) throw new SignInError("this is too much for a minute: wait, and begin again");
  const { proof, back, invite } = await arrive(c);
  const accepted = await acceptOnTheWay(c, proof, invite);
  const waitsIn = accepted?.waiting === true ? accepted : null;
  const { users, why } = await signInEverywhere(c.env, proof, c.var.request, waitsIn?.tailnet);
  if (users.length > 0) await openSession(c, proof);
  if (users.length === 0 && waitsIn === null)
    throw new SignInError(why ?? `no tailnet here has ${proof.login} as a user: ask an admin of yours to add you`);
  c.header("cache-control", "no-store");
  return c.redirect(waitsIn === null ? pathBack(back) : WAITING_PATH, 302);
}

const linkBody = record({ secret: text });

/** The object's word before the link is spent: a link that leads nowhere stays good. */
async function spendLink(c: PageContext, link: BucketSecret): Promise<Response> {
  const people = peopleBucketOf(c.env, link.bucket);
  const proof = await people.link(link.hash);
  const { users, why } =
    proof === null ? { users: [], why: null } : await signInEverywhere(c.env, proof, c.var.request);
  if (proof !== null && users.length === 0)
    return refuse(c, { code: "forbidden", message: why ?? "the user that this link is for is none any more" });
  const session = newBucketSecret(proof?.login ?? "");
  const spent = await people.spendLink(link.hash, session.hash);
  if (!spent.ok) return refuse(c, spent.error);
  await endSession(c, false);
  keepSession(c, session.text);
  return c.json({});
}

async function signInByLink(c: PageContext): Promise<Response> {
  c.header("cache-control", "no-store");
  if (!isFromOurPage(c)) return refuse(c, { code: "forbidden", message: FOREIGN });
  if (await isTooMany(c))
    return refuse(c, { code: "too_many_requests", message: "this is too much for a minute: wait, and try again" });
  if (!isPrivateWay(publicOrigin(c))) return refuse(c, { code: "forbidden", message: NOT_PRIVATE });
  const body = await readBody(c, linkBody);
  if (body instanceof Response) return body;
  const link = parseBucketSecret(body.secret);
  if (link === null) return refuse(c, { code: "forbidden", message: "this is no sign-in link: open it whole" });
  return spendLink(c, link);
}

async function signOut(c: PageContext): Promise<Response> {
  if (!isFromOurPage(c)) throw new SignInError(FOREIGN);
  const form = await formFields(c);
  await endSession(c, form["everywhere"] === "1");
  dropSession(c);
  return showPage(c, SIGNED_OUT);
}

/** Shows a page in place of what is thrown for a person to read. */
function forPeople(handle: (c: PageContext) => Promise<Response>): (c: PageContext) => Promise<Response> {
  return async (c) => {
    try {
      return await handle(c);
    } catch (error) {
      if (error instanceof SignInError) return showPage(c, notSignedIn(error.message));
      throw error;
    }
  };
}

export const signInRoutes = new Hono<AppTypes>();
signInRoutes.get("/", (c) => c.redirect("/sign-in", 302));
signInRoutes.get("/sign-in", showSignIn);
signInRoutes.get("/sign-in/oidc", forPeople(leave));
signInRoutes.get("/sign-in/callback", forPeople(comeBack));
signInRoutes.post("/sign-in/link", signInByLink);
signInRoutes.post("/sign-out", forPeople(signOut));
