/**
 * The way to the OpenID provider and back: what the browser keeps meanwhile, and where it is taken then.
 *
 * Rule [H36]: whoever comes back from the provider comes with the state, the nonce and the verifier that this browser went with, once; a session's
 *            secret is made anew each time, and the one that the browser had before ends.
 */

import type { Context } from "hono";
import type { OidcProof } from "../../durable/index.ts";
import { record, text, withDefault, type ShapeOf } from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import { SignInError, beginJourney, endJourney, providerOf } from "./oidc.ts";
import { dropCookie, keepCookie, readCookie } from "./person-cookie.ts";
import { isPrivateWay, publicOrigin } from "./public-origin.ts";

const JOURNEY_COOKIE = "tailward-sign-in";
/** Seconds within which somebody comes back from the provider. */
const JOURNEY_SECONDS = 600;

export const NOT_PRIVATE =
  "others could read along on the way to this address: sign in under the https address of this control plane";

/** What a person is on the way for. */
export interface Errand {
  /** A path of ours. */
  readonly back: string;
  /** The text of an invite that is to be accepted, a secret; empty for none. */
  readonly invite: string;
}

const journeyShape = record({ state: text, nonce: text, verifier: text, back: text, invite: withDefault(text, "") });

function redirectOf(c: Context<AppTypes>): string {
  return `${publicOrigin(c)}/sign-in/callback`;
}

/** Begins it: the browser is to go there. Throws SignInError. */
export async function setOut(c: Context<AppTypes>, errand: Errand): Promise<URL> {
  if (!isPrivateWay(publicOrigin(c))) throw new SignInError(NOT_PRIVATE);
  const provider = providerOf(c.env);
  if (provider === null) throw new SignInError("this control plane asks no OpenID provider");
  const { to, journey } = await beginJourney(provider, redirectOf(c));
  keepCookie(c, JOURNEY_COOKIE, JSON.stringify({ ...journey, ...errand }), JOURNEY_SECONDS);
  return to;
}

/** The journey that the browser is on, which is over with this; null for none. */
function takeJourney(c: Context<AppTypes>): ShapeOf<typeof journeyShape> | null {
  const cookie = readCookie(c, JOURNEY_COOKIE);
  dropCookie(c, JOURNEY_COOKIE);
  try {
    return journeyShape(JSON.parse(cookie ?? ""), "cookie");
  } catch {
    return null;
  }
}

/** A URL of the request as the provider was told it. */
function backUrl(c: Context<AppTypes>): URL {
  const url = new URL(redirectOf(c));
  url.search = new URL(c.req.url).search;
  return url;
}

/** Ends it, once [H36]. Throws SignInError. */
export async function arrive(c: Context<AppTypes>): Promise<Errand & { readonly proof: OidcProof }> {
  const provider = providerOf(c.env);
  const journey = takeJourney(c);
  if (provider === null || journey === null)
    throw new SignInError("this sign-in was begun in another browser, or too long ago: begin again");
  const proof = await endJourney(provider, journey, redirectOf(c), backUrl(c));
  return { proof, back: journey.back, invite: journey.invite };
}
