/**
 * The load: signers that append AUMs and race for the head, others that sign nodes, nodes that join, and one that may do none of it and tries.
 * All of them go on through whatever happens, and end when their share of the work is done.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { random } from "../../src/node/native-crypto.ts";
import {
  AUM_KIND,
  KEY_25519,
  UpdateBuilder,
  hashToBytes,
  makeAum,
  makeGenesis,
  nodeKeyFromRaw,
  signAum,
  type Aum,
  type Key,
} from "../../src/tka/index.ts";
import { nodeKdf } from "../../src/node/index.ts";
import { none, type Check } from "./checks.ts";
import type { Control } from "./control.ts";
import { Ledger } from "./ledger.ts";
import { LightNode } from "./light-node.ts";

export interface LoadSize {
  /** Signers that append; each is trusted. */
  readonly appenders: number;
  /** Signers that sign nodes; each is trusted. */
  readonly signers: number;
  /** Nodes that are signed again and again. */
  readonly pool: number;
}

/** How much is done in one go: so many acts, or as many as fit into a time. */
export interface Work {
  readonly appends: number;
  readonly signings: number;
  readonly joins: number;
  /** Milliseconds of rest after each act of each writer, about. */
  readonly restMs: number;
  /** Milliseconds after which no further act is begun. */
  readonly forMs: number;
}

/** As much as fits into so many milliseconds. */
export function workFor(forMs: number, restMs: number): Work {
  return { appends: Infinity, signings: Infinity, joins: Infinity, restMs, forMs };
}

/** Keys that a writer adds before it begins to remove them again. */
const MOST_OWN_KEYS = 12;
/** Nodes that join at the same time. */
const AT_ONCE = 12;
/** Joins and forbidden acts have so many times the rest of the others. */
const SELDOM = 10;
/** Acts of others after which the stranger tries once. */
const FORBIDDEN_EVERY = 20;

function keyOf(publicKey: Uint8Array): Key {
  return { kind: KEY_25519, votes: 1n, publicKey, meta: null };
}

/** Work that is left, shared by several writers. */
class Share {
  #left: number;
  readonly #end: number;
  readonly #restMs: number;

  constructor(left: number, { forMs, restMs }: Work) {
    this.#left = left;
    this.#end = performance.now() + forMs;
    this.#restMs = restMs;
  }

  take(): boolean {
    return this.#left-- > 0 && !this.isOver();
  }

  isOver(): boolean {
    return performance.now() > this.#end;
  }

  /** Rests after an act, never in step with the others. */
  async rest(): Promise<void> {
    await sleep(this.#restMs * 2 * Math.random());
  }
}

export class Load {
  readonly control: Control;
  readonly tailnet: string;
  readonly authKey: string;
  readonly ledger = new Ledger();
  readonly appenders: readonly LightNode[];
  readonly signers: readonly LightNode[];
  readonly pool: readonly LightNode[];
  readonly stranger: LightNode;
  /** Nodes that came later. */
  readonly joined: LightNode[] = [];
  /** Public keys that each writer has added. */
  readonly #ownKeys = new Map<LightNode, Uint8Array[]>();

  private constructor(control: Control, tailnet: string, authKey: string, size: LoadSize) {
    const node = (name: string): LightNode => new LightNode(control.url, name);
    const several = (count: number, name: string): LightNode[] =>
      Array.from({ length: count }, (_, index) => node(`${name}-${index}`));
    this.control = control;
    this.tailnet = tailnet;
    this.authKey = authKey;
    this.appenders = several(size.appenders, "appender");
    this.signers = several(size.signers, "signer");
    this.pool = several(size.pool, "member");
    this.stranger = node("stranger");
  }

  /** Makes a tailnet with these nodes in it and its lock on. */
  static async begin(control: Control, name: string, size: LoadSize): Promise<Load> {
    const tailnet = await control.createTailnet(name);
    const load = new Load(control, tailnet, await control.createAuthKey(tailnet), size);
    const { appenders, signers, pool, stranger, ledger, authKey } = load;
    const trusted = [...appenders, ...signers];
    for (const node of [...trusted, ...pool, stranger]) await node.join(ledger, authKey);
    const [first] = trusted;
    if (first === undefined) throw new Error("a load needs a signer");
    await first.turnOn(load.#genesis(trusted, first));
    for (const node of [...appenders, stranger]) await node.sync();
    return load;
  }

  #genesis(trusted: readonly LightNode[], first: LightNode): Aum {
    const id = (): bigint => Buffer.from(random(8)).readBigUInt64LE();
    const keys = trusted.map(({ signer }) => keyOf(signer.publicKey));
    const disablementValues = [nodeKdf(random(32))];
    return makeGenesis({ lastAumHash: null, keys, disablementValues, stateId1: id(), stateId2: id() }, first.signer);
  }

  /** A change that this writer may make: it adds keys of nobody, and removes them again. */
  #change(node: LightNode): readonly Aum[] {
    const own = this.#ownKeys.get(node) ?? [];
    this.#ownKeys.set(node, own);
    const builder = new UpdateBuilder(node.lock.require(), node.signer);
    const [oldest] = own;
    if (own.length >= MOST_OWN_KEYS && oldest !== undefined) return builder.removeKey(oldest).finalize(node.lock.chonk);
    return builder.addKey(keyOf(random(32))).finalize(node.lock.chonk);
  }

