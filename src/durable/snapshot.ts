/**
 * What a sessions object knows of one tailnet: everything, or what has changed since some seq. Each node's JSON is made once. Pure.
 *
 * Rule [X5]: it is known from when on it holds all changes (`since`) and all removals (`removedSince`); a session that stands before that is not
 *            answered from it.
 */

import type { NodeKey } from "../tka/index.ts";
import { CAP_TAILNET_LOCK, encodeMapNode, type TkaInfo } from "../protocol/index.ts";
import type { Changes, ShownNode } from "./netmap.ts";
import type { Awakening } from "./nodes.ts";
import { PolicyView } from "./policy-view.ts";
import { addressesThere, isVisible, type HomeView } from "./share-views.ts";

export interface Entry {
  readonly id: number;
  /** The tailnet of a foreign node; null for one of our own. */
  readonly home: string | null;
  readonly changed: number;
  readonly selfChanged: number;
  readonly stableId: string;
  readonly tags: readonly string[];
  /** Attributes of its own by the policy, as of when it last changed. */
  readonly attributes: readonly string[];
  readonly key: NodeKey;
  readonly signed: boolean;
  /** True where the device waits for approval: nobody sees it [G14]. */
  readonly waiting: boolean;
  readonly awakening: Awakening;
  /** As its peers are shown it. */
  readonly json: string;
}

function entryOf({ home, changed, selfChanged, attributes, awakening, node }: ShownNode): Entry {
  return {
    id: node.ID,
    home,
    changed,
    selfChanged,
    stableId: node.StableID,
    tags: node.Tags,
    attributes,
    key: node.Key,
    signed: node.KeySignature.length > 0,
    waiting: !node.MachineAuthorized,
    awakening,
    json: encodeMapNode(node),
  };
}

/** A node as it sees itself: with what it may do. */
export function selfJson({ json }: Entry, attributes: readonly string[]): string {
  const node = JSON.parse(json) as { readonly CapMap?: object };
  const own = Object.fromEntries([CAP_TAILNET_LOCK, ...attributes].map((name) => [name, null]));
  return JSON.stringify({ ...node, CapMap: { ...node.CapMap, ...own } });
}

/** Pages of one answer, put together: the first one's seq holds for all. */
export function joinPages([first, ...later]: readonly [Changes, ...Changes[]]): Changes {
  return { ...first, nodes: [first, ...later].flatMap(({ nodes }) => nodes), next: null };
}

export class Snapshot {
  readonly epoch: string;
  readonly since: number;
  #removedSince: number;
  #changes: Changes;
  #size = 0;
  readonly #entries = new Map<number, Entry>();
  readonly #removed = new Map<number, number>();
  #sorted: readonly Entry[] | null = null;
  #policy: { readonly changed: number; readonly view: PolicyView } | null = null;
  readonly #shared = new Map<string, unknown>();

  /** `changes` are all since `since`, and removals since `removedSince`. */
  constructor(changes: Changes, since: number, removedSince: number) {
    this.epoch = changes.epoch;
    this.since = since;
    this.#removedSince = removedSince;
    this.#changes = changes;
    this.#take(changes);
  }

  get seq(): number {
    return this.#changes.seq;
  }

  get domain(): string {
    return this.#changes.domain;
  }

  get shards(): number {
    return this.#changes.shards;
  }

  get removedSince(): number {
    return this.#removedSince;
  }

  /** The seq at which the lock last changed. */
  get lockChanged(): number {
    return this.#changes.lock.changed;
  }

  get locked(): boolean {
    return this.#changes.lock.head !== null;
  }

  get tkaInfo(): TkaInfo {
    const { head } = this.#changes.lock;
    return { Head: head, Disabled: head === null };
  }

  /** The seq at which what the policy gives may last have changed [F14]. */
  get policyChanged(): number {
    return this.#changes.policy.changed;
  }

  /** What the policy gives to each node. Asked only of a snapshot that holds all [X5]. */
  get policy(): PolicyView {
    const { changed, text } = this.#changes.policy;
    if (this.#policy?.changed !== changed)
      this.#policy = { changed, view: new PolicyView(text ?? "", this.domain, this.sorted(), this.homes) };
    return this.#policy.view;
  }

  /** Characters of the nodes' JSON: what the memory goes to. */
  get size(): number {
    return this.#size;
  }

  #take(changes: Changes): void {
    for (const shown of changes.nodes) {
      const entry = entryOf(shown);
      this.#size += entry.json.length - (this.#entries.get(entry.id)?.json.length ?? 0);
      this.#entries.set(entry.id, entry);
    }
    for (const { id, changed } of changes.removed) {
      this.#size -= this.#entries.get(id)?.json.length ?? 0;
      this.#entries.delete(id);
      this.#removed.set(id, changed);
    }
    const policy = { changed: changes.policy.changed, text: changes.policy.text ?? this.#changes.policy.text };
    this.#changes = { ...changes, nodes: [], removed: [], policy };
    this.#sorted = null;
    this.#shared.clear();
  }

  /** Takes in changes since its own seq, and removals since `removedSince`. False where they are of another history: nothing is taken. */
  apply(changes: Changes, removedSince: number): boolean {
    if (changes.epoch !== this.epoch) return false;
    if (changes.seq >= this.seq) this.#take(changes);
    this.#removedSince = Math.min(this.#removedSince, removedSince);
    return true;
  }

  entry(id: number): Entry | null {
    return this.#entries.get(id) ?? null;
  }

  isRemoved(id: number): boolean {
    return this.#removed.has(id);
  }

  get homes(): readonly HomeView[] {
    return this.#changes.homes;
  }

  /** A peer as JSON, as a node sees it; null where it does not see it [M7]. */
  seenBy({ id, home, waiting, json }: Entry, viewer: number): string | null {
    if (waiting) return null;
    if (home === null) return json;
    const view = this.homes.find((each) => each.home === home);
    if (view === undefined || !isVisible(view, id, viewer)) return null;
    const there = addressesThere(view, viewer);
    if (there === null) return json;
    const [SelfNodeV4MasqAddrForThisPeer, SelfNodeV6MasqAddrForThisPeer] = there;
    const node = JSON.parse(json) as object;
    return JSON.stringify({ ...node, SelfNodeV4MasqAddrForThisPeer, SelfNodeV6MasqAddrForThisPeer });
  }

  /** True where foreign nodes have changed after `seq`: they are not the same for all who see them. */
  hasForeign(seq: number): boolean {
    if (this.homes.length === 0) return false;
    return this.shared(`foreign ${seq}`, () =>
      this.sorted().some(({ home, changed }) => home !== null && changed > seq),
    );
  }

  /** Nodes that went after `seq`. */
  removedAfter(seq: number): number[] {
    return [...this.#removed].flatMap(([id, changed]) => (changed > seq ? [id] : []));
  }

  /** All entries it has, in order of ID. */
  sorted(): readonly Entry[] {
    this.#sorted ??= [...this.#entries.values()].sort((a, b) => a.id - b.id);
    return this.#sorted;
  }

  /** What `make` gives, made once for all who ask by that key until the next change. */
  shared<T>(key: string, make: () => T): T {
    if (!this.#shared.has(key)) this.#shared.set(key, make());
    return this.#shared.get(key) as T;
  }
}
