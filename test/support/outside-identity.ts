/**
 * OpenID providers of the Worker's tests, real ones, which this passes requests on to: `https://id.test`, and `https://forged.id.test`, whose ID tokens are signed
 * by other keys than those that it publishes.
 */

import { Headers, Response, type Request } from "miniflare";
import type { IdentityProvider } from "./identity-provider.ts";

const HOSTS = ["id.test", "forged.id.test"];
const REDIRECT = "https://control.test/sign-in/callback";
/** Of these the fetch has made something else already. */
const REMADE: ReadonlySet<string> = new Set(["content-encoding", "content-length", "set-cookie"]);

/** By host: each once somebody asks it. */
const started = new Map<string, Promise<IdentityProvider>>();

export function isIdentityHost(hostname: string): boolean {
  return HOSTS.includes(hostname);
}

/** Loaded once it is needed: few tests sign in. */
async function start(host: string): Promise<IdentityProvider> {
  const { IdentityProvider: Provider } = await import("./identity-provider.ts");
  return Provider.start(REDIRECT, `https://${host}`);
}

function providerAt(host: string): Promise<IdentityProvider> {
  const provider = started.get(host) ?? start(host);
  started.set(host, provider);
  return provider;
}

/** Another modulus than the key's, of its length. */
function forged(jwks: string): string {
  return jwks.replace(/("n":"[^"]{40})[^"]{8}/, "$1AAAAAAAA");
}

export async function answerIdentity(request: Request): Promise<Response> {
  const { host, pathname, search } = new URL(request.url);
  const { url } = await providerAt(host);
  const headers = new Map(request.headers);
  headers.delete("host");
  const answer = await fetch(`${url}${pathname}${search}`, {
    method: request.method,
    headers: { ...Object.fromEntries(headers), "x-forwarded-proto": "https", "x-forwarded-host": host },
    redirect: "manual",
    ...(request.method === "GET" ? {} : { body: await request.arrayBuffer() }),
  });
  const passed = new Headers([...answer.headers].filter(([name]) => !REMADE.has(name)));
  for (const cookie of answer.headers.getSetCookie()) passed.append("set-cookie", cookie);
  const body = await answer.text();
  const isForged = host.startsWith("forged.") && pathname === "/jwks";
  return new Response(isForged ? forged(body) : body, { status: answer.status, headers: passed });
}
