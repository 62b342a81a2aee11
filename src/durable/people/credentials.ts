/**
 * API tokens of people, OAuth clients, and the access tokens that these are given. Everything here runs inside the caller's transaction.
 *
 * Rule [P55]: of a credential its SHA-256 is kept; its text is given once. A wrong secret and an unknown credential look alike, and secrets are
 *             compared in constant time.
 */

import { formatCredential, type CredentialKind, type Scope } from "../../protocol/index.ts";
import { randomId } from "../random-id.ts";
import { isSecretOf, newSecret } from "../secret.ts";
import { sha256 } from "../sha256.ts";
import type { Row, Store } from "../store.ts";

/** An API token or an OAuth client. Times in milliseconds since the epoch. */
export interface CredentialRecord {
  readonly id: string;
  readonly kind: "api" | "client";
  /** The ID of whose the token is, or of who has made the client; null for the operator. */
  readonly user: string | null;
  readonly scopes: readonly Scope[];
  /** Those that a client may give. */
  readonly tags: readonly string[];
  readonly description: string;
  readonly created: number;
  readonly updated: number;
  /** Null for never. */
  readonly expires: number | null;
  readonly revoked: number | null;
  /** Within the hour; null where it never was. */
  readonly lastUsed: number | null;
}

export type NewCredential = Pick<CredentialRecord, "kind" | "user" | "scopes" | "tags" | "description" | "expires">;

/** What an OAuth client was given to act with. */
export interface AccessToken {
  readonly id: string;
  readonly client: string;
  readonly scopes: readonly Scope[];
  readonly tags: readonly string[];
  readonly expires: number;
}

/** How exactly it is known when a credential was last used, in milliseconds. */
const USE_MS = 60 * 60 * 1000;

/** True if it is the secret of the row; as slow where there is none. */
function isProvenBy(row: Row | null, secret: string): row is Row {
  return isSecretOf(row?.bytes("secret_hash") ?? null, secret);
}

function list<T extends string>(row: Row, column: string): T[] {
  return JSON.parse(row.text(column)) as T[];
}

function credentialOf(row: Row): CredentialRecord {
  return {
    id: row.text("id"),
    kind: row.text("kind") as CredentialRecord["kind"],
    user: row.textOrNull("user"),
    scopes: list<Scope>(row, "scopes"),
    tags: list(row, "tags"),
    description: row.text("description"),
    created: row.integer("created"),
    updated: row.integer("updated"),
    expires: row.integerOrNull("expires"),
    revoked: row.integerOrNull("revoked"),
    lastUsed: row.integerOrNull("last_used"),
  };
}

export class Credentials {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  #text(kind: CredentialKind, tailnet: string): { id: string; hash: Uint8Array; text: string } {
    const [id, secret] = [randomId("k"), newSecret()];
    return { id, hash: sha256(secret), text: formatCredential({ kind, tailnet, id, secret }) };
  }

  /** Makes one; its text is given once [P55]. */
  create(tailnet: string, wanted: NewCredential, now: number): { credential: CredentialRecord; text: string } {
    const { kind, user, scopes, tags, description, expires } = wanted;
    const { id, hash, text } = this.#text(kind, tailnet);
    this.#store.run(
      `INSERT INTO credentials (id, kind, secret_hash, user, scopes, tags, description, created, updated, expires)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?8, ?8, ?)`,
      id,
      kind,
      hash,
      user,
      JSON.stringify(scopes),
      JSON.stringify(tags),
      description,
      now,
      expires,
    );
    const credential = { id, ...wanted, created: now, updated: now, revoked: null, lastUsed: null };
    return { credential, text };
  }

  /** All that there were, the newest first. */
  all(): CredentialRecord[] {
    return this.#store.rows("SELECT * FROM credentials ORDER BY created DESC, id").map(credentialOf);
  }

  byId(id: string): CredentialRecord | null {
    const row = this.#store.row("SELECT * FROM credentials WHERE id = ?", id);
    return row === null ? null : credentialOf(row);
  }

  /** The one whose secret that is, or null. Whether it is still good is not looked at. */
  proven(kind: CredentialRecord["kind"], id: string, secret: string): CredentialRecord | null {
    const row = this.#store.row("SELECT * FROM credentials WHERE id = ? AND kind = ?", id, kind);
    return isProvenBy(row, secret) ? credentialOf(row) : null;
  }

  /** Notes that it was used, once an hour. */
  noteUse({ id, lastUsed }: CredentialRecord, now: number): void {
    if (lastUsed === null || now - lastUsed >= USE_MS)
      this.#store.run("UPDATE credentials SET last_used = ? WHERE id = ?", now, id);
  }

  change(id: string, to: Pick<CredentialRecord, "scopes" | "tags" | "description">, now: number): void {
    this.#store.run(
      "UPDATE credentials SET scopes = ?, tags = ?, description = ?, updated = ? WHERE id = ?",
      JSON.stringify(to.scopes),
      JSON.stringify(to.tags),
      to.description,
      now,
      id,
    );
  }

  /** Revokes it; access tokens of a client go with it. */
  revoke(id: string, now: number): void {
    this.#store.run("UPDATE credentials SET revoked = ? WHERE id = ? AND revoked IS NULL", now, id);
    this.#store.run("DELETE FROM access_tokens WHERE client = ?", id);
  }

  /** How many access tokens of a client are good; those of anybody's that are over go. */
  countAccess(client: string, now: number): number {
    this.#store.run("DELETE FROM access_tokens WHERE expires <= ?", now);
    const row = this.#store.row("SELECT COUNT(*) AS tokens FROM access_tokens WHERE client = ?", client);
    return row?.integer("tokens") ?? 0;
  }

  /** Gives a client what it acts with; the text is given once [P55]. */
  grant(tailnet: string, token: Omit<AccessToken, "id">): { id: string; text: string } {
    const { id, hash, text } = this.#text("access", tailnet);
    const { client, scopes, tags, expires } = token;
    this.#store.run(
      "INSERT INTO access_tokens (id, secret_hash, client, scopes, tags, expires) VALUES (?, ?, ?, ?, ?, ?)",
      id,
      hash,
      client,
      JSON.stringify(scopes),
      JSON.stringify(tags),
      expires,
    );
    return { id, text };
  }

  /** The access token whose secret that is, or null. Whether it is still good is not looked at. */
  provenAccess(id: string, secret: string): AccessToken | null {
    const row = this.#store.row("SELECT * FROM access_tokens WHERE id = ?", id);
    if (!isProvenBy(row, secret)) return null;
    const [scopes, tags] = [list<Scope>(row, "scopes"), list<string>(row, "tags")];
    return { id, client: row.text("client"), scopes, tags, expires: row.integer("expires") };
  }
}
