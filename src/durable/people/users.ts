/**
 * The tailnet's people. Everything here runs inside the caller's transaction.
 *
 * Rule [P50]: a person's role and standing are here alone, beside what is decided by them: a change holds from the next act on.
 * Rule [P62]: who waits for approval is nobody here yet: they sign in to nothing, no credential or device is theirs, and no policy knows them.
 */

import { loginName } from "../../protocol/index.ts";
import type { Person } from "../../policy/index.ts";
import type { Role, UserProfile } from "../../protocol/index.ts";
import type { Actor, Target } from "../audit/events.ts";
import { ControlError } from "../refuse.ts";
import type { Row, Store } from "../store.ts";
import { firstProfile, goneUser, personProfile } from "./user-profiles.ts";

/** A person. Times in milliseconds since the epoch. */
export interface UserRecord {
  /** `u…T…`: it carries the tailnet's. */
  readonly id: string;
  readonly login: string;
  readonly displayName: string;
  readonly role: Role;
  /** Since when, or null. */
  readonly suspended: number | null;
  /** Since when an admin has yet to approve them, or null. */
  readonly waiting: number | null;
  /** Whom a provider of identities knows the person as, or null until the first sign-in. */
  readonly subject: string | null;
  readonly created: number;
  readonly lastSeen: number | null;
  /** True for the one that the tailnet was made with. */
  readonly isFirst: boolean;
}

/** As whom approvals name the operator that are from before there were people. */
const FORMER_OPERATOR = "owner";

const LOGIN = /^[^@\s:*/\p{Cc}\p{Cf}]{1,128}@[^@\s:*/\p{Cc}\p{Cf}]{1,128}$/u;

/** An attacker-controlled login name as it is stored. Throws `malformed_request` for one that a policy could not name. */
export function loginOf(text: string): string {
  const login = loginName(text.trim()).toWellFormed();
  if (LOGIN.test(login)) return login;
  throw new ControlError("malformed_request", "a login name is of the form name@domain, at most 128 characters each");
}

/** The ID of the person that a tailnet is made with: nobody else's has those letters. */
export function firstUserId(tailnet: string): string {
  return `u${tailnet.slice(1)}${tailnet}`;
}

function userOf(row: Row): UserRecord {
  return {
    id: row.text("id"),
    login: row.text("login"),
    displayName: row.text("display_name"),
    role: row.text("role") as Role,
    suspended: row.integerOrNull("suspended"),
    waiting: row.integerOrNull("waiting"),
    subject: row.textOrNull("subject"),
    created: row.integer("created"),
    lastSeen: row.integerOrNull("last_seen"),
    isFirst: row.integerOrNull("profile") === null,
  };
}

/** True for one who may act: not suspended, and approved [P62]. */
export function isIn({ suspended, waiting }: Pick<UserRecord, "suspended" | "waiting">): boolean {
  return suspended === null && waiting === null;
}

/** A person as what an event is about. */
export function userTarget({ id, login }: Pick<UserRecord, "id" | "login">, property?: string): Target {
  return { type: "USER", id, name: login, ...(property === undefined ? {} : { property }) };
}

/** A person as whose devices are shown in maps. */
export function profileOf({ id, login, displayName, isFirst }: UserRecord, domain: string): UserProfile {
  return { ID: isFirst ? firstProfile(domain) : personProfile(id), LoginName: login, DisplayName: displayName };
}

/** The same, or as whom devices are shown whose person is gone. */
export function profileOrGone(user: UserRecord | null, domain: string): UserProfile {
  return user === null ? goneUser(domain) : profileOf(user, domain);
}

/** The `autogroup:` names that somebody of a role is in: an owner may do all that an admin may. */
function groupsOf(role: Role): readonly Role[] {
  if (role === "member") return ["member"];
  return role === "owner" ? ["member", "owner", "admin"] : ["member", role];
}

