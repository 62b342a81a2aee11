/** One tailnet's tables together, and its sequence of changes: what the acts of a TailnetAuthority work on. */

import type { AumHash, NodeKey, SignatureVerifier } from "../tka/index.ts";
import { AuthKeys } from "./auth-keys.ts";
import { Lock } from "./lock.ts";
import { Nodes, type NodeFacts, type NodeRecord } from "./nodes.ts";
import { Nonces, type Caller } from "./nonces.ts";
import { randomId } from "./random-id.ts";
import { ControlError } from "./refuse.ts";
import { AUTHORITY_MIGRATIONS } from "./schema.ts";
import type { Store } from "./store.ts";

export interface TailnetInfo {
  readonly id: string;
  readonly name: string;
  /** Changes where the object's history does: a session of another epoch starts anew. */
  readonly epoch: string;
  /** Counts the changes that nodes can see. */
  readonly seq: number;
  /** The seq at which the lock last changed; 0 where it never has. */
  readonly lockSeq: number;
}

export class Tailnet {
  readonly store: Store;
  readonly lock: Lock;
  readonly nodes: Nodes;
  readonly authKeys: AuthKeys;
  readonly nonces: Nonces;
  readonly verifier: SignatureVerifier;

  constructor(store: Store, verifier: SignatureVerifier) {
    // Anybody can name a tailnet that there is not: its object stays empty.
    if (!store.isEmpty()) store.migrate(AUTHORITY_MIGRATIONS);
    this.store = store;
    this.verifier = verifier;
    this.lock = new Lock(store);
    this.nodes = new Nodes(store);
    this.authKeys = new AuthKeys(store);
    this.nonces = new Nonces(store);
  }

  /** Makes the tailnet, once; again with the same ID it is a no-op. */
  create(id: string, name: string, now: number): void {
    this.store.migrate(AUTHORITY_MIGRATIONS);
    if (this.find() !== null) return;
    this.store.run(
      "INSERT INTO tailnet (id, name, epoch, created, seq, lock_seq) VALUES (?, ?, ?, ?, 0, 0)",
      id,
      name,
      randomId("e"),
      now,
    );
  }

  find(): TailnetInfo | null {
    if (this.store.isEmpty()) return null;
    const row = this.store.row("SELECT id, name, epoch, seq, lock_seq FROM tailnet");
    if (row === null) return null;
    return {
      id: row.text("id"),
      name: row.text("name"),
      epoch: row.text("epoch"),
      seq: row.integer("seq"),
      lockSeq: row.integer("lock_seq"),
    };
  }

  /** Throws `unknown_tailnet` in an object that nobody has made a tailnet of. */
  info(): TailnetInfo {
    const info = this.find();
    if (info === null) throw new ControlError("unknown_tailnet", "there is no such tailnet");
    return info;
  }

  /** The head of the lock, or null where there is none. */
  head(): AumHash | null {
    return this.find() === null ? null : this.lock.head();
  }

  /** Counts a change that nodes can see, and gives its number. */
  nextSeq(): number {
    this.store.run("UPDATE tailnet SET seq = seq + 1");
    return this.info().seq;
  }

  /** Counts a change of the lock. */
  nextLockSeq(): number {
    this.store.run("UPDATE tailnet SET seq = seq + 1, lock_seq = seq + 1");
    return this.info().seq;
  }

  /** Records what a node says of itself; peers are told only of what is new. */
  describe(node: NodeRecord, facts: NodeFacts): void {
    if (this.nodes.describe(node, facts, this.info().seq + 1)) this.nextSeq();
  }

  /** The node that asks, once its request is known to be its own and new. Throws `unknown_node`, `wrong_machine`, `replayed_request`. */
  admit(caller: Caller, nodeKey: NodeKey, now: number): NodeRecord {
    const node = this.nodes.require(nodeKey, caller.machineKey);
    this.nonces.take(caller, now);
    return node;
  }
}
