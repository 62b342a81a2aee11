/** The table of invites by which people come to the tailnet. Everything here runs inside the caller's transaction. */

import type { Role } from "../../protocol/index.ts";
import { isSecretOf, newSecret } from "../secret.ts";
import { sha256 } from "../sha256.ts";
import type { Row, Store } from "../store.ts";

/** An invite. Times in milliseconds since the epoch. */
export interface UserInvite {
  /** `i…T…`: it carries the tailnet's. */
  readonly id: string;
  readonly role: Role;
  /** The login of whose alone it is; empty for whoever has it. */
  readonly email: string;
  /** The ID of the person who has made it; null for the operator. */
  readonly inviter: string | null;
  readonly created: number;
  readonly expires: number;
  readonly accepted: number | null;
  /** The ID of whoever has accepted it, or null. */
  readonly user: string | null;
  readonly withdrawn: number | null;
}

export type NewUserInvite = Pick<UserInvite, "id" | "role" | "email" | "inviter" | "created" | "expires">;

function inviteOf(row: Row): UserInvite {
  return {
    id: row.text("id"),
    role: row.text("role") as Role,
    email: row.text("email"),
    inviter: row.textOrNull("inviter"),
    created: row.integer("created"),
    expires: row.integer("expires"),
    accepted: row.integerOrNull("accepted"),
    user: row.textOrNull("user"),
    withdrawn: row.integerOrNull("withdrawn"),
  };
}

/** True for one that somebody could yet accept. */
export function isOpen({ accepted, withdrawn, expires }: UserInvite, now: number): boolean {
  return accepted === null && withdrawn === null && expires > now;
}

export class UserInvites {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Those that somebody could yet accept, the oldest first. */
  open(now: number): UserInvite[] {
    return this.#store
      .rows("SELECT * FROM user_invites ORDER BY created, id")
      .map(inviteOf)
      .filter((invite) => isOpen(invite, now));
  }

  byId(id: string): UserInvite | null {
    const row = this.#store.row("SELECT * FROM user_invites WHERE id = ?", id);
    return row === null ? null : inviteOf(row);
  }

  /** The one whose secret that is, or null. Whether it is still good is not looked at. */
  proven(id: string, secret: string): UserInvite | null {
    const row = this.#store.row("SELECT * FROM user_invites WHERE id = ?", id);
    return isSecretOf(row?.bytes("secret_hash") ?? null, secret) && row !== null ? inviteOf(row) : null;
  }

  /** Adds one, and gives its secret, of which the SHA-256 is kept. */
  add({ id, role, email, inviter, created, expires }: NewUserInvite): string {
    const secret = newSecret();
    this.#store.run(
      "INSERT INTO user_invites (id, secret_hash, role, email, inviter, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
      id,
      sha256(secret),
      role,
      email,
      inviter,
      created,
      expires,
    );
    return secret;
  }

  accept(id: string, user: string, now: number): void {
    this.#store.run("UPDATE user_invites SET accepted = ?, user = ? WHERE id = ?", now, user, id);
  }

  withdraw(id: string, now: number): void {
    this.#store.run("UPDATE user_invites SET withdrawn = ? WHERE id = ?", now, id);
  }
}
