/**
 * Under which origin people reach the control plane, and whether a request comes from a page of it.
 *
 * Rule [H34]: what a person's session changes is asked for by a page of this origin: the browser says so in `Origin`, and where it sends it in
 *            `Sec-Fetch-Site`. A request that says neither, or another, is refused.
 */

import type { Context } from "hono";
import type { AppTypes } from "../app-types.ts";

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** The origin that an admin has set, or else the one that was asked. */
export function publicOrigin(c: Context<AppTypes>): string {
  const { PUBLIC_URL = "" } = c.env;
  return new URL(URL.canParse(PUBLIC_URL) ? PUBLIC_URL : c.req.url).origin;
}

export function isLoopback(url: URL): boolean {
  return LOOPBACK.test(url.hostname);
}

/** True where what a browser keeps and sends can be read on the way by nobody else: by TLS, or within this machine. */
export function isPrivateWay(origin: string): boolean {
  const url = new URL(origin);
  return url.protocol === "https:" || isLoopback(url);
}

/** True for a request that a page of ours has sent, or where nothing is changed by it, one that no page of another origin has [H34]. */
export function isFromOurPage(c: Context<AppTypes>): boolean {
  const site = c.req.header("sec-fetch-site");
  if (c.req.method === "GET" || c.req.method === "HEAD")
    return site === undefined || site === "same-origin" || site === "none";
  const origin = c.req.header("origin");
  const isOurs = origin === publicOrigin(c) || origin === new URL(c.req.url).origin;
  return isOurs && (site === undefined || site === "same-origin");
}

/** A path of this origin, out of attacker-controlled text; `/sign-in` for any other. */
export function pathBack(text: string): string {
  const isPath = text.length <= 256 && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text);
  return isPath ? text : "/sign-in";
}
