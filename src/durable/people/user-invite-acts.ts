/**
 * What is done with invites of people. Everything here runs inside the caller's transaction. Source of what an invite is: Tailscale's API
 * (`/api/v2/tailnet/{tailnet}/user-invites`) and its documentation of inviting users.
 *
 * Rule [P61]: an invite is known by a random secret, of which the SHA-256 is kept. It is good once, within thirty days, for whoever proves by OpenID
 *             Connect to have the address that it names, or any where it names none; and only while whoever made it may give that role. It is spent in
 *             the transaction that makes the user, and taken again by the same person is answered with success.
 */

import { ROLES, formatUserInvite, timeJson, type Role, type UserInviteParts } from "../../protocol/index.ts";
import { BY_SYSTEM, type By, type Target } from "../audit/events.ts";
import { recordRefused } from "../audit/refused-attempts.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import { randomId } from "../random-id.ts";
import { ControlError } from "../refuse.ts";
import { refuseMoreUserInvites, refuseMoreUsers } from "./key-limits.ts";
import { mayGive } from "./roles.ts";
import { byPerson, named, subjectOf, whyNot } from "./sign-in.ts";
import type { OidcProof } from "./sign-in-proof.ts";
import { refuseGiving, roleNamed } from "./user-acts.ts";
import { isOpen, type UserInvite } from "./user-invites.ts";
import { isIn, loginOf, userTarget, type UserRecord } from "./users.ts";

/** Milliseconds for which an invite is good, as at Tailscale. */
const INVITE_MS = 30 * 24 * 60 * 60 * 1000;

/** Whom to invite. Attacker-controlled. */
export interface WantedInvite {
  readonly role: string;
  /** Empty for whoever has the invite. */
  readonly email: string;
}

/** What somebody who holds an invite is shown of it. */
export interface ShownInvite {
  readonly tailnetName: string;
  readonly role: Role;
  readonly email: string;
  readonly expires: number;
}

/** What came of accepting one. */
export interface AcceptedInvite {
  readonly tailnet: string;
  readonly tailnetName: string;
  readonly login: string;
  /** True where an admin has yet to approve the person [P62]. */
  readonly waiting: boolean;
}

function targetOf({ id, email }: Pick<UserInvite, "id" | "email">): Target {
  return { type: "INVITE", id, name: email };
}

/** As at Tailscale nobody is invited to be an owner. Throws `malformed_request`. */
function roleToGive(text: string): Role {
  const role = roleNamed(text);
  if (role !== "owner") return role;
  const roles = ROLES.filter((each) => each !== "owner").join(", ");
  throw new ControlError(
    "malformed_request",
    `an invite gives one of ${roles}: an owner is made of somebody who is here`,
  );
}

/** Throws `malformed_request`, and `name_taken` for somebody who is here. */
function addressOf(tailnet: Tailnet, text: string): string {
  if (text.trim() === "") return "";
  const email = loginOf(text);
  const known = tailnet.users.byLogin(email);
  if (known === null) return email;
  throw new ControlError("name_taken", `${email} is here already`, { subject: known.id });
}

/** Makes invites, all or none; their texts are given once. Throws `malformed_request`, `name_taken`, `forbidden` [P53], `too_many_invites` [P59]. */
export function createUserInvites(
  tailnet: Tailnet,
  by: By,
  wanted: readonly WantedInvite[],
  now: number,
): { invite: UserInvite; text: string }[] {
  refuseMoreUserInvites(tailnet.store, wanted.length, now);
  return wanted.map(({ role: asked, email: address }) => {
    const [role, email] = [roleToGive(asked), addressOf(tailnet, address)];
    refuseGiving(tailnet, by, role);
    const id = `${randomId("i")}${tailnet.info().id}`;
    const inviter = by.actor.type === "USER" ? by.actor.id : null;
    const made = { id, role, email, inviter, created: now, expires: now + INVITE_MS };
    const detail = { role, email, expires: timeJson(made.expires) };
    tailnet.record(by, { kind: "invite.created", target: targetOf(made), new: detail }, now);
    const text = formatUserInvite({ id, secret: tailnet.userInvites.add(made) });
    return { invite: { ...made, accepted: null, user: null, withdrawn: null }, text };
  });
}

/** Invites that somebody could yet accept, the oldest first. */
export function openUserInvites(tailnet: Tailnet, now: number): UserInvite[] {
  return tailnet.userInvites.open(now);
}

/** One of these. Throws `unknown_invite`. */
export function openUserInvite(tailnet: Tailnet, id: string, now: number): UserInvite {
  const invite = tailnet.userInvites.byId(id);
  if (invite !== null && isOpen(invite, now)) return invite;
  throw new ControlError("unknown_invite", "there is no such invite that is open");
}

/** Withdraws an invite; again is a success. Throws `unknown_invite`, also for one that was accepted, and `forbidden` for a role that one may not take [P53]. */
export function withdrawUserInvite(tailnet: Tailnet, by: By, id: string, now: number): null {
  const known = tailnet.userInvites.byId(id);
  if (known !== null && known.withdrawn !== null) return null;
  const invite = openUserInvite(tailnet, id, now);
  refuseGiving(tailnet, by, invite.role);
  const { role, email } = invite;
  tailnet.record(by, { kind: "invite.withdrawn", target: targetOf(invite), old: { role, email } }, now);
  tailnet.userInvites.withdraw(id, now);
  return null;
}

