/**
 * Signing in by an OpenID provider: the authorization code flow with PKCE (RFC 7636), state and nonce. What the provider answers is held to its own keys,
 * and bounded before it is read; what comes by the browser is attacker-controlled.
 *
 * Rule [H33]: an e-mail address counts only where the provider says that it has verified it, or the operator that it gives no other; whom it means is
 *            its issuer and its subject.
 */

import { loginName } from "../../protocol/index.ts";
import * as oauth from "oauth4webapi";
import { log, type OidcProof } from "../../durable/index.ts";
import type { WorkerEnv } from "../env.ts";
import { fetchBounded } from "../outbound/fetch-bounded.ts";
import { isLoopback } from "./public-origin.ts";

/** Milliseconds for which what a provider says of itself is used again. */
const DISCOVERED_MS = 10 * 60 * 1000;

/** Where and as whom this control plane asks. */
export interface Provider {
  readonly issuer: URL;
  readonly client: oauth.Client;
  readonly secret: string | null;
  /** True where the operator says that it gives none but verified addresses, and so does not say so each time. */
  readonly alwaysVerified: boolean;
}

/** What is kept in the browser between going to the provider and coming back. */
export interface Journey {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Why a person was not signed in: a sentence for them. */
export class SignInError extends Error {
  override readonly name = "SignInError";
}

/** True where people are sent to an OpenID provider. */
export function asksProvider({ OIDC_ISSUER = "" }: WorkerEnv): boolean {
  return OIDC_ISSUER !== "";
}

/** The provider that is configured; null for none. Throws SignInError where it cannot be meant so. */
export function providerOf({
  OIDC_ISSUER = "",
  OIDC_CLIENT_ID = "",
  OIDC_CLIENT_SECRET = "",
  OIDC_VERIFIES_EMAIL = "",
}: WorkerEnv): Provider | null {
  if (OIDC_ISSUER === "") return null;
  const issuer = URL.canParse(OIDC_ISSUER) ? new URL(OIDC_ISSUER) : null;
  const isSafe =
    issuer !== null && (issuer.protocol === "https:" || (issuer.protocol === "http:" && isLoopback(issuer)));
  if (!isSafe || OIDC_CLIENT_ID === "")
    throw new SignInError(
      "the OpenID provider is not well configured here: OIDC_ISSUER takes an https address, and OIDC_CLIENT_ID a name",
    );
  const secret = OIDC_CLIENT_SECRET === "" ? null : OIDC_CLIENT_SECRET;
  const alwaysVerified = OIDC_VERIFIES_EMAIL === "always";
  return { issuer, client: { client_id: OIDC_CLIENT_ID }, secret, alwaysVerified };
}

function optionsFor({ issuer }: Provider) {
  // Of a provider on this machine alone.
  // oxlint-disable-next-line typescript/no-deprecated -- so marked to make one look: `providerOf` lets no other http address through
  return { [oauth.allowInsecureRequests]: issuer.protocol === "http:", [oauth.customFetch]: fetchBounded };
}

/** Of the provider asked last: a deployment has one. */
let discovered: { readonly issuer: string; readonly at: number; readonly server: oauth.AuthorizationServer } | null =
  null;

async function discover(provider: Provider): Promise<oauth.AuthorizationServer> {
  const { issuer } = provider;
  if (discovered?.issuer === issuer.href && Date.now() - discovered.at < DISCOVERED_MS) return discovered.server;
  const response = await oauth.discoveryRequest(issuer, optionsFor(provider));
  const server = await oauth.processDiscoveryResponse(issuer, response);
  discovered = { issuer: issuer.href, at: Date.now(), server };
  return server;
}

function authenticationOf(server: oauth.AuthorizationServer, { secret }: Provider): oauth.ClientAuth {
  if (secret === null) return oauth.None();
  const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return methods.includes("client_secret_basic") ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret);
}

async function begin(provider: Provider, redirect: string): Promise<{ to: URL; journey: Journey }> {
  const { authorization_endpoint: endpoint } = await discover(provider);
  if (endpoint === undefined) throw new SignInError("the OpenID provider signs nobody in by a browser");
  const verifier = oauth.generateRandomCodeVerifier();
  const journey = { state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(), verifier };
  const to = new URL(endpoint);
  const parameters = {
    client_id: provider.client.client_id,
    redirect_uri: redirect,
    response_type: "code",
    scope: "openid email profile",
    state: journey.state,
    nonce: journey.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) to.searchParams.set(name, value);
  return { to, journey };
}

type Claims = Readonly<Record<string, unknown>>;

/** Providers may leave the address out of the ID token, and give it to whoever asks. */
async function withEmail(
  server: oauth.AuthorizationServer,
  provider: Provider,
  token: string,
  claims: oauth.IDToken,
): Promise<Claims> {
  if (typeof claims["email"] === "string" || server.userinfo_endpoint === undefined) return claims;
  const response = await oauth.userInfoRequest(server, provider.client, token, optionsFor(provider));
  return oauth.processUserInfoResponse(server, provider.client, claims.sub, response);
}

/** Characters of a subject (OpenID Connect Core, section 2) and of an address of mail: both are stored, and stand in events. */
const MAX = { subject: 255, email: 254 };

function proofOf({ iss, sub }: oauth.IDToken, claims: Claims, { alwaysVerified }: Provider): OidcProof {
  const { email, email_verified: isVerified = alwaysVerified } = claims;
  if (typeof email !== "string" || email === "")
    throw new SignInError("the OpenID provider does not say which e-mail address you have");
  if (sub.length > MAX.subject || email.length > MAX.email)
    throw new SignInError("the OpenID provider gives you a longer name than there may be");
  if (isVerified !== true)
    throw new SignInError(
      "the OpenID provider does not say that it has verified your e-mail address: verify it there, and sign in again",
    );
  return { kind: "oidc", login: loginName(email), issuer: iss, subject: sub };
}

async function complete(provider: Provider, journey: Journey, redirect: string, back: URL): Promise<OidcProof> {
  const { client } = provider;
  const server = await discover(provider);
  const options = optionsFor(provider);
  const parameters = oauth.validateAuthResponse(server, client, back, journey.state);
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    authenticationOf(server, provider),
    parameters,
    redirect,
    journey.verifier,
    options,
  );
  const expected = { expectedNonce: journey.nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected);
  await oauth.validateApplicationLevelSignature(server, response, options);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  if (claims === undefined) throw new SignInError("the OpenID provider did not say who you are");
  return proofOf(claims, await withEmail(server, provider, tokens.access_token, claims), provider);
}

/** Runs one leg of the journey. What goes wrong on it that is not ours is told as one thing: its name goes to the log, and never what was answered. */
async function asked<T>(leg: () => Promise<T>): Promise<T> {
  try {
    return await leg();
  } catch (error) {
    if (error instanceof SignInError) throw error;
    const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
    log.info("an OpenID sign-in failed", { error: error instanceof Error ? error.name : "", code });
    throw new SignInError("the OpenID provider did not sign you in, or cannot be reached: begin again");
  }
}

/** Where the browser is sent, and what it keeps meanwhile. Throws SignInError. */
export function beginJourney(provider: Provider, redirect: string): Promise<{ to: URL; journey: Journey }> {
  return asked(() => begin(provider, redirect));
}

/** Who has come back by that URL, which is attacker-controlled. Throws SignInError. */
export function endJourney(provider: Provider, journey: Journey, redirect: string, back: URL): Promise<OidcProof> {
  return asked(() => complete(provider, journey, redirect, back));
}
