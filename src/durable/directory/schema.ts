/** The tables of a Directory object, as migrations. What each column means is said here; lifetimes are in docs/storage.md. */

export const DIRECTORY_MIGRATIONS: readonly (readonly string[])[] = [
  [
    // Which tailnet a machine is in by which node key.
    `CREATE TABLE routes (
      machine_key TEXT NOT NULL,
      node_key TEXT NOT NULL,
      tailnet TEXT NOT NULL,
      PRIMARY KEY (machine_key, node_key)
    ) WITHOUT ROWID`,
    // The tailnets there are; in one bucket only.
    "CREATE TABLE tailnets (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL) WITHOUT ROWID",
  ],
  [
    // Nodes without an auth key that wait for an admin; in the bucket `logins` only. `tailnet`: the one that the machine was in, as a
    // proposal, and once `state` is "approved" the one that it is let into.
    `CREATE TABLE logins (
      id TEXT PRIMARY KEY,
      machine_key TEXT NOT NULL,
      node_key TEXT NOT NULL,
      hostname TEXT NOT NULL,
      os TEXT NOT NULL,
      created INTEGER NOT NULL,
      expires INTEGER NOT NULL,
      state TEXT NOT NULL,
      tailnet TEXT,
      UNIQUE (machine_key, node_key)
    ) WITHOUT ROWID`,
    "CREATE INDEX logins_expires ON logins (expires)",
  ],
  [
    // When the route was last written: a machine's connection goes where its last route leads.
    "ALTER TABLE routes ADD COLUMN routed INTEGER NOT NULL DEFAULT 0",
    // The tags that the node asks for, as JSON: whoever lets it in is to see them [G17].
    "ALTER TABLE logins ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'",
  ],
  [
    // Sessions of people, one-time links to sign in by, and which tailnets a person may be in; in the buckets of people only, by login in lower
    // case. Of a secret, its SHA-256. `proof` is JSON of a SignInProof; `user` is the user's ID.
    `CREATE TABLE person_sessions (
      secret_hash BLOB PRIMARY KEY,
      login TEXT NOT NULL,
      proof TEXT NOT NULL,
      created INTEGER NOT NULL,
      expires INTEGER NOT NULL
    ) WITHOUT ROWID`,
    "CREATE INDEX person_sessions_login ON person_sessions (login, expires)",
    "CREATE INDEX person_sessions_expires ON person_sessions (expires)",
    `CREATE TABLE sign_in_links (
      secret_hash BLOB PRIMARY KEY,
      login TEXT NOT NULL,
      user TEXT NOT NULL,
      expires INTEGER NOT NULL
    ) WITHOUT ROWID`,
    "CREATE TABLE memberships (login TEXT NOT NULL, tailnet TEXT NOT NULL, PRIMARY KEY (login, tailnet)) WITHOUT ROWID",
  ],
];
