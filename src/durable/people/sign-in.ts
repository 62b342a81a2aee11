/**
 * People who have signed in, as the tailnet's object sees them: it has the users, and decides which of them somebody is. Everything here runs inside the
 * caller's transaction.
 *
 * Rule [H33]: a user is bound to the issuer and subject that first sign in by the user's login, once; whoever else has that login later is refused. A
 *            one-time link proves one user by its ID, and binds nothing.
 */

import { loginName } from "../../protocol/index.ts";
import type { Role } from "../../protocol/index.ts";
import { BY_SYSTEM, type By } from "../audit/events.ts";
import { settleLogin, type LoginInfo } from "../nodes/logins.ts";
import { ControlError } from "../refuse.ts";
import { recordRefused } from "../audit/refused-attempts.ts";
import type { SignInProof } from "./sign-in-proof.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import { userTarget, type UserRecord } from "./users.ts";

/** A user of the tailnet who has proven to be that. */
export interface SignedInUser {
  readonly tailnet: string;
  readonly tailnetName: string;
  readonly id: string;
  readonly login: string;
  readonly name: string;
  readonly role: Role;
}

function shown(tailnet: Tailnet, { id, login, displayName, role }: UserRecord): SignedInUser {
  const { id: tailnetId, name: tailnetName } = tailnet.info();
  return { tailnet: tailnetId, tailnetName, id, login, name: displayName, role };
}

/** Whom a provider means, as it is kept. */
export function subjectOf(proof: Extract<SignInProof, { kind: "oidc" }>): string {
  return JSON.stringify([proof.issuer, proof.subject]);
}

/** The user that the proof names, whether it may be that or not. */
export function named({ users }: Tailnet, proof: SignInProof): UserRecord | null {
  if (proof.kind === "link") return users.byId(proof.user);
  return users.bySubject(subjectOf(proof)) ?? users.byLogin(proof.login);
}

function isOther(proof: SignInProof, { subject }: UserRecord): boolean {
  return proof.kind === "oidc" && subject !== null && subject !== subjectOf(proof);
}

/** Why the person is not that user here, or may not act yet, or null. */
export function whyNot(proof: SignInProof, user: UserRecord): string | null {
  if (isOther(proof, user))
    return `the login ${user.login} belongs to another account of the OpenID provider: ask an admin of the tailnet`;
  if (user.suspended !== null) return `the user ${user.login} is suspended in this tailnet: ask an admin of it`;
  return user.waiting === null ? null : `the user ${user.login} waits to be approved by an admin of this tailnet`;
}

/** The user that the proof is of, bound to it or not yet. Throws `forbidden`. */
function proven(tailnet: Tailnet, proof: SignInProof): UserRecord {
  const user = named(tailnet, proof);
  if (user === null)
    throw new ControlError("forbidden", "you are no user of this tailnet: ask an admin of it to add you");
  const why = whyNot(proof, user);
  if (why !== null) throw new ControlError("forbidden", why);
  return user;
}

/** Who the person is here. Throws `forbidden` for nobody, and for one who has not signed in here yet. */
export function personIn(tailnet: Tailnet, proof: SignInProof): SignedInUser {
  const user = proven(tailnet, proof);
  if (proof.kind === "oidc" && user.subject === null)
    throw new ControlError("forbidden", "sign in again: you are new in this tailnet");
  return shown(tailnet, user);
}

/** By which door a person comes who has signed in. */
export function byPerson(
  { id, login, displayName }: Pick<UserRecord, "id" | "login" | "displayName">,
  group: string,
): By {
  return { actor: { type: "USER", id, name: displayName, login }, origin: "ADMIN_CONSOLE", group };
}

/** That somebody known is refused is on the record too [P52]; who comes by another account is not that user, and is named by nobody. */
function refuseSignIn(tailnet: Tailnet, proof: SignInProof, user: UserRecord, group: string, now: number): void {
  const attempt = { act: "sign_in", error: whyNot(proof, user) ?? "" };
  if (!isOther(proof, user)) recordRefused(tailnet, byPerson(user, group), attempt, now);
  else recordRefused(tailnet, { ...BY_SYSTEM, group }, { ...attempt, countedFor: `another ${user.id}` }, now);
}

/** Binds the user to the proof, and puts it on the record; or that it was refused, and why. Throws `forbidden` for nobody. */
export function signIn(
  tailnet: Tailnet,
  proof: SignInProof,
  group: string,
  now: number,
): SignedInUser | { readonly why: string } {
  const known = named(tailnet, proof);
  const why = known === null ? null : whyNot(proof, known);
  if (known !== null && why !== null) {
    refuseSignIn(tailnet, proof, known, group, now);
    return { why };
  }
  const user = proven(tailnet, proof);
  if (proof.kind === "oidc" && user.subject === null) tailnet.users.bind(user.id, subjectOf(proof));
  tailnet.users.noteSeen(user.id, now);
  const detail = proof.kind === "oidc" ? { issuer: proof.issuer, subject: proof.subject } : { link: true };
  const { id, name } = tailnet.info();
  const target = { type: "ADMIN_CONSOLE", id, name } as const;
  tailnet.record(byPerson(user, group), { kind: "person.signed_in", target, new: detail }, now);
  return shown(tailnet, user);
}

/** Puts on the record that a one-time link is made for a user: the one with that login, or the eldest owner. Throws `unknown_user`, `forbidden`. */
export function linkFor(tailnet: Tailnet, by: By, login: string | null, now: number): SignedInUser {
  const user = login === null ? (tailnet.users.owners()[0] ?? null) : tailnet.users.byLogin(loginName(login));
  if (user === null) throw new ControlError("unknown_user", "there is no such user");
  if (user.suspended !== null) throw new ControlError("forbidden", "this user is suspended: restore them first");
  if (user.waiting !== null) throw new ControlError("forbidden", "this user waits for approval: approve them first");
  tailnet.record(by, { kind: "person.link_made", target: userTarget(user) }, now);
  return shown(tailnet, user);
}

/** A person takes a waiting node in as their own. Throws `forbidden`. */
export function takeInAs(tailnet: Tailnet, proof: SignInProof, login: LoginInfo, group: string, now: number): null {
  personIn(tailnet, proof);
  return settleLogin(tailnet, byPerson(proven(tailnet, proof), group), login, "approved", now);
}
