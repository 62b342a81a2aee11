/**
 * A tailnet's object and a directory's as version 1 left them on disk: every table, and rows with a lock of two AUMs and a node. It has landed:
 * a change of the product must go on opening it, so nothing here is ever edited.
 */

/** The statements that make the tables of a tailnet's object, by name. */
export const AUTHORITY_LAYOUT: readonly string[] = [
  `CREATE TABLE aums ( chain INTEGER NOT NULL, hash TEXT NOT NULL, parent TEXT, committed INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (chain, hash) ) WITHOUT ROWID`,
  "CREATE INDEX aums_parent ON aums (chain, parent)",
  `CREATE TABLE auth_keys ( id TEXT PRIMARY KEY, secret_hash BLOB NOT NULL, reusable INTEGER NOT NULL, ephemeral INTEGER NOT NULL,
    preauthorized INTEGER NOT NULL, tags TEXT NOT NULL, description TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,
    uses INTEGER NOT NULL ) WITHOUT ROWID`,
  `CREATE TABLE chains ( id INTEGER PRIMARY KEY AUTOINCREMENT, genesis TEXT NOT NULL, head TEXT, ancestor TEXT,
    finish_digest BLOB NOT NULL, enabled INTEGER NOT NULL, losing_aums INTEGER NOT NULL DEFAULT 0,
    losing_bytes INTEGER NOT NULL DEFAULT 0, retired INTEGER, secret BLOB )`,
  "CREATE UNIQUE INDEX chains_active ON chains ((1)) WHERE retired IS NULL",
  `CREATE TABLE nodes ( id INTEGER PRIMARY KEY AUTOINCREMENT, stable_id TEXT NOT NULL UNIQUE, machine_key TEXT NOT NULL,
    node_key TEXT NOT NULL UNIQUE, lock_key BLOB, name TEXT NOT NULL UNIQUE, hostname TEXT NOT NULL, os TEXT NOT NULL,
    client_version TEXT NOT NULL, cap_version INTEGER NOT NULL, tags TEXT NOT NULL, ephemeral INTEGER NOT NULL, key_signature BLOB,
    signed_by BLOB, tka_head TEXT NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL )`,
  "CREATE INDEX nodes_changed ON nodes (changed)",
  "CREATE INDEX nodes_signed_by ON nodes (signed_by)",
  `CREATE TABLE nonces ( machine_key TEXT NOT NULL, nonce TEXT NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (machine_key, nonce) ) WITHOUT ROWID`,
  "CREATE INDEX nonces_expires ON nonces (expires)",
  `CREATE TABLE pending_init ( one INTEGER PRIMARY KEY CHECK (one = 1), node_key TEXT NOT NULL, genesis BLOB NOT NULL,
    begun INTEGER NOT NULL, listed TEXT NOT NULL )`,
  "CREATE TABLE retired_keys (node_key TEXT PRIMARY KEY, node_id INTEGER NOT NULL) WITHOUT ROWID",
  "CREATE TABLE schema (version INTEGER NOT NULL)",
  `CREATE TABLE tailnet ( id TEXT NOT NULL, name TEXT NOT NULL, epoch TEXT NOT NULL, created INTEGER NOT NULL, seq INTEGER NOT NULL,
    lock_seq INTEGER NOT NULL )`,
];

/** The same for a directory's object. */
export const DIRECTORY_LAYOUT: readonly string[] = [
  `CREATE TABLE routes ( machine_key TEXT NOT NULL, node_key TEXT NOT NULL, tailnet TEXT NOT NULL,
    PRIMARY KEY (machine_key, node_key) ) WITHOUT ROWID`,
  "CREATE TABLE schema (version INTEGER NOT NULL)",
  "CREATE TABLE tailnets (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL) WITHOUT ROWID",
];

export const GENESIS = {
  hash: "HPNZWBDKKET6DH5AZX5D25ZWXTTUQ6SBII3QVH6HPBAODJPFWQOA",
  hex:
    "a4010502f605a501f60281582055cabc91e5a89115df2c71c25f68b7d9e2d6b73712d6a73a9c8a4921392250250381a301010201035820d5e85b37" +
    "af5b690d78465ab5da376d54728b3d0343576ea7a0084aed3f88b7da041b11223344556677880518991781a2015820d5e85b37af5b690d78465ab5" +
    "da376d54728b3d0343576ea7a0084aed3f88b7da02584086f06a4d74dd7c5e5e05d26b1c34441053d2f48a5cd57f947e21f8273f9e8715b67a37f8" +
    "dba4d5f448e4e56f41adbe5ecee924c44de1c3794a5a101e10bd6e00",
} as const;

/** Sets the votes of the one trusted key to two. */
export const UPDATE = {
  hash: "TDIA5VE3PTU3ZM6OUJLCUOTMPEJB4AVJ76XX3ZBYNZLJFNSVDQYQ",
  hex:
    "a501040258203bdb9b046a5127e19fa0cdfa3d7736bce7487a4142370a9fc77840e1a5e5b41c045820d5e85b37af5b690d78465ab5da376d54728b" +
    "3d0343576ea7a0084aed3f88b7da06021781a2015820d5e85b37af5b690d78465ab5da376d54728b3d0343576ea7a0084aed3f88b7da025840448e" +
    "beb9629452bea6828c72ddbf9b702733dd98e53e0294aa0c457706a844556e6f5566368791fedaabff5c2585035ef7029f69bff78cae5d73efdccd" +
    "b65d0d",
} as const;

export const NODE = {
  key: "nodekey:4545371174c13c0e7c06af272eb2fad0b78dccb626f901e56a4ff48dd9cf1642",
  lockKey: "d5e85b37af5b690d78465ab5da376d54728b3d0343576ea7a0084aed3f88b7da",
  signature:
    "a401010258226e704545371174c13c0e7c06af272eb2fad0b78dccb626f901e56a4ff48dd9cf1642035820d5e85b37af5b690d78465ab5da376d54" +
    "728b3d0343576ea7a0084aed3f88b7da045840346e7c54fe4fff58760dd1c816bbccc9344a5add150910e05d9718d3ddd022d3b8ee0f123eccbad0" +
    "e62ca2be016ceb8632f777fc0e790db6f571911394659706",
} as const;

/** The rows of a tailnet's object, in the order in which they are put into the tables above. */
export const AUTHORITY_ROWS: readonly string[] = [
  "INSERT INTO schema VALUES (1)",
  "INSERT INTO tailnet VALUES ('T0123456789', 'old.test', 'e0123456789', 1800000000000, 5, 4)",
  `INSERT INTO chains VALUES (1, '${GENESIS.hash}', '${UPDATE.hash}', '${GENESIS.hash}', x'00', 1800000000000, 0, 0, NULL, NULL)`,
  `INSERT INTO aums VALUES (1, '${GENESIS.hash}', NULL, 1800000000000, x'${GENESIS.hex}')`,
  `INSERT INTO aums VALUES (1, '${UPDATE.hash}', '${GENESIS.hash}', 1800000001000, x'${UPDATE.hex}')`,
  `INSERT INTO nodes VALUES (1, 'n0123456789', 'mkey:${"1".repeat(64)}', '${NODE.key}', x'${NODE.lockKey}', 'alice', 'alice', 'linux',
    'test', 1, '["tag:ci"]', 0, x'${NODE.signature}', x'${NODE.lockKey}', '', 1800000000000, 5)`,
];
