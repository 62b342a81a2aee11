/**
 * Receivers outside, for the tests of the Worker: every host under `hooks.test` takes what is posted to it. A test says by a PUT there how it answers from
 * then on, as JSON: `addresses` (what the resolver says of the host; two public ones by default), `status` (200 by default; 0 for no answer before
 * the next PUT) and `location`. A GET there gives all that was posted, the oldest first.
 */

import { Response, type Request } from "miniflare";

export const RESOLVER_HOST = "cloudflare-dns.com";
const SUFFIX = ".hooks.test";
const PUBLIC = ["93.184.216.34", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"];

interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Receiver {
  addresses: readonly string[] | null;
  status: number;
  location: string | null;
  over: PromiseWithResolvers<unknown>;
  readonly received: Received[];
}

const receivers = new Map<string, Receiver>();

function receiverOf(host: string): Receiver {
  const known = receivers.get(host);
  if (known !== undefined) return known;
  const made = { addresses: PUBLIC, status: 200, location: null, over: Promise.withResolvers(), received: [] };
  receivers.set(host, made);
  return made;
}

export function isHookHost(host: string): boolean {
  return host === RESOLVER_HOST || host.endsWith(SUFFIX);
}

/** What a resolver says in JSON. */
function resolve(url: URL): Response {
  const name = url.searchParams.get("name") ?? "";
  const isV6 = url.searchParams.get("type") === "AAAA";
  const addresses = receiverOf(name).addresses;
  if (addresses === null) return new Response("no idea", { status: 500 });
  const found = addresses.filter((address) => address.includes(":") === isV6);
  const Answer = found.map((data) => ({ name, type: isV6 ? 28 : 1, TTL: 1, data }));
  return Response.json({ Status: addresses.length === 0 ? 3 : 0, Answer });
}

async function take(receiver: Receiver, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  receiver.received.push({ path: pathname, headers: Object.fromEntries(request.headers), body: await request.text() });
  if (receiver.status === 0) await receiver.over.promise;
  const headers: Record<string, string> = receiver.location === null ? {} : { location: receiver.location };
  return new Response("thanks", { status: receiver.status || 200, headers });
}

export async function answerHooks(request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.hostname === RESOLVER_HOST) return resolve(url);
  const receiver = receiverOf(url.hostname);
  if (request.method === "POST") return take(receiver, request);
  if (request.method === "GET") return Response.json(receiver.received);
  const { over } = receiver;
  Object.assign(receiver, { over: Promise.withResolvers() }, await request.json());
  over.resolve(null);
  return new Response("set");
}