/** Said of every invite that opens nothing. */
export const NOT_GOOD_INVITE = "this invite is not valid, or not any more: ask for a new one";

/** The invite of that secret, which may be accepted already. Throws `bad_invite`. */
function provenInvite(tailnet: Tailnet, { id, secret }: UserInviteParts, now: number): UserInvite {
  const invite = tailnet.userInvites.proven(id, secret);
  if (invite === null || invite.withdrawn !== null || invite.expires <= now)
    throw new ControlError("bad_invite", NOT_GOOD_INVITE);
  return invite;
}

/** True where whoever made it may give that role as of now [P61]. */
function isStillGiven({ users }: Tailnet, { inviter, role }: UserInvite): boolean {
  const giver = inviter === null ? null : users.byId(inviter);
  return inviter === null || (giver !== null && isIn(giver) && mayGive(giver.role, role));
}

/** What whoever holds the invite is shown, also once it is accepted: the answer to that may have been lost. Throws `bad_invite`. */
export function showUserInvite(tailnet: Tailnet, parts: UserInviteParts, now: number): ShownInvite {
  const invite = provenInvite(tailnet, parts, now);
  if (!isStillGiven(tailnet, invite)) throw new ControlError("bad_invite", NOT_GOOD_INVITE);
  const { role, email, expires } = invite;
  return { tailnetName: tailnet.info().name, role, email, expires };
}

function acceptedAs(tailnet: Tailnet, { login, waiting }: Pick<UserRecord, "login" | "waiting">): AcceptedInvite {
  const { id, name } = tailnet.info();
  return { tailnet: id, tailnetName: name, login, waiting: waiting !== null };
}

/** Whoever has accepted it before comes again. Throws `bad_invite` for anybody else. */
function acceptedAgain(tailnet: Tailnet, proof: OidcProof, { user: id }: UserInvite): AcceptedInvite {
  const user = named(tailnet, proof);
  if (user !== null && user.id === id && user.subject === subjectOf(proof)) return acceptedAs(tailnet, user);
  throw new ControlError("bad_invite", "this invite was used before: ask for a new one");
}

/** Why the invite is not for that person, or null. */
function whyNotFor(tailnet: Tailnet, proof: OidcProof, invite: UserInvite): string | null {
  // With a space before it, say, it would be taken for somebody else's.
  if (loginOf(proof.login) !== proof.login) return "the address that your provider gives is no login name here";
  const known = named(tailnet, proof);
  const why = known === null ? null : whyNot(proof, known);
  if (why !== null) return why;
  if (!isStillGiven(tailnet, invite))
    return "whoever made this invite may not give that role any more: ask for a new one";
  if (invite.email === "" || invite.email === proof.login) return null;
  return `this invite is for another address than ${proof.login}: sign in by that, or ask for a new invite`;
}

/** Makes the person a user, bound to their account [H33]. Throws `too_many_users`. */
function welcome(tailnet: Tailnet, proof: OidcProof, invite: UserInvite, group: string, now: number): AcceptedInvite {
  refuseMoreUsers(tailnet.store);
  const [login, { role }] = [loginOf(proof.login), invite];
  const waiting = tailnet.settings.usersApprovalOn ? now : null;
  const user = { id: `${randomId("u")}${tailnet.info().id}`, login, displayName: login, role, waiting, isFirst: false };
  const by = byPerson(user, group);
  const { issuer, subject } = proof;
  const detail = { login, role, invite: invite.id, approved: waiting === null, issuer, subject };
  tailnet.record(by, { kind: "user.created", target: userTarget(user), new: detail }, now);
  tailnet.users.add(user, now);
  tailnet.users.bind(user.id, subjectOf(proof));
  tailnet.users.noteSeen(user.id, now);
  tailnet.record(by, { kind: "invite.accepted", target: targetOf(invite), new: { user: user.id, login } }, now);
  tailnet.userInvites.accept(invite.id, user.id, now);
  return acceptedAs(tailnet, user);
}

/**
 * Somebody who has signed in accepts an invite [P61]. What is refused to whoever holds a good one is on the record. Throws `bad_invite`,
 * `name_taken` for one who is here already, `too_many_users`.
 */
export function acceptUserInvite(
  tailnet: Tailnet,
  proof: OidcProof,
  parts: UserInviteParts,
  group: string,
  now: number,
): AcceptedInvite | { readonly why: string } {
  const invite = provenInvite(tailnet, parts, now);
  if (invite.accepted !== null) return acceptedAgain(tailnet, proof, invite);
  const why = whyNotFor(tailnet, proof, invite);
  if (why !== null) {
    const attempt = { act: "invite.accept", error: `${invite.id}: ${why}`, countedFor: invite.id };
    recordRefused(tailnet, { ...BY_SYSTEM, group }, attempt, now);
    return { why };
  }
  const known = named(tailnet, proof);
  if (known !== null)
    throw new ControlError("name_taken", `${known.login} is a user of this tailnet already: sign in`, {
      subject: known.id,
    });
  return welcome(tailnet, proof, invite, group, now);
}
