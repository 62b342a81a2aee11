/** The tables of a TailnetAuthority object, as migrations. What each column means is said here; lifetimes are in docs/storage.md. */

export const AUTHORITY_MIGRATIONS: readonly (readonly string[])[] = [
  [
    // The tailnet itself, one row. `seq` counts every change that a node can see; `lock_seq` is the one at which the lock last changed.
    `CREATE TABLE tailnet (
      id TEXT NOT NULL,
      name TEXT NOT NULL,
      epoch TEXT NOT NULL,
      created INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      lock_seq INTEGER NOT NULL
    )`,
    // Chains of this tailnet: the active one, and those that were retired, each with the secret that retired it. `losing_…` count what was
    // stored of branches that did not win.
    `CREATE TABLE chains (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      genesis TEXT NOT NULL,
      head TEXT,
      ancestor TEXT,
      finish_digest BLOB NOT NULL,
      enabled INTEGER NOT NULL,
      losing_aums INTEGER NOT NULL DEFAULT 0,
      losing_bytes INTEGER NOT NULL DEFAULT 0,
      retired INTEGER,
      secret BLOB
    )`,
    "CREATE UNIQUE INDEX chains_active ON chains ((1)) WHERE retired IS NULL",
    // Verified AUMs, in their canonical encoding.
    `CREATE TABLE aums (
      chain INTEGER NOT NULL,
      hash TEXT NOT NULL,
      parent TEXT,
      committed INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (chain, hash)
    ) WITHOUT ROWID`,
    "CREATE INDEX aums_parent ON aums (chain, parent)",
    // An init that has begun and not finished, one row at most. `listed` is JSON: node IDs and the node keys that they had.
    `CREATE TABLE pending_init (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      node_key TEXT NOT NULL,
      genesis BLOB NOT NULL,
      begun INTEGER NOT NULL,
      listed TEXT NOT NULL
    )`,
    // Nodes. `changed` is the tailnet's seq at the last change that peers can see; `signed_by` the trusted key behind the signature.
    `CREATE TABLE nodes (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      stable_id TEXT NOT NULL UNIQUE,
      machine_key TEXT NOT NULL,
      node_key TEXT NOT NULL UNIQUE,
      lock_key BLOB,
      name TEXT NOT NULL UNIQUE,
      hostname TEXT NOT NULL,
      os TEXT NOT NULL,
      client_version TEXT NOT NULL,
      cap_version INTEGER NOT NULL,
      tags TEXT NOT NULL,
      ephemeral INTEGER NOT NULL,
      key_signature BLOB,
      signed_by BLOB,
      tka_head TEXT NOT NULL,
      created INTEGER NOT NULL,
      changed INTEGER NOT NULL
    )`,
    "CREATE INDEX nodes_changed ON nodes (changed)",
    "CREATE INDEX nodes_signed_by ON nodes (signed_by)",
    // Node keys that were replaced, and whose they were: nobody else may take them up.
    "CREATE TABLE retired_keys (node_key TEXT PRIMARY KEY, node_id INTEGER NOT NULL) WITHOUT ROWID",
    // Auth keys; of the secret, its SHA-256.
    `CREATE TABLE auth_keys (
      id TEXT PRIMARY KEY,
      secret_hash BLOB NOT NULL,
      reusable INTEGER NOT NULL,
      ephemeral INTEGER NOT NULL,
      preauthorized INTEGER NOT NULL,
      tags TEXT NOT NULL,
      description TEXT NOT NULL,
      created INTEGER NOT NULL,
      expires INTEGER NOT NULL,
      uses INTEGER NOT NULL
    ) WITHOUT ROWID`,
    // Nonces of signed requests, until the signatures expire.
    `CREATE TABLE nonces (
      machine_key TEXT NOT NULL,
      nonce TEXT NOT NULL,
      expires INTEGER NOT NULL,
      PRIMARY KEY (machine_key, nonce)
    ) WITHOUT ROWID`,
    "CREATE INDEX nonces_expires ON nonces (expires)",
  ],
  [
    // What an admin has set, as JSON of the fields that are not as they come. `deleted`: when the tailnet was given up, or null.
    "ALTER TABLE tailnet ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE tailnet ADD COLUMN deleted INTEGER",
    // `key_expiry`: when the node key is over, or null for never. `authorized`: 0 while it waits for device approval.
    "ALTER TABLE nodes ADD COLUMN key_expiry INTEGER",
    "ALTER TABLE nodes ADD COLUMN authorized INTEGER NOT NULL DEFAULT 1",
    // A node's ID names its tailnet: the admin API finds a device by it.
    "UPDATE nodes SET stable_id = stable_id || (SELECT id FROM tailnet)",
    // To which new node key the signature of the present one was handed for rotating, and how many times (nodes/registration.ts).
    "ALTER TABLE nodes ADD COLUMN handed_to TEXT",
    "ALTER TABLE nodes ADD COLUMN handed INTEGER NOT NULL DEFAULT 0",
    // Nonces by the time at which they are over: a request that comes again names the same, since it is signed too. No index is needed.
    `CREATE TABLE taken_nonces (
      expires INTEGER NOT NULL,
      machine_key TEXT NOT NULL,
      nonce TEXT NOT NULL,
      PRIMARY KEY (expires, machine_key, nonce)
    ) WITHOUT ROWID`,
    "INSERT INTO taken_nonces (expires, machine_key, nonce) SELECT expires, machine_key, nonce FROM nonces",
    "DROP TABLE nonces",
    // When an auth key was revoked, or null.
    "ALTER TABLE auth_keys ADD COLUMN revoked INTEGER",
    // Logins that an admin has approved, until the node comes back and takes its place (nodes/logins.ts). `approved_by` is JSON of an Actor.
    `CREATE TABLE approvals (
      machine_key TEXT NOT NULL,
      node_key TEXT NOT NULL,
      login TEXT NOT NULL,
      approved_by TEXT NOT NULL,
      expires INTEGER NOT NULL,
      PRIMARY KEY (machine_key, node_key)
    ) WITHOUT ROWID`,
    // How far a node is that has slept through the end of a lock (lock/awakening.ts), the chain whose genesis it was given last, and whether it
    // ignores the lock by its owner's choice.
    "ALTER TABLE nodes ADD COLUMN awakening INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE nodes ADD COLUMN seen_chain INTEGER",
    "ALTER TABLE nodes ADD COLUMN ignores_lock INTEGER NOT NULL DEFAULT 0",
    // The seq at the last change that the node itself can see, and its peers cannot.
    "ALTER TABLE nodes ADD COLUMN self_changed INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX nodes_self_changed ON nodes (self_changed)",
    "CREATE INDEX nodes_lock_key ON nodes (lock_key)",
    // A support secret that was sealed (lock/support.ts): the key that it is sealed to, its disablement value, and the box until the chain retires.
    "ALTER TABLE chains ADD COLUMN support_key BLOB",
    "ALTER TABLE chains ADD COLUMN support_value BLOB",
    "ALTER TABLE chains ADD COLUMN support_box BLOB",
    // A node of another tailnet that is shared in, or that of a tailnet to which one is shared out: that tailnet, and its stable ID there.
    "ALTER TABLE nodes ADD COLUMN home TEXT",
    "ALTER TABLE nodes ADD COLUMN home_id TEXT",
    "CREATE UNIQUE INDEX nodes_home ON nodes (home, home_id) WHERE home IS NOT NULL",
    // Shares of a node with another tailnet: `out` at home, `in` where it was accepted (sharing/shares.ts). Of the invite's secret, its SHA-256.
    `CREATE TABLE shares (
      id TEXT NOT NULL,
      side TEXT NOT NULL,
      node TEXT NOT NULL,
      secret_hash BLOB,
      other TEXT,
      other_name TEXT,
      created INTEGER NOT NULL,
      expires INTEGER NOT NULL,
      accepted INTEGER,
      accepted_by TEXT,
      ended INTEGER,
      PRIMARY KEY (id, side)
    ) WITHOUT ROWID`,
    "CREATE INDEX shares_other ON shares (other)",
    // What is known of the exchange with another tailnet.
    `CREATE TABLE links (
      user INTEGER PRIMARY KEY AUTOINCREMENT,
      other TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      seen_epoch TEXT NOT NULL DEFAULT '',
      seen_era INTEGER NOT NULL DEFAULT 0,
      seen_seq INTEGER NOT NULL DEFAULT 0,
      seen_digest TEXT NOT NULL DEFAULT '',
      acked TEXT NOT NULL DEFAULT '',
      checked INTEGER NOT NULL DEFAULT -1,
      due INTEGER,
      tries INTEGER NOT NULL DEFAULT 0,
      placed TEXT NOT NULL DEFAULT '[]',
      refused INTEGER NOT NULL DEFAULT 0
    )`,
    // Nodes that are gone, and the seq at which they went.
    "CREATE TABLE removed_nodes (id INTEGER PRIMARY KEY, stable_id TEXT NOT NULL, machine_key TEXT NOT NULL, seq INTEGER NOT NULL)",
    "CREATE INDEX removed_nodes_seq ON removed_nodes (seq)",
    // The layout of the tailnet's sessions objects: how many it has of its own; 0 where it shares [X3].
    "ALTER TABLE tailnet ADD COLUMN shards INTEGER NOT NULL DEFAULT 0",
    // Sessions objects that a session of the tailnet was sent to, and when that was last so, roughly.
    "CREATE TABLE session_shards (name TEXT PRIMARY KEY, admitted INTEGER NOT NULL) WITHOUT ROWID",
    // The record: one row an event, hash-linked within its epoch (audit/events.ts).
    `CREATE TABLE events (
      epoch TEXT NOT NULL,
      seq INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      kind TEXT NOT NULL,
      actor TEXT NOT NULL,
      origin TEXT NOT NULL,
      target TEXT NOT NULL,
      old TEXT NOT NULL,
      new TEXT NOT NULL,
      hash BLOB NOT NULL
    )`,
    // Where an AUM stands (lock/places.ts). `place`: on the active chain, its distance from the oldest AUM stored; null beside it. `checkpoint`: 1
    // for one. `loser`: 1 for what was stored of a branch that did not win [Y3]. `ancestor_place`: the place of the chain's ancestor; what is
    // before it is the archive [Y4].
    "ALTER TABLE aums ADD COLUMN place INTEGER",
    "ALTER TABLE aums ADD COLUMN checkpoint INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE aums ADD COLUMN loser INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chains ADD COLUMN ancestor_place INTEGER NOT NULL DEFAULT 0",
    `WITH RECURSIVE way (chain, hash, parent, back) AS (
       SELECT aums.chain, aums.hash, aums.parent, 0 FROM chains JOIN aums ON aums.chain = chains.id AND aums.hash = chains.head
       UNION ALL
       SELECT aums.chain, aums.hash, aums.parent, way.back + 1 FROM way
       JOIN aums ON aums.chain = way.chain AND aums.hash = way.parent),
     longest (chain, back) AS (SELECT chain, MAX(back) FROM way GROUP BY chain)
     UPDATE aums SET place = longest.back - way.back FROM way JOIN longest ON longest.chain = way.chain
     WHERE way.chain = aums.chain AND way.hash = aums.hash`,
    // An encoding begins with its map's header, then key 1 and the kind: 5 is a checkpoint.
    "UPDATE aums SET checkpoint = substr(bytes, 2, 2) = x'0105', loser = place IS NULL",
    "CREATE UNIQUE INDEX aums_place ON aums (chain, place)",
    "CREATE INDEX aums_checkpoints ON aums (chain, place) WHERE checkpoint = 1",
    // When this epoch began: of two epochs the later counts, for whoever has rows of both.
    "ALTER TABLE tailnet ADD COLUMN era INTEGER NOT NULL DEFAULT 0",
    // Events that D1 is not known to have. How far the sessions objects are known to be, and how often the rest was sent again; one row.
    "CREATE TABLE outbox (seq INTEGER PRIMARY KEY)",
    "CREATE TABLE delivery (one INTEGER PRIMARY KEY CHECK (one = 1), sessions INTEGER NOT NULL, tries INTEGER NOT NULL)",
    "INSERT INTO delivery (one, sessions, tries) VALUES (1, 0, 0)",
  ],
  [
    // The auth key that let a node in last, or null, and whether the node was heard of since by the key that it came in with (nodes/predecessor.ts).
    "ALTER TABLE nodes ADD COLUMN auth_key TEXT",
    "ALTER TABLE nodes ADD COLUMN heard INTEGER NOT NULL DEFAULT 1",
    "CREATE INDEX nodes_machine_key ON nodes (machine_key)",
    // The `key_expiry` of which an event has told: a key that runs out is told of once (nodes/key-expiry.ts).
    "ALTER TABLE nodes ADD COLUMN expiry_told INTEGER",
    "UPDATE nodes SET expiry_told = key_expiry WHERE key_expiry <= unixepoch() * 1000",
    "CREATE INDEX nodes_expiry ON nodes (key_expiry) WHERE home IS NULL AND key_expiry IS NOT NULL AND key_expiry IS NOT expiry_told",
    "CREATE INDEX nodes_ephemeral ON nodes (ephemeral) WHERE ephemeral = 1",
    // Policy files that were set; the last one holds (settings/policy-files.ts).
    "CREATE TABLE policies (seq INTEGER PRIMARY KEY, etag TEXT NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL)",
    // The seq of the last change that may have changed what a node is given by the policy [F14], and 1 where nodes matter to it.
    "ALTER TABLE tailnet ADD COLUMN policy_seq INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE tailnet ADD COLUMN policy_of_nodes INTEGER NOT NULL DEFAULT 0",
    // Nodes as they are at this moment [M13]: connected by which sessions object, or when last seen; where they can be reached; what they say of
    // their hosts. `…_at`: the number, of the tailnet's `presence`, at which that part last changed. `endpoints` and `host` are JSON.
    "ALTER TABLE tailnet ADD COLUMN presence INTEGER NOT NULL DEFAULT 0",
    `CREATE TABLE presence (
      node_id INTEGER PRIMARY KEY,
      changed INTEGER NOT NULL DEFAULT 0,
      online INTEGER NOT NULL DEFAULT 0,
      holder TEXT NOT NULL DEFAULT '',
      last_seen INTEGER,
      disco_key TEXT NOT NULL DEFAULT '',
      endpoints TEXT NOT NULL DEFAULT '[]',
      home_derp INTEGER NOT NULL DEFAULT 0,
      host TEXT NOT NULL DEFAULT '{}',
      online_at INTEGER NOT NULL DEFAULT 0,
      disco_at INTEGER NOT NULL DEFAULT 0,
      place_at INTEGER NOT NULL DEFAULT 0,
      host_at INTEGER NOT NULL DEFAULT 0
    )`,
    "CREATE INDEX presence_changed ON presence (changed)",
    "CREATE INDEX presence_holder ON presence (holder) WHERE online = 1",
    // The seq at which the settings of DNS last changed.
    "ALTER TABLE tailnet ADD COLUMN dns_seq INTEGER NOT NULL DEFAULT 0",
    // The tags that the node asked for when the login was approved, as JSON [G17].
    "ALTER TABLE approvals ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'",
  ],
  [
    // The request whose act the event is of [W16]; null in those that were stored before this column was there (audit/events.ts).
    "ALTER TABLE events ADD COLUMN event_group TEXT",
    // The last event that was let go of: its number, 0 for none, its epoch and its hash.
    "ALTER TABLE tailnet ADD COLUMN log_floor INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE tailnet ADD COLUMN log_floor_epoch TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE tailnet ADD COLUMN log_floor_hash BLOB NOT NULL DEFAULT x''",
    // Where the log is streamed to, one row at most, and where it was until lately (audit/streams.ts). `address` and `box`: the URL and the token, sealed;
    // `origin`: what people are shown of the URL. `sent`: the number of the last event that was taken. `batch`: the last one that was begun, under way until
    // `taken`, and 1 in `started` once the consumer has it; nothing is begun before `due`. `told`: 1 once an event has told of the failing. `ended`, `until`:
    // when it ended, and the number of the event that ended it.
    `CREATE TABLE log_streams (
      id TEXT PRIMARY KEY,
      destination TEXT NOT NULL,
      origin TEXT NOT NULL,
      address BLOB NOT NULL,
      user TEXT NOT NULL,
      compression TEXT NOT NULL,
      period INTEGER NOT NULL,
      box BLOB,
      created INTEGER NOT NULL,
      sent INTEGER NOT NULL,
      batch INTEGER NOT NULL DEFAULT 0,
      taken INTEGER,
      started INTEGER NOT NULL DEFAULT 0,
      due INTEGER NOT NULL DEFAULT 0,
      tries INTEGER NOT NULL DEFAULT 0,
      failing INTEGER,
      told INTEGER NOT NULL DEFAULT 0,
      last_activity INTEGER,
      last_error TEXT NOT NULL DEFAULT '',
      entries INTEGER NOT NULL DEFAULT 0,
      bytes INTEGER NOT NULL DEFAULT 0,
      requests INTEGER NOT NULL DEFAULT 0,
      failures INTEGER NOT NULL DEFAULT 0,
      ended INTEGER,
      until INTEGER
    ) WITHOUT ROWID`,
    "CREATE UNIQUE INDEX log_streams_set ON log_streams ((1)) WHERE ended IS NULL",
    // Endpoints that are told of events (webhooks/webhooks.ts). `address`: the URL, sealed; `host`: what people are shown of it. `subscriptions`: JSON. `creator`: the login name of who made it. `failures`: attempts in a
    // row; `resume`: nothing is sent before; `failing`: since when a message was given up on. `deleted`: when it has ended, still to be told so.
    `CREATE TABLE webhooks (
      id TEXT PRIMARY KEY,
      host TEXT NOT NULL,
      address BLOB NOT NULL,
      provider TEXT NOT NULL,
      subscriptions TEXT NOT NULL,
      creator TEXT NOT NULL,
      created INTEGER NOT NULL,
      modified INTEGER NOT NULL,
      failures INTEGER NOT NULL DEFAULT 0,
      resume INTEGER NOT NULL DEFAULT 0,
      failing INTEGER,
      last_error TEXT NOT NULL DEFAULT '',
      dropped INTEGER NOT NULL DEFAULT 0,
      deleted INTEGER
    ) WITHOUT ROWID`,
    // Their secrets, sealed; `until`: from when on an old one signs no more, or null.
    `CREATE TABLE webhook_secrets (
      webhook TEXT NOT NULL,
      number INTEGER NOT NULL,
      box BLOB NOT NULL,
      until INTEGER,
      PRIMARY KEY (webhook, number)
    ) WITHOUT ROWID`,
    // What they have yet to be told: one row a message (webhooks/attempts.ts). `taken`: until when an attempt may take; `started`: 1 once it has begun.
    `CREATE TABLE webhook_deliveries (
      id TEXT PRIMARY KEY,
      webhook TEXT NOT NULL,
      seq INTEGER NOT NULL,
      type TEXT NOT NULL,
      created INTEGER NOT NULL,
      tries INTEGER NOT NULL,
      due INTEGER NOT NULL,
      taken INTEGER,
      started INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID`,
    "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, due)",
    "CREATE INDEX webhook_deliveries_taken ON webhook_deliveries (webhook, taken) WHERE taken IS NOT NULL",
    // The `key_expiry` that an event has told of a day before it (nodes/lifetimes.ts).
    "ALTER TABLE nodes ADD COLUMN expiring_told INTEGER",
    "UPDATE nodes SET expiring_told = key_expiry WHERE key_expiry <= unixepoch() * 1000",
    "CREATE INDEX nodes_expiring ON nodes (key_expiry) WHERE home IS NULL AND key_expiry IS NOT NULL AND key_expiry IS NOT expiring_told",
    // People (people/users.ts). `profile`: their number in maps; null for the tailnet's first, whose number follows from its name. `suspended`: since
    // when, or null; `waiting`: since when for an admin's approval, or null. `subject`: whom a provider of identities knows the person as, once signed in.
    `CREATE TABLE users (
      id TEXT PRIMARY KEY,
      profile INTEGER UNIQUE,
      login TEXT NOT NULL UNIQUE,
      display_name TEXT NOT NULL,
      role TEXT NOT NULL,
      suspended INTEGER,
      waiting INTEGER,
      subject TEXT UNIQUE,
      created INTEGER NOT NULL,
      last_seen INTEGER
    ) WITHOUT ROWID`,
    `INSERT INTO users (id, profile, login, display_name, role, suspended, subject, created, last_seen)
     SELECT 'u' || substr(id, 2) || id, NULL, 'owner@' || name, 'Owner', 'owner', NULL, NULL, created, NULL
     FROM tailnet WHERE deleted IS NULL`,
    // Invites to be one of them (people/user-invites.ts); of the secret, its SHA-256. `email`: whose alone it is, or empty. `inviter`: a user's ID, or
    // null for the operator. `accepted`: when, by the `user` of that ID; `withdrawn`: when; or null.
    `CREATE TABLE user_invites (id TEXT PRIMARY KEY, secret_hash BLOB NOT NULL, role TEXT NOT NULL, email TEXT NOT NULL, inviter TEXT,
      created INTEGER NOT NULL, expires INTEGER NOT NULL, accepted INTEGER, user TEXT, withdrawn INTEGER) WITHOUT ROWID`,
    // People who are gone: to remove one again is a success.
    "CREATE TABLE removed_users (id TEXT PRIMARY KEY) WITHOUT ROWID",
    // The seq at which people, their roles or their standing last changed.
    "ALTER TABLE tailnet ADD COLUMN people_seq INTEGER NOT NULL DEFAULT 0",
    // Whose a node is, and who has made an auth key: a user's ID. Null for devices with tags and of other tailnets, and for keys of the operator's.
    "ALTER TABLE nodes ADD COLUMN user TEXT",
    `UPDATE nodes SET user = (SELECT id FROM users) WHERE tags = '[]' AND home IS NULL`,
    "CREATE INDEX nodes_user ON nodes (user) WHERE user IS NOT NULL",
    "ALTER TABLE auth_keys ADD COLUMN user TEXT",
    // API tokens and OAuth clients (people/credentials.ts); of the secret, its SHA-256. `kind`: api or client. `user`: whose the token is, or who made
    // the client, or null. `scopes`, `tags`: JSON. `expires`: null for never. `last_used`: within the hour.
    `CREATE TABLE credentials (
      id TEXT PRIMARY KEY,
      kind TEXT NOT NULL,
      secret_hash BLOB NOT NULL,
      user TEXT,
      scopes TEXT NOT NULL,
      tags TEXT NOT NULL,
      description TEXT NOT NULL,
      created INTEGER NOT NULL,
      updated INTEGER NOT NULL,
      expires INTEGER,
      revoked INTEGER,
      last_used INTEGER
    ) WITHOUT ROWID`,
    "CREATE INDEX credentials_user ON credentials (user)",
    // Access tokens that OAuth clients were given, until they expire.
    `CREATE TABLE access_tokens (
      id TEXT PRIMARY KEY, secret_hash BLOB NOT NULL, client TEXT NOT NULL,
      scopes TEXT NOT NULL, tags TEXT NOT NULL, expires INTEGER NOT NULL
    ) WITHOUT ROWID`,
    "CREATE INDEX access_tokens_client ON access_tokens (client)",
    "CREATE INDEX access_tokens_expires ON access_tokens (expires)",
  ],
];
