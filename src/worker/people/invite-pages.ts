/** The pages of an invite. What stands in the invite is asked for by the page's script, which alone can read it, and is set as text. */

import { html } from "hono/html";
import { INVITE_SCRIPT } from "./invite-script.ts";
import type { Markup, Page } from "./page.ts";

/** Where nobody can prove an address. */
const NO_PROVIDER = html`<p>
    <strong>It cannot be accepted here:</strong> this control plane asks no OpenID provider, and a one-time link, by
    which people sign in here, proves nobody's address. Ask whoever invited you to add you by name instead:
  </p>
  <pre>tailward admin user add &lt;your address&gt;</pre>`;

const ACCEPT = html`<p id="person"></p>
  <p>
    <strong>Accept it only if you know who invited you.</strong> The admins of that tailnet see your address and the
    devices that you connect to it, and say what these may reach.
  </p>
  <p id="said" class="bad" role="alert"></p>
  <div class="row"><button id="accept">Sign in and accept</button></div>`;

function row(term: string, id: string): Markup {
  return html`<div id="${id}-row">
    <dt>${term}</dt>
    <dd id="${id}"></dd>
  </div>`;
}

/** `isOffered`: there is a provider, and nobody reads along on the way. */
export function invitePage(isOffered: boolean): Page {
  return {
    title: "An invite to a tailnet",
    body: html`<p id="none">There is no invite in this address: open it whole, as it was given to you.</p>
      <noscript><p>This page needs its script to read the invite.</p></noscript>
      <form id="invite" hidden>
        <p>Whoever accepts this becomes a user of a tailnet, and can connect devices of theirs to it.</p>
        <dl>
          ${row("Tailnet", "tailnet")} ${row("Role", "role")} ${row("For", "email")} ${row("Good until", "expires")}
        </dl>
        ${isOffered ? ACCEPT : NO_PROVIDER}
      </form>`,
    script: INVITE_SCRIPT,
  };
}

/** For somebody who has accepted one where user approval is on. */
export const WAITING_PAGE: Page = {
  title: "You wait for approval",
  body: html`<p>
      The invite is accepted. An admin of the tailnet has yet to approve you: until then you can neither sign in there
      nor connect a device.
    </p>
    <p class="soft">An admin does so with</p>
    <pre>tailward admin user approve &lt;your address&gt;</pre>
    <p><a href="/sign-in">Sign in</a> once they have.</p>`,
};
