/** What the pages of signing in show. Texts of others go through `html`, which escapes them. */

import { html } from "hono/html";
import { ROLE_NAMES, type SignedInUser } from "../../durable/index.ts";
import type { Markup, Page } from "./page.ts";
import { LINK_SCRIPT } from "./sign-in-script.ts";

/** Where a person begins to sign in, and where they are taken then. */
export interface SignInPlace {
  /** The address that leads to the provider; null where there is none. */
  readonly start: string | null;
  /** A path of ours. */
  readonly back: string;
}

export function startOf(origin: string, back: string): string {
  const url = new URL("/sign-in/oidc", origin);
  url.searchParams.set("back", back);
  return url.href;
}

const NO_PROVIDER = html`<p>
    This control plane asks no OpenID provider. Whoever runs it makes a one-time link for you, which signs you in for a
    while:
  </p>
  <pre>tailward admin sign-in-link</pre>`;

export function signInButton({ start }: SignInPlace): Markup {
  if (start === null) return NO_PROVIDER;
  return html`<div class="row"><a class="button" href="${start}">Sign in</a></div>`;
}

/** The form that a one-time link leads to; it shows itself where there is such a link. */
function linkForm(back: string): Markup {
  return html`<form id="link" data-back="${back}" hidden>
    <p>
      You have opened a one-time link, made by whoever runs this control plane. It signs this browser in, and is used up
      then.
    </p>
    <p>Only go on if you have asked for it.</p>
    <p id="said" class="bad" role="alert"></p>
    <div class="row"><button>Sign in by this link</button></div>
  </form>`;
}

export function signInPage(place: SignInPlace): Page {
  const rest = html`<p>See which tailnets you are in, and let your own devices in.</p>
    ${signInButton(place)}`;
  return {
    title: "Sign in",
    body: html`${linkForm(place.back)}
      <div id="rest">${rest}</div>`,
    script: LINK_SCRIPT,
  };
}

function userRow({ tailnetName, role, login }: SignedInUser): Markup {
  return html`<div>
    <dt>${tailnetName}</dt>
    <dd>${ROLE_NAMES[role]}<br /><span class="soft">${login}</span></dd>
  </div>`;
}

export function accountPage(login: string, users: readonly SignedInUser[], back: string): Page {
  const rest = html`<p>You are signed in as <strong>${login}</strong>.</p>
    <dl>${users.map(userRow)}</dl>
    <div class="row">
      <form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>
      <form method="post" action="/sign-out">
        <button class="quiet" name="everywhere" value="1">Sign out everywhere</button>
      </form>
    </div>`;
  return {
    title: "Your tailnets",
    body: html`${linkForm(back)}
      <div id="rest">${rest}</div>`,
    script: LINK_SCRIPT,
  };
}

export const SIGNED_OUT: Page = {
  title: "You are signed out",
  body: html`<p><a href="/sign-in">Sign in again</a></p>`,
};

/** Why somebody was not signed in. */
export function notSignedIn(message: string): Page {
  const sentence = `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`;
  return {
    title: "You were not signed in",
    body: html`<p>${sentence}</p>
      <p><a href="/sign-in">Begin again</a></p>`,
    status: 403,
  };
}
