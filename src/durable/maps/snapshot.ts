/**
 * What a sessions object knows of one tailnet: everything, or what has changed since some seq. Each node's JSON is made once. Pure.
 *
 * Rule [X5]: it is known from when on it holds all changes (`since`), all removals (`removedSince`) and all news of presence (`presenceSince`); a
 *            session that stands before that is not answered from it.
 */

import type { TkaInfo, UserProfile } from "../../protocol/index.ts";
import type { Changes, ShownPresence } from "./netmap.ts";
import type { SharedText } from "./text.ts";
import { PolicyView } from "./policy-view.ts";
import { addressesThere, isSharee, isVisible, type HomeView } from "../sharing/views.ts";
import { Entry } from "./shown-entry.ts";

export { Entry } from "./shown-entry.ts";

/** What the deployment says, the same for all tailnets: always as it is at the moment. */
export interface MapConfig {
  /** Go's `tailcfg.DERPMap` as JSON, or null where there is none. */
  readonly derpMap: SharedText | null;
}

const NO_CONFIG: MapConfig = { derpMap: null };

/** From when on a snapshot holds everything. */
export interface Extent {
  readonly since: number;
  readonly removedSince: number;
  readonly presenceSince: number;
}

/** Pages of one answer, put together: the first one's seq holds for all, and it alone tells of presence. */
export function joinPages([first, ...later]: readonly [Changes, ...Changes[]]): Changes {
  return { ...first, nodes: [first, ...later].flatMap(({ nodes }) => nodes), next: null };
}

export class Snapshot {
  readonly epoch: string;
  readonly since: number;
  readonly config: MapConfig;
  #removedSince: number;
  #presenceSince: number;
  #presence: number;
  #changes: Changes;
  #size = 0;
  readonly #entries = new Map<number, Entry>();
  readonly #removed = new Map<number, number>();
  /** News of presence, of nodes also that are not known here themselves. */
  readonly #present = new Map<number, ShownPresence>();
  #sorted: readonly Entry[] | null = null;
  #policy: { readonly changed: number; readonly view: PolicyView } | null = null;
  readonly #shared = new Map<string, unknown>();

  /** `changes` are all since that extent. */
  constructor(changes: Changes, { since, removedSince, presenceSince }: Extent, config: MapConfig = NO_CONFIG) {
    this.epoch = changes.epoch;
    this.since = since;
    this.config = config;
    this.#removedSince = removedSince;
    this.#presenceSince = presenceSince;
    this.#presence = changes.presence;
    this.#changes = changes;
    this.#take(changes);
  }

  get seq(): number {
    return this.#changes.seq;
  }

  /** The number up to which it knows of presence. */
  get presence(): number {
    return this.#presence;
  }

  get presenceSince(): number {
    return this.#presenceSince;
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
    const { changed, text, people } = this.#changes.policy;
    if (this.#policy?.changed !== changed)
      this.#policy = { changed, view: new PolicyView(text ?? "", people ?? [], this.sorted(), this.homes) };
    return this.#policy.view;
  }

  /** As whom the first owner is shown; null once that is gone. */
  get first(): UserProfile | null {
    return this.#changes.first;
  }

  /** Go's DNSConfig as JSON, and the seq at which its settings last changed. */
  get dns(): { readonly changed: number; readonly json: string } {
    return this.#changes.dns;
  }

  /** Characters of the nodes' JSON, about: what the memory goes to. */
  get size(): number {
    return this.#size;
  }

  #put(entry: Entry): void {
    this.#size += entry.json.length - (this.#entries.get(entry.id)?.json.length ?? 0);
    this.#entries.set(entry.id, entry);
    this.#present.set(entry.id, entry.news);
  }

