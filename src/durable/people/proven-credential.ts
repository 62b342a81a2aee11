/**
 * Who is behind a credential of the admin API, as of now. Everything here runs inside the caller's transaction.
 *
 * Rule [P56]: a token's rights are the person's role as it is now, as far as the token's scopes go; those of an access token, its client's scopes as they
 *             are now, as far as its own go. One that is over or revoked, or whose person is suspended, gone or not approved yet, opens nothing.
 */

import { coversScope, type CredentialParts, type Role, type Scope } from "../../protocol/index.ts";
import type { CredentialRecord } from "./credentials.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import type { UserRecord } from "./users.ts";

/** A person who was proven, and by what. */
export interface ProvenUser {
  readonly kind: "user";
  readonly user: { readonly id: string; readonly login: string; readonly name: string; readonly role: Role };
  readonly scopes: readonly Scope[];
  /** The ID of the API token. */
  readonly credential: string;
}

/** An OAuth client that was proven. */
export interface ProvenClient {
  readonly kind: "client";
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly tags: readonly string[];
}

export type ProvenCredential = ProvenUser | ProvenClient;

/** As whom the record names a client. */
export function nameOf({ id, description }: CredentialRecord): string {
  return description === "" ? id : description;
}

function bad(why: string): ControlError {
  return new ControlError("unauthenticated", why);
}

const NOT_GOOD = "this credential is not good";

/** Throws `unauthenticated` for one that is over. */
function refuseOver({ expires, revoked }: Pick<CredentialRecord, "expires" | "revoked">, now: number): void {
  if (revoked !== null) throw bad("this credential was revoked");
  if (expires !== null && expires <= now) throw bad("this credential has expired");
}

/** The scopes of `held` that some of `within` cover. */
function scopesWithin(held: readonly Scope[], within: readonly Scope[]): Scope[] {
  return held.filter((scope) => within.some((outer) => coversScope(outer, scope)));
}

/** Notes at most once an hour that the person was here. */
function noteSeen({ users }: Tailnet, { id, lastSeen }: UserRecord, now: number): void {
  if (lastSeen === null || now - lastSeen >= SEEN_MS) users.noteSeen(id, now);
}
const SEEN_MS = 60 * 60 * 1000;

function proveToken(tailnet: Tailnet, { id, secret }: CredentialParts, now: number): ProvenUser {
  const token = tailnet.credentials.proven("api", id, secret);
  if (token === null) throw bad(NOT_GOOD);
  refuseOver(token, now);
  const user = token.user === null ? null : tailnet.users.byId(token.user);
  if (user === null) throw bad("whose credential this is is not here any more");
  if (user.suspended !== null) throw bad("whose credential this is is suspended");
  if (user.waiting !== null) throw bad("whose credential this is waits for an admin's approval");
  tailnet.credentials.noteUse(token, now);
  noteSeen(tailnet, user, now);
  const { id: userId, login, displayName: name, role } = user;
  return { kind: "user", user: { id: userId, login, name, role }, scopes: token.scopes, credential: id };
}

/** The client whose secret that is. Throws `unauthenticated`. */
export function proveClient(tailnet: Tailnet, { id, secret }: CredentialParts, now: number): CredentialRecord {
  const client = tailnet.credentials.proven("client", id, secret);
  if (client === null) throw bad(NOT_GOOD);
  refuseOver(client, now);
  tailnet.credentials.noteUse(client, now);
  return client;
}

function proveAccess(tailnet: Tailnet, { id, secret }: CredentialParts, now: number): ProvenClient {
  const token = tailnet.credentials.provenAccess(id, secret);
  if (token === null) throw bad(NOT_GOOD);
  refuseOver({ expires: token.expires, revoked: null }, now);
  const client = tailnet.credentials.byId(token.client);
  if (client === null) throw bad(NOT_GOOD);
  refuseOver(client, now);
  tailnet.credentials.noteUse(client, now);
  return {
    kind: "client",
    id: client.id,
    name: nameOf(client),
    scopes: scopesWithin(token.scopes, client.scopes),
    tags: token.tags.filter((tag) => client.tags.includes(tag)),
  };
}

/** Throws `unauthenticated`. The secret of an OAuth client opens nothing but the way to access tokens. */
export function proveCredential(tailnet: Tailnet, parts: CredentialParts, now: number): ProvenCredential {
  switch (parts.kind) {
    case "api":
      return proveToken(tailnet, parts, now);
    case "access":
      return proveAccess(tailnet, parts, now);
    case "client":
      throw bad("an OAuth client's secret is for POST /api/v2/oauth/token alone");
  }
}
