/** The tailnet's nodes. Everything here runs inside the caller's transaction. */

import { equalBytes, type NodeKey } from "../tka/index.ts";
import type { Hostinfo, MachineKey } from "../protocol/index.ts";
import { ControlError } from "./refuse.ts";
import { randomId } from "./random-id.ts";
import type { Row, Store } from "./store.ts";

export interface NodeRecord {
  readonly id: number;
  readonly stableId: string;
  readonly machineKey: MachineKey;
  readonly nodeKey: NodeKey;
  /** 32 bytes, or null where the node has none. */
  readonly lockKey: Uint8Array | null;
  /** The first label of its name. */
  readonly name: string;
  readonly hostname: string;
  readonly os: string;
  readonly clientVersion: string;
  readonly capVersion: number;
  readonly tags: readonly string[];
  readonly ephemeral: boolean;
  /** A signature that authorised the node key when it was stored, or null. */
  readonly keySignature: Uint8Array | null;
  /** The trusted key behind it. */
  readonly signedBy: Uint8Array | null;
  /** The head that the node last said it has; empty for none. */
  readonly tkaHead: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** The tailnet's seq at the last change that peers can see. */
  readonly changed: number;
}

function nodeOf(row: Row): NodeRecord {
  return {
    id: row.integer("id"),
    stableId: row.text("stable_id"),
    machineKey: row.text("machine_key") as MachineKey,
    nodeKey: row.text("node_key") as NodeKey,
    lockKey: row.bytesOrNull("lock_key"),
    name: row.text("name"),
    hostname: row.text("hostname"),
    os: row.text("os"),
    clientVersion: row.text("client_version"),
    capVersion: row.integer("cap_version"),
    tags: JSON.parse(row.text("tags")) as string[],
    ephemeral: row.integer("ephemeral") === 1,
    keySignature: row.bytesOrNull("key_signature"),
    signedBy: row.bytesOrNull("signed_by"),
    tkaHead: row.text("tka_head"),
    created: row.integer("created"),
    changed: row.integer("changed"),
  };
}

/** What a node says of itself, cut to what is kept. */
export interface NodeFacts {
  readonly lockKey: Uint8Array | null;
  readonly hostinfo: Hostinfo | null;
  readonly capVersion: number;
}

export interface NewNode extends NodeFacts {
  readonly machineKey: MachineKey;
  readonly nodeKey: NodeKey;
  readonly tags: readonly string[];
  readonly ephemeral: boolean;
}

/** Characters kept of anything that a node says of its host. */
const MAX_FACT = 128;

/** An attacker-controlled text as it is kept: SQLite gives it back as it was, or every comparison with it would find news. */
function kept(fact: string): string {
  return fact.slice(0, MAX_FACT).toWellFormed();
}

/** The attacker-controlled host name as a DNS label, or "node" where nothing of it is left. */
function labelOf(hostname: string): string {
  const label = hostname
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 50)
    .replace(/-+$/, "");
  return label === "" ? "node" : label;
}

export class Nodes {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  all(): NodeRecord[] {
    return this.#store.rows("SELECT * FROM nodes ORDER BY id").map(nodeOf);
  }

  changedSince(seq: number): NodeRecord[] {
    return this.#store.rows("SELECT * FROM nodes WHERE changed > ? ORDER BY id", seq).map(nodeOf);
  }

  byKey(nodeKey: NodeKey): NodeRecord | null {
    const row = this.#store.row("SELECT * FROM nodes WHERE node_key = ?", nodeKey);
    return row === null ? null : nodeOf(row);
  }

