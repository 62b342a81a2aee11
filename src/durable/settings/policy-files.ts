/**
 * The policy files of a tailnet: the one that holds, and those before it.
 *
 * Rule [F13]: a file is stored as it was given, and only once it was understood and its own tests hold; until one is, the default holds.
 * Rule [F14]: `policy_seq` is the seq of the last change that may have changed what any node is given by the policy: sessions past it need not look.
 */

import { DEFAULT_POLICY, parsePolicy, type Person, type Policy } from "../../policy/index.ts";
import type { EventKind } from "../audit/events.ts";
import { sha256Hex } from "../sha256.ts";
import type { Store } from "../store.ts";

/** Files that are kept, the one that holds among them. */
const MOST_KEPT = 100;

/** Events of changes that may change what nodes are given by a policy that names nodes, tags, users or shares. */
const OF_NODES: ReadonlySet<EventKind> = new Set<EventKind>([
  "tailnet.deleted",
  "node.joined",
  "node.expiry",
  "node.authorized",
  "node.tagged",
  "node.removed",
  "share.created",
  "share.accepting",
  "share.accepted",
  "share.withdrawn",
  "share.addressed",
  "user.created",
  "user.approved",
  "user.role",
  "user.suspended",
  "user.restored",
  "user.removed",
]);

/** True where that event may change what a policy gives to nodes [F14]. */
export function mattersToPolicy(kind: EventKind): boolean {
  return OF_NODES.has(kind);
}

/** A policy file, as the admin API gives it. */
export interface PolicyFile {
  readonly text: string;
  /** SHA-256 of the text, in hex. */
  readonly etag: string;
  /** True where nobody has set one. */
  readonly isDefault: boolean;
  /** The seq at which it was set; 0 for the default. */
  readonly seq: number;
}

const DEFAULT_FILE = { etag: sha256Hex(DEFAULT_POLICY), isDefault: true, seq: 0 } as const;

export class PolicyFiles {
  readonly #store: Store;
  #parsed: { readonly etag: string; readonly peopleSeq: number; readonly policy: Policy } | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Which one holds, without its text. */
  latest(): Omit<PolicyFile, "text"> {
    const row = this.#store.row("SELECT seq, etag FROM policies ORDER BY seq DESC LIMIT 1");
    if (row === null) return DEFAULT_FILE;
    return { etag: row.text("etag"), isDefault: false, seq: row.integer("seq") };
  }

  /** The one that holds. */
  current(): PolicyFile {
    const latest = this.latest();
    const row = this.#store.row("SELECT text FROM policies WHERE seq = ?", latest.seq);
    return { ...latest, text: row?.text("text") ?? DEFAULT_POLICY };
  }

  /** The one that holds, understood, for the people as of `peopleSeq`. Throws PolicyError where this code no longer takes what it once took. */
  policy(peopleSeq: number, people: () => readonly Person[]): Policy {
    const { etag } = this.latest();
    if (this.#parsed?.etag !== etag || this.#parsed.peopleSeq !== peopleSeq)
      this.#parsed = { etag, peopleSeq, policy: parsePolicy(this.current().text, people()) };
    return this.#parsed.policy;
  }

  /** Puts a file in force from `seq` on. `ofNodes`: whether nodes matter to it. */
  set(text: string, ofNodes: boolean, seq: number, now: number): void {
    this.#store.run("INSERT INTO policies (seq, etag, at, text) VALUES (?, ?, ?, ?)", seq, sha256Hex(text), now, text);
    this.#store.run("UPDATE tailnet SET policy_seq = ?, policy_of_nodes = ?", seq, ofNodes ? 1 : 0);
    this.#store.run(
      "DELETE FROM policies WHERE seq NOT IN (SELECT seq FROM policies ORDER BY seq DESC LIMIT ?)",
      MOST_KEPT,
    );
  }
}
