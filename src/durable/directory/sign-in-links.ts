/**
 * One-time links by which a person signs in where there is no OpenID provider, or none that answers, in the bucket of the person's login.
 *
 * Rule [H31]: a link is made by the operator, for one user of one tailnet. It is known by a random secret, of which only the SHA-256 is kept, is good
 *            once, within ten minutes, and is spent in the transaction that opens the session.
 */

import type { SignInProof } from "../people/sign-in-proof.ts";
import { ControlError } from "../refuse.ts";
import type { Store } from "../store.ts";
import { makeRoom } from "./room.ts";

/** Milliseconds for which a link is good. */
export const SIGN_IN_LINK_MS = 10 * 60 * 1000;
/** Links that are good at once for one person: one more takes the place of the oldest. */
const MAX_LINKS = 10;

export type LinkProof = Extract<SignInProof, { kind: "link" }>;

export class SignInLinks {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Keeps a link, and gives when it is over. `hash`: SHA-256 of its secret. */
  keep(hash: Uint8Array, { login, user }: LinkProof, now: number): number {
    const expires = now + SIGN_IN_LINK_MS;
    makeRoom(this.#store, "sign_in_links", { login, most: MAX_LINKS, now });
    this.#store.run(
      "INSERT INTO sign_in_links (secret_hash, login, user, expires) VALUES (?, ?, ?, ?)",
      hash,
      login,
      user,
      expires,
    );
    return expires;
  }

  /** Whom the link is for, or null where there is none that is good. */
  find(hash: Uint8Array, now: number): LinkProof | null {
    const row = this.#store.row(
      "SELECT login, user FROM sign_in_links WHERE secret_hash = ? AND expires > ?",
      hash,
      now,
    );
    return row === null ? null : { kind: "link", login: row.text("login"), user: row.text("user") };
  }

  /** Spends the link [H31]. Throws `forbidden`. */
  spend(hash: Uint8Array, now: number): LinkProof {
    const proof = this.find(hash, now);
    if (proof === null)
      throw new ControlError(
        "forbidden",
        "this sign-in link was used before, or its ten minutes are over: ask for another",
      );
    this.#store.run("DELETE FROM sign_in_links WHERE secret_hash = ?", hash);
    return proof;
  }
}