  #takeNews(news: ShownPresence): void {
    const entry = news.whole === null ? this.#entries.get(news.id)?.withPresence(news.presence) : new Entry(news.whole);
    if (entry === undefined) this.#present.set(news.id, news);
    else this.#put(entry);
  }

  #take(changes: Changes): void {
    for (const shown of changes.nodes) this.#put(new Entry(shown));
    for (const news of changes.present) this.#takeNews(news);
    for (const { id, changed } of changes.removed) {
      this.#size -= this.#entries.get(id)?.json.length ?? 0;
      this.#entries.delete(id);
      this.#present.delete(id);
      this.#removed.set(id, changed);
    }
    const { changed, text, people } = changes.policy;
    const known = this.#changes.policy;
    const policy = { changed, text: text ?? known.text, people: people ?? known.people };
    this.#changes = { ...changes, nodes: [], removed: [], present: [], policy };
    this.#sorted = null;
    this.#shared.clear();
  }

  /**
   * Takes in changes since its own seq, removals since `removedSince` and presence since `presenceSince`. False where they are of another history:
   * nothing is taken.
   */
  apply(changes: Changes, removedSince: number, presenceSince: number): boolean {
    if (changes.epoch !== this.epoch) return false;
    if (changes.seq < this.seq) return true;
    // What was asked for from further back may end before what is known begins.
    const isGap = changes.presence < this.#presenceSince;
    this.#presence = isGap ? changes.presence : Math.max(this.#presence, changes.presence);
    this.#presenceSince = Math.min(this.#presenceSince, presenceSince);
    this.#removedSince = Math.min(this.#removedSince, removedSince);
    this.#take(changes);
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

  /** True where a node sees a peer [M7]. */
  sees(viewer: number, { id, home, waiting }: Pick<Entry, "id" | "home" | "waiting">): boolean {
    if (waiting || home === null) return !waiting;
    const view = this.homes.find((each) => each.home === home);
    return view !== undefined && isVisible(view, id, viewer);
  }

  /** A peer as JSON, as a node sees it; null where it does not see it [M7]. */
  seenBy(entry: Entry, viewer: number): string | null {
    const { home, json } = entry;
    if (!this.sees(viewer, entry)) return null;
    const view = this.homes.find((each) => each.home === home);
    if (home === null || view === undefined) return json;
    const there = addressesThere(view, viewer);
    const isFree = isSharee(view, viewer);
    if (there === null && !isFree) return json;
    const [SelfNodeV4MasqAddrForThisPeer, SelfNodeV6MasqAddrForThisPeer] = there ?? [];
    const node = JSON.parse(json) as object;
    const seen = { ...node, SelfNodeV4MasqAddrForThisPeer, SelfNodeV6MasqAddrForThisPeer };
    return JSON.stringify(isFree ? { ...seen, IsJailed: undefined } : seen);
  }

  /** True where foreign nodes have changed after `seq`: they are not the same for all who see them. */
  hasForeign(seq: number): boolean {
    if (this.homes.length === 0) return false;
    return this.shared(`foreign ${seq}`, () =>
      this.sorted().some(({ home, changed }) => home !== null && changed > seq),
    );
  }

  /** The people whose devices all see, by their numbers. */
  get people(): ReadonlyMap<number, UserProfile> {
    const owners = (): UserProfile[] =>
      this.sorted().flatMap(({ waiting, owner }) => (waiting || owner === null ? [] : [owner]));
    return this.shared("people", () => new Map(owners().map((owner) => [owner.ID, owner])));
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

  /** News of presence after a number, in order of their own. */
  presentAfter(since: number): readonly ShownPresence[] {
    return this.shared(`present ${since}`, () =>
      [...this.#present.values()]
        .filter(({ presence }) => presence.changed > since)
        .sort((a, b) => a.presence.changed - b.presence.changed),
    );
  }

  /** True where there is news of foreign nodes after a number: they are not the same for all who see them. */
  hasForeignNews(since: number): boolean {
    if (this.homes.length === 0) return false;
    return this.shared(`foreign news ${since}`, () => this.presentAfter(since).some(({ home }) => home !== null));
  }

  /** The news of one node's presence, or null. */
  presenceOf(id: number): ShownPresence | null {
    return this.#present.get(id) ?? null;
  }

  /** What `make` gives, made once for all who ask by that key until the next change. */
  shared<T>(key: string, make: () => T): T {
    if (!this.#shared.has(key)) this.#shared.set(key, make());
    return this.#shared.get(key) as T;
  }
}
