/** Invites of people: made by the admin API, and accepted in a browser. */

import { admin } from "./control.ts";
import type { Browser, Shown } from "./browser.ts";
import { answerOf, type Answer } from "./test-node.ts";

export interface MadeInvite {
  readonly id: string;
  /** What its address has behind the `#`. */
  readonly text: string;
}

/** Makes one, as the operator or by that token. */
export async function invite(tailnet: string, wanted: object = {}, token?: string): Promise<MadeInvite> {
  const { status, json, list } = await admin("POST", `/api/v2/tailnet/${tailnet}/user-invites`, [wanted], token);
  const [made] = list as readonly { readonly id: string; readonly inviteUrl: string }[];
  if (status !== 200 || made === undefined) throw new Error(JSON.stringify(json));
  return { id: made.id, text: new URL(made.inviteUrl).hash.slice(1) };
}

/** What the page of an invite asks of the control plane. */
export async function askInvite(browser: Browser, what: "look" | "accept", text: string): Promise<Answer> {
  return answerOf(await browser.api("POST", `/invite/${what}`, { invite: text }));
}

/** Accepts it as whoever has that login at the provider, who has not signed in before; gives the page at which this ends. */
export async function acceptAs(browser: Browser, text: string, login: string): Promise<Shown> {
  const { status, json } = await askInvite(browser, "accept", text);
  if (status !== 200) throw new Error(JSON.stringify(json));
  return browser.signInAt(await browser.go(String(json["next"])), login);
}

interface ShownUser {
  readonly id: string;
  readonly loginName: string;
  readonly role: string;
  readonly status: string;
}

/** The user with that login, as the admin API shows them. */
export async function userOf(tailnet: string, login: string): Promise<ShownUser | undefined> {
  const { users } = (await admin("GET", `/api/v2/tailnet/${tailnet}/users`)).json as { readonly users: ShownUser[] };
  return users.find(({ loginName }) => loginName === login);
}
