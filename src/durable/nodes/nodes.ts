/** The tailnet's nodes. Everything here runs inside the caller's transaction. */

import type { NodeKey } from "../../tka/index.ts";
import type { MachineKey } from "../../protocol/index.ts";
import { kept, labelOf, said, type NodeFacts } from "./node-facts.ts";
import { nodeOf, type Awakening, type NodeRecord } from "./node-record.ts";
import { ControlError } from "../refuse.ts";
import type { Store } from "../store.ts";

export { byNode, nodeOf, nodeTarget, type Awakening, type NodeRecord } from "./node-record.ts";

export interface NewNode extends NodeFacts {
  readonly stableId: string;
  readonly machineKey: MachineKey;
  readonly nodeKey: NodeKey;
  readonly tags: readonly string[];
  /** The ID of whose it is; null with tags. */
  readonly user: string | null;
  readonly ephemeral: boolean;
  /** Milliseconds since the epoch, or null for never. */
  readonly keyExpiry: number | null;
  readonly authorized: boolean;
  /** The auth key that lets it in, or null. */
  readonly authKey: string | null;
}

export class Nodes {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  all(): NodeRecord[] {
    return this.#store.rows("SELECT * FROM nodes ORDER BY id").map(nodeOf);
  }

  /** Those with an ID past `after`, in order of ID, `most` of them at most. */
  page(after: number, most: number): NodeRecord[] {
    return this.#store.rows("SELECT * FROM nodes WHERE id > ? ORDER BY id LIMIT ?", after, most).map(nodeOf);
  }

  /** Those that are of this tailnet itself. */
  own(): NodeRecord[] {
    return this.#store.rows("SELECT * FROM nodes WHERE home IS NULL ORDER BY id").map(nodeOf);
  }

  /**
   * Nodes of which they themselves, or their peers, see something that is newer than `seq`, with an ID past `after`: in order of ID, `most` of
   * them at most.
   */
  changedSince(seq: number, after: number, most: number): NodeRecord[] {
    // All by their rows; a few by the indexes of changes: the planner would look at every node, to have both halves in order.
    const news = (column: string): string => `SELECT id FROM nodes INDEXED BY nodes_${column} WHERE ${column} > ?1`;
    const where =
      seq === 0
        ? "(+changed > ?1 OR +self_changed > ?1) AND id > ?2"
        : `id IN (${news("changed")} UNION ${news("self_changed")}) AND +id > ?2`;
    return this.#store.rows(`SELECT * FROM nodes WHERE ${where} ORDER BY id LIMIT ?3`, seq, after, most).map(nodeOf);
  }

  /** IDs of the nodes that went after `seq`, and when. */
  removedSince(seq: number): { readonly id: number; readonly changed: number }[] {
    return this.#store
      .rows("SELECT id, seq FROM removed_nodes WHERE seq > ? ORDER BY id", seq)
      .map((row) => ({ id: row.integer("id"), changed: row.integer("seq") }));
  }

  /** Nodes of this tailnet itself. */
  count(): number {
    return this.#store.row("SELECT COUNT(*) AS nodes FROM nodes WHERE home IS NULL")?.integer("nodes") ?? 0;
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

  /** The machine of a node that there is, or was; null where there was none. */
  machineOf(id: number): MachineKey | null {
    const row = this.#store.row(
      "SELECT machine_key FROM nodes WHERE id = ?1 UNION ALL SELECT machine_key FROM removed_nodes WHERE id = ?1",
      id,
    );
    return (row?.text("machine_key") ?? null) as MachineKey | null;
  }

  byId(id: number): NodeRecord | null {
    const row = this.#store.row("SELECT * FROM nodes WHERE id = ?", id);
    return row === null ? null : nodeOf(row);
  }

  /** True if a node of another machine here has that lock key. What nodes of other tailnets say that they have counts for nothing. */
  isLockKeyOfOther(lockKey: Uint8Array, machineKey: MachineKey): boolean {
    const sql = "SELECT 1 FROM nodes WHERE lock_key = ? AND machine_key <> ? AND home IS NULL LIMIT 1";
    return this.#store.row(sql, lockKey, machineKey) !== null;
  }

  /** The devices of a person, by the user's ID. */
  ofUser(user: string): NodeRecord[] {
    return this.#store.rows("SELECT * FROM nodes WHERE user = ? ORDER BY id", user).map(nodeOf);
  }