  /** The ID of the node whose key this is or was, or null. */
  ownerOf(nodeKey: NodeKey): number | null {
    const row = this.#store.row(
      "SELECT id FROM nodes WHERE node_key = ?1 UNION ALL SELECT node_id FROM retired_keys WHERE node_key = ?1 LIMIT 1",
      nodeKey,
    );
    return row?.integer("id") ?? null;
  }

  byId(id: number): NodeRecord | null {
    const row = this.#store.row("SELECT * FROM nodes WHERE id = ?", id);
    return row === null ? null : nodeOf(row);
  }

  signedBy(keyId: Uint8Array): NodeRecord[] {
    return this.#store.rows("SELECT * FROM nodes WHERE signed_by = ? ORDER BY id", keyId).map(nodeOf);
  }

  /** The node of that key, if it belongs to that machine. Throws `unknown_node` or `wrong_machine`. */
  require(nodeKey: NodeKey, machineKey: MachineKey): NodeRecord {
    const node = this.byKey(nodeKey);
    if (node === null)
      throw new ControlError("unknown_node", "this node key is not registered in this tailnet: register it first", {
        subject: nodeKey,
      });
    if (node.machineKey !== machineKey)
      throw new ControlError("wrong_machine", "this node key belongs to another machine", { subject: nodeKey });
    return node;
  }

  #freeName(hostname: string): string {
    const label = labelOf(hostname);
    for (let i = 0; ; i++) {
      const name = i === 0 ? label : `${label}-${i}`;
      if (this.#store.row("SELECT 1 FROM nodes WHERE name = ?", name) === null) return name;
    }
  }

  add(node: NewNode, seq: number, now: number): NodeRecord {
    const { Hostname = "", OS = "", IPNVersion = "" } = node.hostinfo ?? {};
    this.#store.run(
      `INSERT INTO nodes (stable_id, machine_key, node_key, lock_key, name, hostname, os, client_version, cap_version, tags, ephemeral,
        tka_head, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?)`,
      randomId("n"),
      node.machineKey,
      node.nodeKey,
      node.lockKey,
      this.#freeName(Hostname),
      kept(Hostname),
      kept(OS),
      kept(IPNVersion),
      node.capVersion,
      JSON.stringify(node.tags),
      node.ephemeral ? 1 : 0,
      now,
      seq,
    );
    return this.require(node.nodeKey, node.machineKey);
  }

  /** Puts a new key in the place of a node's old one; the signature was for that, and goes. */
  rekey(node: NodeRecord, nodeKey: NodeKey, seq: number): NodeRecord {
    this.#store.run("INSERT OR REPLACE INTO retired_keys (node_key, node_id) VALUES (?, ?)", node.nodeKey, node.id);
    this.#store.run(
      "UPDATE nodes SET node_key = ?, key_signature = NULL, signed_by = NULL, changed = ? WHERE id = ?",
      nodeKey,
      seq,
      node.id,
    );
    return this.require(nodeKey, node.machineKey);
  }

  /** Records what a node says of itself. True if it was news. */
  describe(node: NodeRecord, facts: NodeFacts, seq: number): boolean {
    const hostname = kept(facts.hostinfo?.Hostname ?? node.hostname);
    const os = kept(facts.hostinfo?.OS ?? node.os);
    const client = kept(facts.hostinfo?.IPNVersion ?? node.clientVersion);
    const lockKey = facts.lockKey ?? node.lockKey;
    const same =
      hostname === node.hostname &&
      os === node.os &&
      client === node.clientVersion &&
      facts.capVersion === node.capVersion &&
      equalBytes(lockKey, node.lockKey);
    if (same) return false;
    this.#store.run(
      "UPDATE nodes SET hostname = ?, os = ?, client_version = ?, cap_version = ?, lock_key = ?, changed = ? WHERE id = ?",
      hostname,
      os,
      client,
      facts.capVersion,
      lockKey,
      seq,
      node.id,
    );
    return true;
  }

  /** Records the head that a node says it has. Peers do not see it. */
  recordHead(node: NodeRecord, head: string): void {
    if (node.tkaHead !== head) this.#store.run("UPDATE nodes SET tka_head = ? WHERE id = ?", head, node.id);
  }

  /** Stores a signature that was proven for the node's key. */
  sign(node: NodeRecord, signature: Uint8Array, signedBy: Uint8Array | null, seq: number): void {
    this.#store.run(
      "UPDATE nodes SET key_signature = ?, signed_by = ?, changed = ? WHERE id = ?",
      signature,
      signedBy,
      seq,
      node.id,
    );
  }

  /** Forgets all signatures: the chain that they rest on is retired. */
  clearSignatures(seq: number): void {
    this.#store.run(
      "UPDATE nodes SET key_signature = NULL, signed_by = NULL, changed = ? WHERE key_signature IS NOT NULL",
      seq,
    );
  }
}
