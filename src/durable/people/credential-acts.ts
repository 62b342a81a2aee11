/**
 * What is done with API tokens and OAuth clients; with auth keys they make up the keys of a tailnet. What their scopes may be is the door's to say.
 *
 * Rule [P57]: a person makes API tokens for themselves alone, the operator for anybody; a client makes none: somebody is to answer for what they do.
 *             Nobody revokes that of somebody who may do more.
 */

import { coversScope, type CredentialParts, type Scope } from "../../protocol/index.ts";
import { revokeAuthKey } from "./auth-key-acts.ts";
import type { AuthKeyInfo } from "./auth-keys.ts";
import type { CredentialRecord } from "./credentials.ts";
import { refuseOtherTags } from "./client-tags.ts";
import { refuseBadTags } from "../nodes/devices.ts";
import type { By, Target } from "../audit/events.ts";
import { timeText } from "../nodes/key-expiry.ts";
import { refuseMoreCredentials } from "./key-limits.ts";
import { nameOf, proveClient } from "./proven-credential.ts";
import { ControlError } from "../refuse.ts";
import { mayGive } from "./roles.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import type { UserRecord } from "./users.ts";

/** A credential as the admin API shows it. */
export interface CredentialInfo extends CredentialRecord {
  /** True if it opens nothing any more. */
  readonly invalid: boolean;
}

/** Any kind of key of a tailnet. */
export type KeyInfo = ({ readonly kind: "auth" } & AuthKeyInfo) | CredentialInfo;

export interface TokenOptions {
  /** The ID of whose it is to be; null for whoever asks. */
  readonly user: string | null;
  readonly scopes: readonly Scope[];
  readonly description: string;
  readonly expirySeconds: number;
}

export type ClientOptions = Pick<CredentialRecord, "scopes" | "tags" | "description">;

function infoOf(credential: CredentialRecord, now: number): CredentialInfo {
  const { expires, revoked } = credential;
  return { ...credential, invalid: revoked !== null || (expires !== null && expires <= now) };
}

function targetOf({ id, description }: CredentialRecord): Target {
  return { type: "API_KEY", id, name: description };
}

/** [P57] */
function tokenUser({ users }: Tailnet, { actor }: By, wanted: string | null): UserRecord {
  if (actor.type !== "USER" && actor.type !== "OPERATOR")
    throw new ControlError("forbidden", "API tokens are a person's, and made by one");
  const user = wanted === null ? users.standIn(actor) : users.require(wanted);
  if (user === null || (actor.type === "USER" && user.id !== actor.id))
    throw new ControlError("forbidden", "a person makes API tokens for themselves alone");
  return user;
}

/** Makes an API token; its text is given once. Throws `forbidden` [P57], `unknown_user`, `too_many_keys` [P59]. */
export function createToken(
  tailnet: Tailnet,
  by: By,
  options: TokenOptions,
  now: number,
): { info: CredentialInfo; key: string } {
  const user = tokenUser(tailnet, by, options.user);
  refuseMoreCredentials(tailnet.store, { user: user.id }, now);
  const { scopes, description, expirySeconds } = options;
  const expires = now + expirySeconds * 1000;
  const wanted = { kind: "api", user: user.id, scopes, tags: [], description, expires } as const;
  const { credential, text } = tailnet.credentials.create(tailnet.info().id, wanted, now);
  const detail = { user: user.id, login: user.login, scopes, expires: timeText(expires) };
  tailnet.record(by, { kind: "token.created", target: targetOf(credential), new: detail }, now);
  return { info: infoOf(credential, now), key: text };
}

/** Makes an OAuth client; its secret is given once. Throws `malformed_request` for a tag that no device may have, `too_many_keys` [P59]. */
export function createClient(
  tailnet: Tailnet,
  by: By,
  { scopes, tags, description }: ClientOptions,
  now: number,
): { info: CredentialInfo; key: string } {
  refuseBadTags(tags);
  refuseOtherTags(tailnet, by, tags);
  refuseMoreCredentials(tailnet.store, "client", now);
  const user = tailnet.users.behind(by.actor)?.id ?? null;
  const wanted = { kind: "client", user, scopes, tags, description, expires: null } as const;
  const { credential, text } = tailnet.credentials.create(tailnet.info().id, wanted, now);
  tailnet.record(by, { kind: "client.created", target: targetOf(credential), new: { scopes, tags, description } }, now);
  return { info: infoOf(credential, now), key: text };
}

function requireCredential({ credentials }: Tailnet, id: string): CredentialRecord {
  const credential = credentials.byId(id);
  if (credential === null) throw new ControlError("unknown_key_id", "there is no key of that ID");
  return credential;
}

