/** People who sign in, and what the record has of them. */

import { encodeHex } from "../../../src/tka/index.ts";
import type { EventKind, StoredEvent } from "../../../src/durable/index.ts";
import type { Role } from "../../../src/protocol/index.ts";
import { Browser, type Shown } from "./browser.ts";
import { admin, authorityOf, makeTailnet } from "./control.ts";
import { addPerson } from "./people.ts";
import { ORIGIN, randomBytes } from "./signed-request.ts";
import { answerOf } from "./test-node.ts";

/** A login that no other test uses. */
export function newLogin(): string {
  return `p${encodeHex(randomBytes(6))}@people.test`;
}

/** A tailnet with a user of a role. */
export async function tailnetWith(role: Role = "member"): Promise<{ tailnet: string; login: string; user: string }> {
  const [tailnet, login] = [await makeTailnet(), newLogin()];
  return { tailnet, login, user: await addPerson(tailnet, login, role) };
}

/** Suspends a user, or restores one. */
export async function suspend(user: string, word: "suspend" | "restore" = "suspend"): Promise<void> {
  const { status, json } = await admin("POST", `/api/v2/users/${user}/${word}`, {});
  if (status !== 200) throw new Error(JSON.stringify(json));
}

/** The tailnet's events of a kind. */
export async function eventsOf(tailnet: string, kind: EventKind): Promise<StoredEvent[]> {
  const page = await authorityOf(tailnet).recordPage("events", 0, 1000);
  if (!page.ok || page.value.part !== "events") throw new Error("no events");
  return page.value.rows.filter((event) => event.kind === kind);
}

/** The cookie of a session, and the host that has it. */
export const COOKIE = "__Host-tailward-session";
export const HOST = new URL(ORIGIN).host;

/** The tailnets that the browser's session is of, by the admin API. */
export async function tailnetsOf(browser: Browser): Promise<unknown> {
  return (await answerOf(await browser.api("GET", "/api/v2/tailward/me"))).json["tailnets"];
}

/** The text of the session's cookie; empty for none. */
export function secretOf(browser: Browser): string {
  return browser.cookies(HOST).get(COOKIE) ?? "";
}

/** True for the page that says so. */
export function isSignedIn(page: Shown, login: string): boolean {
  return page.status === 200 && page.text.includes(`signed in as <strong>${login}</strong>`);
}

/** A one-time link, and the secret in it. */
export async function makeLink(tailnet: string, login: string | null = null): Promise<{ secret: string; url: string }> {
  const { status, json } = await admin("POST", `/api/v2/tailnet/${tailnet}/sign-in-links`, { login });
  if (status !== 200) throw new Error(JSON.stringify(json));
  const url = String(json["url"]);
  return { url, secret: new URL(url).hash.slice(1) };
}

/** Signs a user of the tailnet in by a one-time link; gives the text of the session's cookie. */
export async function openSession(tailnet: string, login: string): Promise<string> {
  const browser = new Browser();
  const { secret } = await makeLink(tailnet, login);
  const { status } = await browser.api("POST", "/sign-in/link", { secret });
  if (status !== 200) throw new Error(`${login} was not signed in: ${status}`);
  return secretOf(browser);
}