  signedBy(keyId: Uint8Array): NodeRecord[] {
    return this.#store.rows("SELECT * FROM nodes WHERE signed_by = ? ORDER BY id", keyId).map(nodeOf);
  }

  /** How many there are of those. */
  countSignedBy(keyId: Uint8Array): number {
    return this.#store.row("SELECT COUNT(*) AS nodes FROM nodes WHERE signed_by = ?", keyId)?.integer("nodes") ?? 0;
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

  byStableId(stableId: string): NodeRecord | null {
    const row = this.#store.row("SELECT * FROM nodes WHERE stable_id = ?", stableId);
    return row === null ? null : nodeOf(row);
  }

  /** True if there was a node of that ID, and it is gone. */
  wasRemoved(stableId: string): boolean {
    return this.#store.row("SELECT 1 FROM removed_nodes WHERE stable_id = ?", stableId) !== null;
  }

  /** The node that has the first label of its name, or null. */
  byName(name: string): NodeRecord | null {
    const row = this.#store.row("SELECT * FROM nodes WHERE name = ?", name);
    return row === null ? null : nodeOf(row);
  }

  /** The first label of a new node's name: a whole fleet may call itself the same, so not every number is tried. */
  freeName(hostname: string): string {
    const label = labelOf(hostname);
    const nameOf = (i: number): string => (i === 0 ? label : `${label}-${i}`);
    const isFree = (i: number): boolean => this.byName(nameOf(i)) === null;
    if (isFree(0)) return label;
    let [taken, free] = [0, 1];
    while (!isFree(free)) [taken, free] = [free, 2 * free];
    while (free - taken > 1) {
      const middle = Math.floor((taken + free) / 2);
      if (isFree(middle)) free = middle;
      else taken = middle;
    }
    return nameOf(free);
  }

  add(node: NewNode, name: string, seq: number, now: number): NodeRecord {
    const { Hostname = "", OS = "", IPNVersion = "" } = node.hostinfo ?? {};
    this.#store.run(
      `INSERT INTO nodes (stable_id, machine_key, node_key, lock_key, name, hostname, os, client_version, cap_version, tags, ephemeral,
        tka_head, created, changed, key_expiry, authorized, auth_key, heard, user)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, 0, ?)`,
      node.stableId,
      node.machineKey,
      node.nodeKey,
      node.lockKey,
      name,
      kept(Hostname),
      kept(OS),
      kept(IPNVersion),
      node.capVersion,
      JSON.stringify(node.tags),
      node.ephemeral ? 1 : 0,
      now,
      seq,
      node.keyExpiry,
      node.authorized ? 1 : 0,
      node.authKey,
      node.user,
    );
    return this.require(node.nodeKey, node.machineKey);
  }

