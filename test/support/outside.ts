/**
 * What stands for the internet in the tests of the Worker: nothing that it asks for outside gets out. A test says by a PUT what an address of `outside.test`
 * answers from then on, with the status in the header `x-status`; 0 leaves whoever asks waiting for the next PUT. A POST is told how often it was asked
 * for. Receivers of webhooks (outside-hooks.ts) and a provider of identities (outside-identity.ts) have hosts of their own. All else is refused.
 */

import { Response, type Request } from "miniflare";
import { answerHooks, isHookHost } from "./outside-hooks.ts";
import { answerIdentity, isIdentityHost } from "./outside-identity.ts";

const HOST = "outside.test";

interface Page {
  readonly status: number;
  readonly body: ArrayBuffer;
  readonly over: PromiseWithResolvers<void>;
  asked: number;
}

const pages = new Map<string, Page>();

async function set(path: string, request: Request): Promise<Response> {
  const before = pages.get(path);
  const status = Number(request.headers.get("x-status") ?? 200);
  const body = await request.arrayBuffer();
  pages.set(path, { status, body, over: Promise.withResolvers(), asked: before?.asked ?? 0 });
  before?.over.resolve();
  return new Response("set");
}

export async function answerOutside(request: Request): Promise<Response> {
  const { hostname, pathname } = new URL(request.url);
  if (isHookHost(hostname)) return answerHooks(request);
  if (isIdentityHost(hostname)) return answerIdentity(request);
  if (hostname !== HOST) return new Response(`the tests ask nobody outside: ${hostname}`, { status: 599 });
  if (request.method === "PUT") return set(pathname, request);
  const page = pages.get(pathname);
  if (request.method === "POST") return new Response(String(page?.asked ?? 0));
  if (page !== undefined) page.asked++;
  if (page?.status === 0) await page.over.promise;
  const now = pages.get(pathname);
  if (now === undefined) return new Response("nothing here", { status: 404 });
  const headers = { location: request.url + "/elsewhere" };
  return new Response(now.body, { status: now.status, headers });
}
