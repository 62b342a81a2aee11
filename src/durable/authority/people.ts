/** The part of a tailnet's object that is about people and their credentials: each method is one act, as in TailnetAuthority. */

import type { CredentialParts, Outcome, UserInviteParts } from "../../protocol/index.ts";
import {
  changeClient,
  createClient,
  createToken,
  grantAccess,
  keyOf,
  keysOf,
  revokeKey,
  type ClientOptions,
  type CredentialInfo,
  type Granted,
  type KeyInfo,
  type TokenOptions,
  type Wanted,
} from "../people/credential-acts.ts";
import type { By } from "../audit/events.ts";
import { OperatingAuthority } from "./operating.ts";
import { proveCredential, type ProvenCredential } from "../people/proven-credential.ts";
import { recordRefused, type RefusedAttempt } from "../audit/refused-attempts.ts";
import { addUser, changeUser, userInfo, usersOf, type UserChange, type UserInfo } from "../people/user-acts.ts";
import {
  NOT_GOOD_INVITE,
  acceptUserInvite,
  createUserInvites,
  openUserInvite,
  openUserInvites,
  showUserInvite,
  withdrawUserInvite,
  type AcceptedInvite,
  type ShownInvite,
  type WantedInvite,
} from "../people/user-invite-acts.ts";
import type { OidcProof } from "../people/sign-in-proof.ts";
import type { UserInvite } from "../people/user-invites.ts";

export class PeopleAuthority extends OperatingAuthority {
  users(): Promise<Outcome<UserInfo[]>> {
    return this.acts.living(usersOf);
  }

  user(id: string): Promise<Outcome<UserInfo>> {
    return this.acts.living((tailnet) => userInfo(tailnet, id));
  }

  addUser(by: By, user: { readonly login: string; readonly role: string }): Promise<Outcome<UserInfo>> {
    return this.acts.living((tailnet, now) => addUser(tailnet, by, user, now));
  }

  /** Null once the person is gone. */
  changeUser(by: By, id: string, change: UserChange): Promise<Outcome<UserInfo | null>> {
    return this.acts.living((tailnet, now) => changeUser(tailnet, by, id, change, now));
  }

  /** Invites people, all or none; the texts of the invites are given once. */
  createUserInvites(by: By, wanted: readonly WantedInvite[]): Promise<Outcome<{ invite: UserInvite; text: string }[]>> {
    return this.acts.living((tailnet, now) => createUserInvites(tailnet, by, wanted, now));
  }

  /** Invites that are open. */
  userInvites(): Promise<Outcome<UserInvite[]>> {
    return this.acts.living(openUserInvites);
  }

  /** Refuses with `unknown_invite`. */
  userInvite(id: string): Promise<Outcome<UserInvite>> {
    return this.acts.living((tailnet, now) => openUserInvite(tailnet, id, now));
  }

  withdrawUserInvite(by: By, id: string): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => withdrawUserInvite(tailnet, by, id, now));
  }

  /** What whoever holds an invite is shown of it. Refuses with `bad_invite`; so it does where there is no such tailnet. */
  async showUserInvite(parts: UserInviteParts): Promise<Outcome<ShownInvite>> {
    return asBadInvite(await this.acts.living((tailnet, now) => showUserInvite(tailnet, parts, now)));
  }

  /** Somebody who has signed in becomes a user by an invite [P61]; `group` is the request's ID. Refuses with `bad_invite`, `forbidden`, `name_taken`. */
  async acceptUserInvite(proof: OidcProof, parts: UserInviteParts, group: string): Promise<Outcome<AcceptedInvite>> {
    const act = this.acts.living((tailnet, now) => acceptUserInvite(tailnet, proof, parts, group, now));
    const outcome = asBadInvite(await act);
    if (!outcome.ok) return outcome;
    const done = outcome.value;
    return "why" in done ? { ok: false, error: { code: "forbidden", message: done.why } } : { ok: true, value: done };
  }

  /** Who is behind a credential [P56]. Refuses with `unauthenticated`; so it does where there is no such tailnet. */
  async prove(parts: CredentialParts): Promise<Outcome<ProvenCredential>> {
    const outcome = await this.acts.living((tailnet, now) => proveCredential(tailnet, parts, now));
    return outcome.ok || outcome.error.code !== "unknown_tailnet" ? outcome : NOT_GOOD;
  }

  /** What an OAuth client is given for its secret; `group` is the request's ID. */
  async grantAccess(group: string, parts: CredentialParts, wanted: Wanted): Promise<Outcome<Granted>> {
    const outcome = await this.acts.living((tailnet, now) => grantAccess(tailnet, group, parts, wanted, now));
    return outcome.ok || outcome.error.code !== "unknown_tailnet" ? outcome : NOT_GOOD;
  }

  /** Makes an API token; its text is given once. */
  createToken(by: By, options: TokenOptions): Promise<Outcome<{ info: CredentialInfo; key: string }>> {
    return this.acts.living((tailnet, now) => createToken(tailnet, by, options, now));
  }

  /** Makes an OAuth client; its secret is given once. */
  createClient(by: By, options: ClientOptions): Promise<Outcome<{ info: CredentialInfo; key: string }>> {
    return this.acts.living((tailnet, now) => createClient(tailnet, by, options, now));
  }

  changeClient(by: By, id: string, options: ClientOptions): Promise<Outcome<CredentialInfo>> {
    return this.acts.living((tailnet, now) => changeClient(tailnet, by, id, options, now));
  }

  /** Keys of every kind; of one person alone where `user` is not null. */
  keys(user: string | null): Promise<Outcome<KeyInfo[]>> {
    return this.acts.living((tailnet, now) => keysOf(tailnet, user, now));
  }

  key(id: string): Promise<Outcome<KeyInfo>> {
    return this.acts.living((tailnet, now) => keyOf(tailnet, id, now));
  }

  /** Refuses with `unknown_key_id`; a key that is revoked already is a success. */
  revokeKey(by: By, id: string): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => revokeKey(tailnet, by, id, now));
  }

  /** Puts on the record that the door refused somebody who is known [P52]. */
  refusedAttempt(by: By, attempt: RefusedAttempt): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => {
      recordRefused(tailnet, by, attempt, now);
      return null;
    });
  }
}

/** A tailnet that there is not, or not any more, looks like one whose invite is not good. */
function asBadInvite<T>(outcome: Outcome<T>): Outcome<T> {
  if (outcome.ok || outcome.error.code !== "unknown_tailnet") return outcome;
  return { ok: false, error: { code: "bad_invite", message: NOT_GOOD_INVITE } };
}

const NOT_GOOD = { ok: false, error: { code: "unauthenticated", message: "this credential is not good" } } as const;