  /** Puts a new key in the place of a node's old one; the signature was for that, and goes. */
  rekey(node: NodeRecord, nodeKey: NodeKey, seq: number): NodeRecord {
    this.#store.run("INSERT OR REPLACE INTO retired_keys (node_key, node_id) VALUES (?, ?)", node.nodeKey, node.id);
    this.#store.run(
      `UPDATE nodes SET node_key = ?, key_signature = NULL, signed_by = NULL, handed_to = NULL, handed = 0, heard = 0, changed = ?
       WHERE id = ?`,
      nodeKey,
      seq,
      node.id,
    );
    return this.require(nodeKey, node.machineKey);
  }

  /** Stores what a node says of itself. */
  describe(node: NodeRecord, facts: NodeFacts, seq: number): void {
    const { hostname, os, clientVersion, capVersion, lockKey } = said(node, facts);
    this.#store.run(
      "UPDATE nodes SET hostname = ?, os = ?, client_version = ?, cap_version = ?, lock_key = ?, changed = ? WHERE id = ?",
      hostname,
      os,
      clientVersion,
      capVersion,
      lockKey,
      seq,
      node.id,
    );
  }

  setKeyExpiry(node: NodeRecord, keyExpiry: number | null, seq: number): void {
    this.#store.run("UPDATE nodes SET key_expiry = ?, changed = ? WHERE id = ?", keyExpiry, seq, node.id);
  }

  setAuthorized(node: NodeRecord, authorized: boolean, seq: number): void {
    const sql = "UPDATE nodes SET authorized = ?1, changed = ?2, self_changed = ?2 WHERE id = ?3";
    this.#store.run(sql, authorized ? 1 : 0, seq, node.id);
  }

  /** Gives it tags, and whose it is from now on: nobody's where there are any. */
  setTags(node: NodeRecord, tags: readonly string[], user: string | null, seq: number): void {
    const sql = "UPDATE nodes SET tags = ?, user = ?, changed = ? WHERE id = ?";
    this.#store.run(sql, JSON.stringify(tags), tags.length > 0 ? null : user, seq, node.id);
  }

  setName(node: NodeRecord, name: string, seq: number): void {
    this.#store.run("UPDATE nodes SET name = ?, changed = ? WHERE id = ?", name, seq, node.id);
  }

  /** Notes that the node's signature was handed out, to be rotated to `nodeKey`. Nobody sees it. */
  setHanded(node: NodeRecord, nodeKey: NodeKey): void {
    this.#store.run("UPDATE nodes SET handed_to = ?, handed = handed + 1 WHERE id = ?", nodeKey, node.id);
  }

  /** Records the head that a node says it has. Peers do not see it. */
  recordHead(node: NodeRecord, head: string): void {
    if (node.tkaHead !== head) this.#store.run("UPDATE nodes SET tka_head = ? WHERE id = ?", head, node.id);
  }

  /** Its peers do not see how far it is, it does itself. */
  setAwakening(node: NodeRecord, awakening: Awakening, seq: number): void {
    this.#store.run("UPDATE nodes SET awakening = ?, self_changed = ? WHERE id = ?", awakening, seq, node.id);
  }

  /** A lock begins: all nodes are where their heads say that they are. */
  beginAwakening(seq: number): void {
    this.#store.run(
      "UPDATE nodes SET awakening = 0, ignores_lock = 0, self_changed = ? WHERE awakening <> 0 OR ignores_lock <> 0",
      seq,
    );
    this.#store.run(
      `UPDATE nodes SET awakening = 1, self_changed = ? WHERE tka_head IN
       (SELECT hash FROM aums JOIN chains ON chains.id = aums.chain WHERE retired IS NOT NULL)`,
      seq,
    );
  }

  setSeenChain(node: NodeRecord, chain: number | null): void {
    if (node.seenChain !== chain) this.#store.run("UPDATE nodes SET seen_chain = ? WHERE id = ?", chain, node.id);
  }

  setIgnoring(node: NodeRecord, ignores: boolean, seq: number): void {
    this.#store.run("UPDATE nodes SET ignores_lock = ?, self_changed = ? WHERE id = ?", ignores ? 1 : 0, seq, node.id);
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

  /** Takes a node out; its key stays taken, and its peers are told that it is gone. */
  remove(node: NodeRecord, seq: number): void {
    this.#store.run("INSERT OR REPLACE INTO retired_keys (node_key, node_id) VALUES (?, ?)", node.nodeKey, node.id);
    this.#store.run(
      "INSERT INTO removed_nodes (id, stable_id, machine_key, seq) VALUES (?, ?, ?, ?)",
      node.id,
      node.stableId,
      node.machineKey,
      seq,
    );
    this.#store.run("DELETE FROM presence WHERE node_id = ?", node.id);
    this.#store.run("DELETE FROM nodes WHERE id = ?", node.id);
  }

  /** Keeps a node of a tailnet that is no more, out of everybody's sight. */
  seclude(node: NodeRecord, now: number, seq: number): void {
    this.#store.run(
      "UPDATE nodes SET authorized = 0, key_expiry = ?1, awakening = 0, changed = ?2, self_changed = ?2 WHERE id = ?3",
      now,
      seq,
      node.id,
    );
  }

  /** Shows a node anew, to itself and its peers. */
  touch(node: NodeRecord, seq: number): void {
    this.#store.run("UPDATE nodes SET changed = ? WHERE id = ?", seq, node.id);
  }

  /** Forgets all signatures: the chain that they rest on is retired. */
  clearSignatures(seq: number): void {
    this.#store.run(
      "UPDATE nodes SET key_signature = NULL, signed_by = NULL, changed = ? WHERE key_signature IS NOT NULL",
      seq,
    );
  }
}