  #remember(node: LightNode, [update]: readonly Aum[]): void {
    const own = this.#ownKeys.get(node);
    const added = update?.kind === AUM_KIND.addKey ? (update.key?.publicKey ?? null) : null;
    if (added !== null) own?.push(added);
    else own?.shift();
  }

  async #appendUntilDone(node: LightNode, share: Share): Promise<void> {
    while (share.take()) {
      while (!(await this.#appendOnce(node)) && !share.isOver()) await node.sync();
      await share.rest();
    }
  }

  /** False where another was faster. */
  async #appendOnce(node: LightNode): Promise<boolean> {
    const updates = this.#change(node);
    const { kind } = await node.append(this.ledger, updates);
    if (kind !== "acknowledged") return false;
    node.lock.inform(updates);
    this.#remember(node, updates);
    return true;
  }

  async #signUntilDone(node: LightNode, share: Share, own: readonly LightNode[]): Promise<void> {
    for (let turn = 0; share.take(); turn++) {
      const subject = own[turn % own.length];
      if (subject === undefined) return;
      await node.sign(this.ledger, subject.nodeKey, random(32));
      await share.rest();
    }
  }

  async #joinUntilDone(share: Share): Promise<void> {
    while (share.take()) {
      const node = new LightNode(this.control.url, `newcomer-${this.joined.length}`);
      this.joined.push(node);
      await node.join(this.ledger, this.authKey);
      await share.rest();
    }
  }

  /** An AUM that follows the stranger's head, signed by its own key, which nobody trusts. */
  #forged(): Aum {
    const { stranger } = this;
    const prevAumHash = hashToBytes(stranger.lock.require().head);
    return signAum(makeAum(AUM_KIND.addKey, { prevAumHash, key: keyOf(random(32)) }), stranger.signer);
  }

  async #tryForbidden(share: Share): Promise<void> {
    const { stranger, ledger, pool } = this;
    for (let turn = 0; share.take(); turn++) {
      await stranger.append(ledger, [this.#forged()], true);
      const subject = pool[turn % pool.length]?.nodeKey ?? nodeKeyFromRaw(random(32));
      await stranger.sign(ledger, subject, random(32), true);
      await share.rest();
    }
  }

  /** Lets so many nodes join that do nothing of their own. */
  async bring(count: number): Promise<LightNode[]> {
    const nodes = Array.from({ length: count }, (_, index) => new LightNode(this.control.url, `listener-${index}`));
    const left = nodes.values();
    const join = async (): Promise<void> => {
      for (const node of left) await node.join(this.ledger, this.authKey);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, join));
    return nodes;
  }

  /** Makes one more change, which every node is told of; gives its number, and when it was sent, by performance.now(). */
  async mark(): Promise<{ readonly seq: number; readonly sentAt: number }> {
    const [node] = this.appenders;
    if (node === undefined) throw new Error("a load needs somebody who appends");
    let sentAt = 0;
    do {
      await node.sync();
      sentAt = performance.now();
    } while (!(await this.#appendOnce(node)));
    const [row] = await this.control.rows(this.tailnet, "SELECT lock_seq FROM tailnet");
    return { seq: Number(row?.["lock_seq"]), sentAt };
  }

  /** Has every node that was let in ask for the chain: its route must lead to the tailnet, and the chain verify. */
  async judgeRoutes(): Promise<Check> {
    const nodes = [...this.appenders, ...this.signers, ...this.pool, ...this.joined];
    const lost: string[] = [];
    const heads = new Set<string>();
    for (const node of nodes) {
      try {
        await node.sync();
        heads.add(node.lock.require().head);
      } catch (error) {
        lost.push(`${node.name}: ${String(error)}`);
      }
    }
    if (heads.size > 1) lost.push(`${heads.size} different heads`);
    return none("every node is let in again and fetches the same chain", lost, `${nodes.length} nodes`);
  }

  /** Does so much, and gives the milliseconds that it took. */
  async run(work: Work): Promise<number> {
    const started = performance.now();
    const share = (acts: number, rests = 1): Share => new Share(acts, { ...work, restMs: work.restMs * rests });
    const [appends, signings] = [share(work.appends), share(work.signings)];
    const forbidden = Math.ceil((work.appends + work.signings) / FORBIDDEN_EVERY);
    const { appenders, signers, pool } = this;
    // A node is signed by one signer only, so that the order of its signatures is known.
    const poolOf = (signer: number): LightNode[] => pool.filter((_, index) => index % signers.length === signer);
    await Promise.all([
      ...appenders.map((node) => this.#appendUntilDone(node, appends)),
      ...signers.map((node, index) => this.#signUntilDone(node, signings, poolOf(index))),
      this.#joinUntilDone(share(work.joins, SELDOM)),
      this.#tryForbidden(share(forbidden, SELDOM)),
    ]);
    return performance.now() - started;
  }
}
