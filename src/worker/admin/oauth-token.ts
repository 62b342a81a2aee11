/**
 * Where an OAuth client is given an access token for its secret: `POST /api/v2/oauth/token`, client credentials (RFC 6749, section 4.4) as a form, the client
 * in it or in Basic. As at Tailscale the grant type may be left out, and tags be asked for.
 */

import { Hono } from "hono";
import { ACCESS_SECONDS } from "../../durable/index.ts";
import { decodeBase64, isScope, parseCredential, type CredentialParts, type Refusal } from "../../protocol/index.ts";
import type { AdminContext } from "./route.ts";
import type { AppTypes } from "../app-types.ts";
import { STATUS_OF, refuse, refuseMethod } from "../http-errors.ts";
import { authorityOf } from "../objects.ts";
import { addressOf, countFailure, countRequest } from "../rate-limits.ts";

const PATH = "/api/v2/oauth/token";
const MAX_FORM = 8192;
const FORM = "application/x-www-form-urlencoded";

/** RFC 6749, section 5.2: its word for it beside ours. */
type OAuthError = "invalid_request" | "invalid_client" | "invalid_scope" | "unsupported_grant_type";

function refused(c: AdminContext, error: OAuthError, refusal: Refusal): Response {
  c.set("refusal", refusal);
  if (error === "invalid_client") c.header("www-authenticate", "Basic");
  const status = error === "invalid_client" ? STATUS_OF.unauthenticated : STATUS_OF.malformed_request;
  return c.json({ ...refusal, error, error_description: refusal.message }, status);
}

function malformed(c: AdminContext, error: OAuthError, message: string): Response {
  return refused(c, error, { code: "malformed_request", message });
}

/** The secret in a Basic header. It is to be form-encoded, which changes no character that ours have. Attacker-controlled; null for none. */
function secretInBasic(header: string): string | null {
  const encoded = /^Basic ([0-9A-Za-z+/=]{1,2048})$/.exec(header)?.[1];
  const bytes = encoded === undefined ? null : decodeBase64(encoded);
  return bytes === null ? null : (/^[^:]*:(.*)$/s.exec(new TextDecoder().decode(bytes))?.[1] ?? null);
}

/**
 * The client that the request is of, if its secret has the form of one. The secret names it, and the ID beside it is not looked at, as at Tailscale:
 * `tailscale up --auth-key tskey-client-…` gives a made-up one.
 */
function clientOf(c: AdminContext, form: URLSearchParams): CredentialParts | null {
  const parts = parseCredential(secretInBasic(c.req.header("authorization") ?? "") ?? form.get("client_secret") ?? "");
  return parts?.kind === "client" ? parts : null;
}

/** What stands between spaces or commas; null where nothing does. */
function listed(text: string | null): string[] | null {
  const parts = (text ?? "").split(/[ ,]+/).filter((part) => part !== "");
  return parts.length === 0 ? null : parts;
}

async function unproven(c: AdminContext, refusal: Refusal): Promise<Response> {
  return (await countFailure(c)) ?? refused(c, "invalid_client", refusal);
}

async function giveToken(c: AdminContext): Promise<Response> {
  if (!(c.req.header("content-type") ?? "").startsWith(FORM))
    return malformed(c, "invalid_request", `${FORM} expected`);
  const text = new TextDecoder().decode(await c.req.arrayBuffer());
  if (text.length > MAX_FORM)
    return malformed(c, "invalid_request", `a form of at most ${MAX_FORM} characters expected`);
  const form = new URLSearchParams(text);
  if ((form.get("grant_type") ?? "client_credentials") !== "client_credentials")
    return malformed(c, "unsupported_grant_type", "grant_type: client_credentials is the only one");
  const parts = clientOf(c, form);
  if (parts === null)
    return unproven(c, { code: "unauthenticated", message: "this is no OAuth client and its secret" });
  // Nobody is proven yet: by the address too, or anybody who knows its ID could use up what a client may.
  const tooMany = await countRequest(c, `grant ${parts.tailnet} ${parts.id} ${addressOf(c)}`);
  if (tooMany !== null) return tooMany;
  return grant(c, parts, listed(form.get("scope")), listed(form.get("tags")));
}

async function grant(
  c: AdminContext,
  parts: CredentialParts,
  scopes: readonly string[] | null,
  tags: readonly string[] | null,
): Promise<Response> {
  const strange = scopes?.find((scope) => !isScope(scope));
  if (strange !== undefined) return malformed(c, "invalid_scope", `scope: there is no ${JSON.stringify(strange)}`);
  const wanted = { scopes: scopes?.filter(isScope) ?? null, tags };
  const outcome = await authorityOf(c.env, parts.tailnet).grantAccess(c.var.request, parts, wanted);
  if (!outcome.ok) {
    const { code, message } = outcome.error;
    if (code === "unauthenticated") return unproven(c, outcome.error);
    return code === "forbidden" ? malformed(c, "invalid_scope", message) : refuse(c, outcome.error);
  }
  c.set("tailnet", parts.tailnet);
  // RFC 6749, section 5.1.
  c.header("cache-control", "no-store");
  const { text, scopes: given } = outcome.value;
  return c.json({ access_token: text, token_type: "Bearer", expires_in: ACCESS_SECONDS, scope: given.join(" ") });
}

export const oauthToken = new Hono<AppTypes>();
oauthToken.post(PATH, giveToken);
oauthToken.all(PATH, refuseMethod);
