/** A person at the pages of the control plane, as a browser on the same machine: signs in by a one-time link, and connects a waiting node as their own. */

import type { Tailnet } from "./control-plane.ts";

type Call = <T>(method: string, path: string, body?: object) => Promise<T>;

async function send(url: URL, cookie: string, type: string, body: string): Promise<Response> {
  const headers = { origin: url.origin, "content-type": type, cookie };
  return fetch(url, { method: "POST", headers, body, redirect: "manual" });
}

/** Signs in as an owner of the tailnet, and gives the cookie. */
async function signIn(origin: string, { id }: Tailnet, call: Call): Promise<string> {
  const { url } = await call<{ url: string }>("POST", `/api/v2/tailnet/${id}/sign-in-links`, {});
  const secret = JSON.stringify({ secret: new URL(url).hash.slice(1) });
  const answer = await send(new URL("/sign-in/link", origin), "", "application/json", secret);
  const [cookie = ""] = answer.headers.getSetCookie();
  if (!answer.ok) throw new Error(`not signed in: ${answer.status} ${await answer.text()}`);
  return cookie.split(";")[0] ?? "";
}

/** Connects the node that shows `address`; gives the page that the person has seen before. `origin`: where the pages are. */
export async function connectByPage(origin: string, tailnet: Tailnet, address: string, call: Call): Promise<string> {
  const cookie = await signIn(origin, tailnet, call);
  const page = new URL(new URL(address).pathname, origin);
  const shown = await (await fetch(page, { headers: { cookie } })).text();
  const form = new URLSearchParams({ tailnet: tailnet.id }).toString();
  const answer = await send(page, cookie, "application/x-www-form-urlencoded", form);
  if (answer.status !== 303) throw new Error(`not connected: ${answer.status} ${await answer.text()}`);
  return shown;
}
