/**
 * A POST to where an admin has said: a webhook's endpoint, a log's collector.
 *
 * Rule [W32]: before every attempt the address is judged anew, by its form [W31] and by all the addresses that its name has at that moment; one that is
 *            not public refuses them all. Redirects are not followed, and of what is answered only the status is kept.
 *
 * Between the lookup here and that of the fetch a name can change: on Cloudflare no private network is in reach of a fetch; a local start sends from the
 * machine itself (docs/threat-model.md).
 */

import { addressesOf, type LookupEnv } from "./address-lookup.ts";
import { hostOf, isAddressText, isLoopbackHost, isPublicAddress, refusedUrl } from "./outbound-address.ts";
import type { WorkerEnv } from "../env.ts";

export type OutboundEnv = LookupEnv & Pick<WorkerEnv, "WEBHOOKS_ALLOW_LOOPBACK">;

/** How an attempt went. */
export interface Posted {
  /** True for a status of 200 to 299. */
  readonly ok: boolean;
  /** Of the answer, or null where there was none. */
  readonly status: number | null;
  /** Why it is not ok, in words that name no secret, or null. */
  readonly error: string | null;
}

const TIMEOUT_MS = 10_000;
export const POST_LIMITS = { timeoutMs: TIMEOUT_MS };

export function allowsLoopback({ WEBHOOKS_ALLOW_LOOPBACK }: OutboundEnv): boolean {
  return WEBHOOKS_ALLOW_LOOPBACK === "true";
}

function failed(error: string, status: number | null = null): Posted {
  return { ok: false, status, error };
}

/** What is known of where an address leads at this moment. */
export type Judgement =
  | { readonly verdict: "open" }
  | { readonly verdict: "closed"; readonly why: string }
  /** The name leads nowhere, or nobody could say where. */
  | { readonly verdict: "unknown"; readonly why: string };

/** Judges an address by its form, and by all that its name leads to at this moment. */
export async function judgeAddress(env: OutboundEnv, text: string): Promise<Judgement> {
  const refused = refusedUrl(text, allowsLoopback(env));
  if (refused !== null) return { verdict: "closed", why: refused };
  const host = hostOf(new URL(text));
  if (isLoopbackHost(host) || isAddressText(host)) return { verdict: "open" };
  try {
    const addresses = await addressesOf(env, host);
    if (addresses.length === 0) return { verdict: "unknown", why: `${host} has no address` };
    const closed = addresses.find((address) => !isPublicAddress(address));
    if (closed === undefined) return { verdict: "open" };
    return { verdict: "closed", why: `${host} leads to ${closed}, which is not an address of the public internet` };
  } catch (error) {
    const why = error instanceof Error ? error.message : "no answer";
    return { verdict: "unknown", why: `the addresses of ${host} could not be looked up: ${why}` };
  }
}

/** Why nothing is sent to that URL at this moment, or null. */
export async function refusedNow(env: OutboundEnv, text: string): Promise<string | null> {
  const judgement = await judgeAddress(env, text);
  return judgement.verdict === "open" ? null : judgement.why;
}

function judged(status: number): Posted {
  if (status >= 200 && status < 300) return { ok: true, status, error: null };
  const isRedirect = status >= 300 && status < 400;
  return failed(isRedirect ? `answered ${status}: redirects are not followed` : `answered ${status}`, status);
}

/** Sends a body. Never rejects. */
export async function guardedPost(
  env: OutboundEnv,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<Posted> {
  const refused = await refusedNow(env, url);
  if (refused !== null) return failed(refused);
  const signal = AbortSignal.timeout(POST_LIMITS.timeoutMs);
  try {
    const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    await response.body?.cancel();
    return judged(response.status);
  } catch {
    // What the runtime says may quote the URL, in which there may be a secret.
    return failed(
      signal.aborted ? `no answer within ${POST_LIMITS.timeoutMs / 1000} seconds` : "the connection failed",
    );
  }
}