export class Users {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** All of them, the eldest first. */
  all(): UserRecord[] {
    return this.#store.rows("SELECT * FROM users ORDER BY profile IS NOT NULL, created, id").map(userOf);
  }

  #one(column: "id" | "login" | "subject", value: string): UserRecord | null {
    const row = this.#store.row(`SELECT * FROM users WHERE ${column} = ?`, value);
    return row === null ? null : userOf(row);
  }

  byId(id: string): UserRecord | null {
    return this.#one("id", id);
  }

  byLogin(login: string): UserRecord | null {
    return this.#one("login", login);
  }

  bySubject(subject: string): UserRecord | null {
    return this.#one("subject", subject);
  }

  /** Throws `unknown_user`. */
  require(id: string): UserRecord {
    const user = this.byId(id);
    if (user === null) throw new ControlError("unknown_user", "there is no such user");
    return user;
  }

  /** The one that the tailnet was made with, or null once that is gone. */
  first(): UserRecord | null {
    const row = this.#store.row("SELECT * FROM users WHERE profile IS NULL");
    return row === null ? null : userOf(row);
  }

  /** Owners who may act, the eldest first: there is always one [P51]. */
  owners(): UserRecord[] {
    return this.all().filter((user) => user.role === "owner" && isIn(user));
  }

  /** The person behind an actor who is here and may act; null for any other, and for what is no person. */
  behind({ type, id }: Pick<Actor, "type" | "id">): UserRecord | null {
    const user = type === "USER" ? this.byId(id) : null;
    return user !== null && isIn(user) ? user : null;
  }

  /** As whose acts the actor's count: the person's own, or for the operator the eldest owner's. Null for any other. */
  standIn(actor: Pick<Actor, "type" | "id">): UserRecord | null {
    const isOperator = actor.type === "OPERATOR" || (actor.type === "USER" && actor.id === FORMER_OPERATOR);
    return isOperator ? (this.owners()[0] ?? null) : this.behind(actor);
  }

  /** People as a policy knows them: who may not act is nobody. */
  people(): Person[] {
    return this.all()
      .filter(isIn)
      .map(({ login, role }) => ({ login, roles: groupsOf(role) }));
  }

  /** Adds a person; `isFirst` for the one that the tailnet is made with. */
  add(user: Pick<UserRecord, "id" | "login" | "displayName" | "role" | "waiting" | "isFirst">, now: number): void {
    this.#store.run(
      "INSERT INTO users (id, profile, login, display_name, role, waiting, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
      user.id,
      user.isFirst ? null : personProfile(user.id),
      user.login,
      user.displayName,
      user.role,
      user.waiting,
      now,
    );
  }

  setRole(id: string, role: Role): void {
    this.#store.run("UPDATE users SET role = ? WHERE id = ?", role, id);
  }

  /** Suspends from `since` on; null restores. */
  setSuspended(id: string, since: number | null): void {
    this.#store.run("UPDATE users SET suspended = ? WHERE id = ?", since, id);
  }

  approve(id: string): void {
    this.#store.run("UPDATE users SET waiting = NULL WHERE id = ?", id);
  }

  /** Binds the person to whom a provider of identities knows. */
  bind(id: string, subject: string): void {
    this.#store.run("UPDATE users SET subject = ? WHERE id = ?", subject, id);
  }

  /** Notes that the person was here. Nobody sees it. */
  noteSeen(id: string, now: number): void {
    this.#store.run("UPDATE users SET last_seen = ? WHERE id = ?", now, id);
  }

  remove(id: string): void {
    this.#store.run("DELETE FROM users WHERE id = ?", id);
    this.#store.run("INSERT OR REPLACE INTO removed_users (id) VALUES (?)", id);
  }

  /** True if there was a person of that ID, who is gone. */
  wasRemoved(id: string): boolean {
    return this.#store.row("SELECT 1 FROM removed_users WHERE id = ?", id) !== null;
  }
}