/** Changes a client, whole. Throws `unknown_key_id`, and `malformed_request` for what is no client, or revoked. */
export function changeClient(tailnet: Tailnet, by: By, id: string, to: ClientOptions, now: number): CredentialInfo {
  const client = requireCredential(tailnet, id);
  if (client.kind !== "client" || client.revoked !== null)
    throw new ControlError("malformed_request", "only an OAuth client that is not revoked can be changed");
  refuseBadTags(to.tags);
  refuseOtherTags(tailnet, by, to.tags);
  const shown = ({ scopes, tags, description }: ClientOptions) => ({ scopes, tags, description });
  const [old, wanted] = [shown(client), shown(to)];
  if (JSON.stringify(old) === JSON.stringify(wanted)) return infoOf(client, now);
  tailnet.record(by, { kind: "client.changed", target: targetOf(client), old, new: wanted }, now);
  tailnet.credentials.change(id, wanted, now);
  return infoOf(requireCredential(tailnet, id), now);
}

function authInfo(info: AuthKeyInfo): KeyInfo {
  return { kind: "auth", ...info };
}

/** All keys that there were, of each kind; those of one person alone where `user` is not null. */
export function keysOf(tailnet: Tailnet, user: string | null, now: number): KeyInfo[] {
  const all = [
    ...tailnet.authKeys.all(now).map(authInfo),
    ...tailnet.credentials.all().map((each) => infoOf(each, now)),
  ];
  return user === null ? all : all.filter((info) => info.user === user);
}

/** Throws `unknown_key_id`. */
export function keyOf(tailnet: Tailnet, id: string, now: number): KeyInfo {
  if (tailnet.authKeys.has(id)) return authInfo(tailnet.authKeys.require(id, now));
  return infoOf(requireCredential(tailnet, id), now);
}

/** [P57] Whoever gives up their own token may; that of somebody else goes with the right to take that one's role. */
function refuseOthersToken({ users }: Tailnet, { actor }: By, { kind, user: id }: CredentialRecord): void {
  if (kind !== "api" || actor.type !== "USER" || actor.id === id) return;
  const [actors, owner] = [users.behind(actor), users.byId(id ?? "")];
  if (actors !== null && (owner === null || mayGive(actors.role, owner.role))) return;
  throw new ControlError("forbidden", "this is the API token of somebody who may do more");
}

/** Revokes a key of any kind. Throws `unknown_key_id`, `forbidden` [P57]; one that is revoked already is a success. */
export function revokeKey(tailnet: Tailnet, by: By, id: string, now: number): null {
  if (tailnet.authKeys.has(id)) return revokeAuthKey(tailnet, by, id, now);
  const credential = requireCredential(tailnet, id);
  if (credential.revoked !== null) return null;
  refuseOthersToken(tailnet, by, credential);
  const kind = credential.kind === "api" ? "token.revoked" : "client.revoked";
  tailnet.record(by, { kind, target: targetOf(credential) }, now);
  tailnet.credentials.revoke(id, now);
  return null;
}

/** Seconds for which an access token is good, as at Tailscale. */
export const ACCESS_SECONDS = 3600;
/** Access tokens of a client that are good at once. */
const MOST_ACCESS = 500;

/** What a client asks for: scopes and tags, or null for all that it has. */
export interface Wanted {
  readonly scopes: readonly Scope[] | null;
  readonly tags: readonly string[] | null;
}

export interface Granted {
  readonly text: string;
  readonly scopes: readonly Scope[];
  readonly tags: readonly string[];
}

/** Gives a client, by its secret, something to act with for an hour. Throws `unauthenticated`, `forbidden` for more than it has, `too_many_requests`. */
export function grantAccess(
  tailnet: Tailnet,
  group: string,
  parts: CredentialParts,
  wanted: Wanted,
  now: number,
): Granted {
  const client = proveClient(tailnet, parts, now);
  const scopes = wanted.scopes ?? client.scopes;
  const tags = wanted.tags ?? client.tags;
  const excess = scopes.find((scope) => !client.scopes.some((held) => coversScope(held, scope)));
  const strange = tags.find((tag) => !client.tags.includes(tag));
  if (excess !== undefined || strange !== undefined)
    throw new ControlError("forbidden", `this OAuth client does not have ${excess ?? strange ?? ""}`);
  if (tailnet.credentials.countAccess(client.id, now) >= MOST_ACCESS)
    throw new ControlError(
      "too_many_requests",
      "this OAuth client has too many access tokens: use them until they expire",
    );
  const expires = now + ACCESS_SECONDS * 1000;
  const { text } = tailnet.credentials.grant(tailnet.info().id, { client: client.id, scopes, tags, expires });
  const actor = { type: "OAUTH_CLIENT", id: client.id, name: nameOf(client), tags: client.tags } as const;
  const event = {
    kind: "client.granted",
    target: targetOf(client),
    new: { scopes, tags, expires: timeText(expires) },
  } as const;
  tailnet.record({ actor, origin: "CONFIG_API", group }, event, now);
  return { text, scopes, tags };
}
