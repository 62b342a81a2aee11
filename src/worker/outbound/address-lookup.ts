/** Which addresses a name leads to, asked over HTTPS (RFC 8484's servers, in their JSON form): a Worker has no other way to ask before it sends. */

import { integer, list, optional, parseJson, record, ShapeError, text } from "../../protocol/index.ts";
import { fetchBounded } from "./fetch-bounded.ts";
import { isAddressText } from "./outbound-address.ts";
import type { WorkerEnv } from "../env.ts";

/** Who is asked where nothing is configured: the resolver that Cloudflare's own network goes by. */
const RESOLVER = "https://cloudflare-dns.com/dns-query";
const MAX_ANSWERS = 100;
const KINDS = { A: 1, AAAA: 28 } as const;

const answerShape = record({
  Status: integer,
  Answer: optional(list(record({ type: integer, data: text }), MAX_ANSWERS)),
});

export type LookupEnv = Pick<WorkerEnv, "DNS_OVER_HTTPS_URL">;

/** Throws where the resolver gives no answer that can be used: that is not the same as no addresses. */
async function ask(resolver: string, name: string, kind: keyof typeof KINDS): Promise<string[]> {
  const url = new URL(resolver);
  url.searchParams.set("name", name);
  url.searchParams.set("type", kind);
  const response = await fetchBounded(url.href, { method: "GET", headers: { accept: "application/dns-json" } });
  if (response.status !== 200) throw new Error(`the resolver answered ${response.status}`);
  const { Status, Answer } = parseJson(await response.text(), answerShape, "answer");
  // 3: there is no such name.
  if (Status !== 0 && Status !== 3) throw new Error(`the resolver answered with code ${Status}`);
  return (Answer ?? []).filter(({ type }) => type === KINDS[kind]).map(({ data }) => data);
}

/** All addresses of a name, IPv4 and IPv6; none where there is no such name. Attacker-controlled. Throws where nobody could say. */
export async function addressesOf(env: LookupEnv, name: string): Promise<string[]> {
  const resolver = env.DNS_OVER_HTTPS_URL || RESOLVER;
  try {
    const found = (await Promise.all([ask(resolver, name, "A"), ask(resolver, name, "AAAA")])).flat();
    if (!found.every(isAddressText)) throw new Error("the resolver named an address that is none");
    return found;
  } catch (error) {
    if (error instanceof ShapeError) throw new Error("the resolver's answer cannot be read");
    throw error;
  }
}
