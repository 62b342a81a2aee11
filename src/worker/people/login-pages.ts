/** What the pages of a waiting node show. What the node says of itself is attacker-controlled: it goes through `html`, and says where it comes from. */

import { html } from "hono/html";
import type { LoginInfo, SignedInUser } from "../../durable/index.ts";
import type { Markup, Page } from "./page.ts";
import { signInButton, type SignInPlace } from "./sign-in-pages.ts";

export const NO_LOGIN: Page = {
  title: "No node waits here any more",
  body: html`<p>If it still wants in, it shows a new address.</p>`,
  status: 404,
};

export function settledPage({ state }: LoginInfo): Page {
  if (state === "denied") return { title: "The node was not let in", body: html`<p>An admin has turned it away.</p>` };
  return {
    title: "The node was let in",
    body: html`<p>It connects by itself; you can close this page.</p>
      <p class="soft">Where the tailnet asks for device approval, an admin may have to approve it first.</p>`,
  };
}

function byAdmin(id: string): Markup {
  return html`<h2>An admin of the tailnet can do it too</h2>
    <p>They look at who waits, compare the node key with what the node itself shows, and let it in, or do not:</p>
    <pre>
tailward admin login list
tailward admin login approve ${id} &lt;tailnet&gt;
tailward admin login deny ${id} &lt;tailnet&gt;</pre>`;
}

/** For whoever has not signed in: nothing of the node is shown. */
export function strangerPage({ id }: LoginInfo, place: SignInPlace): Page {
  return {
    title: "A node waits here to be let into a tailnet",
    body: html`<p>Sign in to see it, and to let it in as your own device.</p>
      ${signInButton(place)} ${byAdmin(id)}`,
  };
}

function row(term: string, text: string): Markup {
  return html`<div>
    <dt>${term}</dt>
    <dd>${text}</dd>
  </div>`;
}

function choice(users: readonly SignedInUser[], proposed: string | null): Markup {
  const [first] = users;
  if (users.length === 1 && first !== undefined)
    return html`<input type="hidden" name="tailnet" value="${first.tailnet}" />`;
  const chosen = users.find(({ tailnet }) => tailnet === proposed)?.tailnet ?? first?.tailnet;
  return html`<fieldset>
    <legend>Into which tailnet</legend>
    ${users.map(
      ({ tailnet, tailnetName }) =>
        html`<label>
          <input type="radio" name="tailnet" value="${tailnet}" required ${tailnet === chosen ? "checked" : ""} />
          ${tailnetName}
        </label>`,
    )}
  </fieldset>`;
}

/** For a person who may let it in. */
export function waitingPage(login: LoginInfo, users: readonly SignedInUser[], person: string): Page {
  const { id, hostname, os, nodeKey, tags, created } = login;
  const [only] = users;
  const where = users.length === 1 && only !== undefined ? html` to <strong>${only.tailnetName}</strong>` : "";
  return {
    title: "Connect this device?",
    body: html`<p>A node asks to be let in${where}. This is what it says of itself:</p>
      <dl>
        ${row("Hostname", hostname)} ${row("System", os)} ${row("Node key", nodeKey)}
        ${tags.length === 0 ? "" : row("Asks for tags", tags.join(", "))}
        ${row("Asked", `${new Date(created).toISOString().slice(0, 16).replace("T", " ")} UTC`)}
      </dl>
      <p>
        <strong>Connect it only if you have just started it yourself,</strong> and this is what you expect. Whoever sent
        you this address otherwise wants their device to pass for yours.
      </p>
      <form method="post" action="/login/${id}">
        ${choice(users, login.tailnet)}
        <div class="row"><button>Connect as mine</button></div>
      </form>
      <p class="soft">You are signed in as ${person}. <a href="/sign-in">Not you?</a></p>`,
  };
}

export function notLetIn(message: string, { id }: LoginInfo): Page {
  const sentence = `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`;
  return {
    title: "The node was not let in",
    body: html`<p>${sentence}</p>
      <p><a href="/login/${id}">Back</a></p>`,
    status: 403,
  };
}

export const APPROVAL: Page = {
  title: "A device waits for approval",
  body: html`<p>It has joined, and is let in by an admin of its tailnet:</p>
    <pre>
tailward admin device list
tailward admin device authorize &lt;device&gt;</pre>`,
};
