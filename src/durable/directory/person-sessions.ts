/**
 * Sessions of people who have signed in, in the bucket of their login. A session says who somebody is, and nothing of what they may: that is the
 * authority's to say, each time.
 *
 * Rule [H30]: a session is known by a random secret, of which only the SHA-256 is kept. It ends 12 hours after it was last used, seven days after it
 *            began, and when its person signs out, of it or of all.
 */

import { loginName } from "../../protocol/index.ts";
import type { SignInProof } from "../people/sign-in-proof.ts";
import type { Row, Store } from "../store.ts";
import { makeRoom } from "./room.ts";

/** Milliseconds for which a session may go unused. */
export const SESSION_IDLE_MS = 12 * 60 * 60 * 1000;
/** Milliseconds after which it ends in any case. */
export const SESSION_MS = 7 * 24 * 60 * 60 * 1000;
/** Milliseconds to which it is known when a session was last used: not every request is a write. */
const USED_MS = 5 * 60 * 1000;
/** Sessions that one person has: one more ends the one that would end first. */
const MAX_SESSIONS = 50;

export interface PersonSession {
  readonly proof: SignInProof;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** When it ends, unless it is used before. */
  readonly expires: number;
}

function sessionOf(row: Row): PersonSession {
  const proof = JSON.parse(row.text("proof")) as SignInProof;
  return { proof, created: row.integer("created"), expires: row.integer("expires") };
}

function endOf(created: number, now: number): number {
  return Math.min(now + SESSION_IDLE_MS, created + SESSION_MS);
}

export class PersonSessions {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Opens a session. `hash`: SHA-256 of its secret. */
  open(hash: Uint8Array, proof: SignInProof, now: number): void {
    const login = loginName(proof.login);
    makeRoom(this.#store, "person_sessions", { login, most: MAX_SESSIONS, now });
    this.#store.run(
      "INSERT INTO person_sessions (secret_hash, login, proof, created, expires) VALUES (?, ?, ?, ?, ?)",
      hash,
      login,
      JSON.stringify(proof),
      now,
      endOf(now, now),
    );
  }

  /** The session with that secret, which is thereby used; null where there is none, or it has ended. */
  use(hash: Uint8Array, now: number): PersonSession | null {
    const sql = "SELECT proof, created, expires FROM person_sessions WHERE secret_hash = ? AND expires > ?";
    const row = this.#store.row(sql, hash, now);
    if (row === null) return null;
    const session = sessionOf(row);
    const expires = endOf(session.created, now);
    if (expires - session.expires < USED_MS) return session;
    this.#store.run("UPDATE person_sessions SET expires = ? WHERE secret_hash = ?", expires, hash);
    return { ...session, expires };
  }

  close(hash: Uint8Array): void {
    this.#store.run("DELETE FROM person_sessions WHERE secret_hash = ?", hash);
  }

  /** Ends all sessions of the person whose session that is; none where it has ended. */
  closeAll(hash: Uint8Array, now: number): void {
    this.#store.run(
      "DELETE FROM person_sessions WHERE login = (SELECT login FROM person_sessions WHERE secret_hash = ? AND expires > ?)",
      hash,
      now,
    );
  }
}
