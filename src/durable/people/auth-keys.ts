/** The tailnet's auth keys: made, and spent in the transaction that registers the node. */

import { formatAuthKey, type AuthKeyParts } from "../../protocol/index.ts";
import { randomId } from "../random-id.ts";
import { ControlError } from "../refuse.ts";
import { isSecretOf, newSecret } from "../secret.ts";
import { sha256 } from "../sha256.ts";
import type { Row, Store } from "../store.ts";

export interface AuthKeyOptions {
  readonly reusable: boolean;
  readonly ephemeral: boolean;
  readonly preauthorized: boolean;
  readonly tags: readonly string[];
  readonly description: string;
  readonly expirySeconds: number;
}

export interface AuthKeyInfo extends Omit<AuthKeyOptions, "expirySeconds"> {
  readonly id: string;
  /** The ID of the person who has made it, or null. */
  readonly user: string | null;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  /** When it was revoked, or null. */
  readonly revoked: number | null;
  /** True if it lets nobody in any more. */
  readonly invalid: boolean;
}

function infoOf(row: Row, now: number): AuthKeyInfo {
  const isSpent = row.integer("reusable") === 0 && row.integer("uses") > 0;
  const revoked = row.integerOrNull("revoked");
  return {
    id: row.text("id"),
    user: row.textOrNull("user"),
    reusable: row.integer("reusable") === 1,
    ephemeral: row.integer("ephemeral") === 1,
    preauthorized: row.integer("preauthorized") === 1,
    tags: JSON.parse(row.text("tags")) as string[],
    description: row.text("description"),
    created: row.integer("created"),
    expires: row.integer("expires"),
    revoked,
    invalid: isSpent || revoked !== null || row.integer("expires") <= now,
  };
}

export class AuthKeys {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Makes a key. Its text is given once, and only its hash is kept. */
  create(
    tailnet: string,
    user: string | null,
    options: AuthKeyOptions,
    now: number,
  ): { info: AuthKeyInfo; key: string } {
    const id = randomId("k");
    const secret = newSecret();
    const { reusable, ephemeral, preauthorized, tags, description, expirySeconds } = options;
    const info = {
      id,
      user,
      reusable,
      ephemeral,
      preauthorized,
      tags,
      description,
      created: now,
      expires: now + expirySeconds * 1000,
      revoked: null,
      invalid: false,
    };
    this.#store.run(
      `INSERT INTO auth_keys (id, secret_hash, reusable, ephemeral, preauthorized, tags, description, created, expires, uses, user)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`,
      id,
      sha256(secret),
      reusable ? 1 : 0,
      ephemeral ? 1 : 0,
      preauthorized ? 1 : 0,
      JSON.stringify(tags),
      description,
      now,
      info.expires,
      user,
    );
    return { info, key: formatAuthKey({ tailnet, keyId: id, secret }) };
  }

  /** All keys that there were, the newest first. */
  all(now: number): AuthKeyInfo[] {
    return this.#store.rows("SELECT * FROM auth_keys ORDER BY created DESC, id").map((row) => infoOf(row, now));
  }

  /** Throws `unknown_key_id`. */
  require(id: string, now: number): AuthKeyInfo {
    const row = this.#store.row("SELECT * FROM auth_keys WHERE id = ?", id);
    if (row === null) throw new ControlError("unknown_key_id", "there is no auth key of that ID");
    return infoOf(row, now);
  }

  has(id: string): boolean {
    return this.#store.row("SELECT 1 FROM auth_keys WHERE id = ?", id) !== null;
  }

  /** Revokes a key: it lets nobody in from now on, and whoever it has let in stays. */
  revoke(id: string, now: number): void {
    this.#store.run("UPDATE auth_keys SET revoked = ? WHERE id = ? AND revoked IS NULL", now, id);
  }

  /**
   * Spends a key; `again` for what it was spent for before. Throws `bad_auth_key`, `auth_key_expired` or `auth_key_spent`. A wrong secret and an
   * unknown key look alike.
   */
  spend({ keyId, secret }: AuthKeyParts, again: boolean, now: number): AuthKeyInfo {
    const row = this.#store.row("SELECT * FROM auth_keys WHERE id = ?", keyId);
    if (!isSecretOf(row?.bytes("secret_hash") ?? null, secret) || row === null)
      throw new ControlError("bad_auth_key", "this auth key is not valid: ask an admin for a new one");
    const info = infoOf(row, now);
    if (info.revoked !== null)
      throw new ControlError("bad_auth_key", "this auth key was revoked: ask an admin for a new one");
    if (info.expires <= now)
      throw new ControlError("auth_key_expired", "this auth key has expired: ask an admin for a new one");
    if (again) return info;
    if (!info.reusable && row.integer("uses") > 0)
      throw new ControlError(
        "auth_key_spent",
        "this auth key was for one node, and is spent: ask an admin for a new one",
      );
    this.#store.run("UPDATE auth_keys SET uses = uses + 1 WHERE id = ?", keyId);
    return info;
  }
}
