/**
 * One tailnet's tables together, and its sequence of changes: what the acts of a TailnetAuthority work on.
 *
 * Rule [P54]: a change is made by the role and the credential by which the door let somebody through, or not at all: both are looked at again in the
 *            transaction. A request may take its time between the two: its body comes after the door; and a list that is sent while it is read goes as slowly as whoever reads it.
 */

import { encodeHex, type AumHash, type NodeKey, type SignatureVerifier } from "../../tka/index.ts";
import { Allowance, NEWS, PRESENCE, REFUSALS, SECRETS, newsOfWhom } from "./allowance.ts";
import { AuthKeys } from "../people/auth-keys.ts";
import { Credentials } from "../people/credentials.ts";
import { Events, type By, type NewEvent, type Target } from "../audit/events.ts";
import { Lock } from "../lock/lock.ts";
import { LogStreams } from "../audit/streams.ts";
import { isMadeOf, newsOf, said, type NodeFacts } from "../nodes/node-facts.ts";
import { Nodes, byNode, nodeTarget, type NodeRecord } from "../nodes/nodes.ts";
import { Nonces, type Caller } from "../nodes/nonces.ts";
import { Outbox } from "../delivery/outbox.ts";
import { PolicyFiles, mattersToPolicy } from "../settings/policy-files.ts";
import { randomId } from "../random-id.ts";
import { Presences } from "../nodes/presence.ts";
import { ControlError } from "../refuse.ts";
import { AUTHORITY_MIGRATIONS } from "./schema.ts";
import { readSettings, writeSettings, type Settings } from "../settings/settings.ts";
import { Shares } from "../sharing/shares.ts";
import type { Policy } from "../../policy/index.ts";
import type { Store } from "../store.ts";
import { ownerLogin } from "../people/user-profiles.ts";
import { UserInvites } from "../people/user-invites.ts";
import { Users, firstUserId, loginOf } from "../people/users.ts";
import { Webhooks } from "../webhooks/webhooks.ts";

export interface TailnetInfo {
  readonly id: string;
  readonly name: string;
  /** Changes where the object's history does: a session of another epoch starts anew. */
  readonly epoch: string;
  /** When the epoch began: of two epochs the later counts. */
  readonly era: number;
  /** Counts the changes that nodes can see. */
  readonly seq: number;
  /** The seq at which the lock last changed; 0 where it never has. */
  readonly lockSeq: number;
  /** The seq at the last change that may have changed what a node is given by the policy [F14]; 0 where there was none. */
  readonly policySeq: number;
  /** True once it was given up [W6]. */
  readonly deleted: boolean;
  /** The layout of its sessions objects [X3]. */
  readonly shards: number;
  /** Counts the changes of presence [M13]. */
  readonly presence: number;
  /** The seq at which the settings of DNS last changed. */
  readonly dnsSeq: number;
  /** The seq at which people, their roles or their standing last changed. */
  readonly peopleSeq: number;
}

export class Tailnet {
  readonly store: Store;
  readonly lock: Lock;
  readonly nodes: Nodes;
  readonly users: Users;
  readonly userInvites: UserInvites;
  readonly credentials: Credentials;
  readonly authKeys: AuthKeys;
  readonly nonces: Nonces;
  readonly events: Events;
  readonly outbox: Outbox;
  readonly logStreams: LogStreams;
  readonly shares: Shares;
  readonly policies: PolicyFiles;
  readonly presences: Presences;
  readonly webhooks: Webhooks;
  readonly verifier: SignatureVerifier;
  readonly #news = new Allowance(NEWS);
  readonly #presence = new Allowance(PRESENCE);
  readonly #secrets = new Allowance(SECRETS);
  readonly #refusals = new Allowance(REFUSALS);
  /** What was read last, and the store's version at that time. */
  #known: { readonly version: number; readonly info: TailnetInfo | null } | null = null;

  constructor(store: Store, verifier: SignatureVerifier) {
    // Anybody can name a tailnet that there is not: its object stays empty.
    if (!store.isEmpty()) store.migrate(AUTHORITY_MIGRATIONS);
    this.store = store;
    this.verifier = verifier;
    this.lock = new Lock(store);
    this.nodes = new Nodes(store);
    this.users = new Users(store);
    this.userInvites = new UserInvites(store);
    this.credentials = new Credentials(store);
    this.authKeys = new AuthKeys(store);
    this.nonces = new Nonces(store);
    this.events = new Events(store);
    this.outbox = new Outbox(store);
    this.logStreams = new LogStreams(store);
    this.shares = new Shares(store);
    this.policies = new PolicyFiles(store);
    this.presences = new Presences(store);
    this.webhooks = new Webhooks(store);
  }

  /**
   * Makes the tailnet with its first owner, once; again with the same ID it is a no-op. Without a login name the owner is `owner@` and the tailnet's
   * name. Throws `malformed_request` for a bad one.
   */
  create(id: string, name: string, owner: string | null, by: By, now: number): void {
    this.store.migrate(AUTHORITY_MIGRATIONS);
    const known = this.find();
    if (known?.deleted) throw new ControlError("unknown_tailnet", "there is no such tailnet any more");
    if (known !== null) return;
    this.store.run(
      "INSERT INTO tailnet (id, name, epoch, created, seq, lock_seq) VALUES (?, ?, ?, ?, 0, 0)",
      id,
      name,
      randomId("e"),
      now,
    );
    const login = owner === null ? ownerLogin(name) : loginOf(owner);
    const displayName = owner === null ? "Owner" : login;
    this.users.add({ id: firstUserId(id), login, displayName, role: "owner", waiting: null, isFirst: true }, now);
    this.record(by, { kind: "tailnet.created", target: this.target(), new: { name, owner: login } }, now);
  }

  /** Begins another epoch, of an object that is an older copy of itself: sessions begin anew, and the record tells its rows from later ones. */
  beginEpoch(by: By, now: number): string {
    const { epoch: old, era, seq } = this.info();
    const last = this.events.at(seq);
    // Who has later events sees by this after which one they were undone [W21].
    const known = last === null ? { epoch: old } : { epoch: old, sequence: seq, hash: encodeHex(last.hash) };
    const epoch = randomId("e");
    this.store.run("UPDATE tailnet SET epoch = ?, era = ?", epoch, Math.max(era + 1, now));
    // What was last said to other tailnets may be newer than this copy.
    this.store.run("UPDATE links SET acked = '', checked = -1");
    this.record(by, { kind: "tailnet.restored", target: this.target(), old: known, new: { epoch } }, now);
    return epoch;
  }

  /** Null in an object that nobody has made a tailnet of. Asked many times in one act: read again only once something was written. */
  find(): TailnetInfo | null {
    if (this.store.isEmpty()) return null;
    const { version } = this.store;
    if (this.#known?.version !== version) this.#known = { version, info: this.#read() };
    return this.#known.info;
  }

  #read(): TailnetInfo | null {
    const row = this.store.row(
      "SELECT id, name, epoch, era, seq, lock_seq, policy_seq, deleted, shards, presence, dns_seq, people_seq FROM tailnet",
    );
    if (row === null) return null;
    return {
      id: row.text("id"),
      name: row.text("name"),
      epoch: row.text("epoch"),
      era: row.integer("era"),
      seq: row.integer("seq"),
      lockSeq: row.integer("lock_seq"),
      policySeq: row.integer("policy_seq"),
      deleted: row.integerOrNull("deleted") !== null,
      shards: row.integer("shards"),
      presence: row.integer("presence"),
      dnsSeq: row.integer("dns_seq"),
      peopleSeq: row.integer("people_seq"),
    };
  }

  /** Throws `unknown_tailnet` in an object that nobody has made a tailnet of. */
  info(): TailnetInfo {
    const info = this.find();
    if (info === null) throw new ControlError("unknown_tailnet", "there is no such tailnet");
    return info;
  }

  /** The same for one that was not given up [W6]. */
  requireLiving(): TailnetInfo {
    const info = this.info();
    if (info.deleted) throw new ControlError("unknown_tailnet", "there is no such tailnet any more");
    return info;
  }

  /** What the Directory lists of it. `created` in milliseconds since the epoch. */
  summary(): { readonly id: string; readonly name: string; readonly created: number } {
    const { id, name } = this.info();
    return { id, name, created: this.store.row("SELECT created FROM tailnet")?.integer("created") ?? 0 };
  }

  /** The head of the lock, or null where there is none. */
  head(): AumHash | null {
    return this.find() === null ? null : this.lock.head();
  }

  /** The policy that holds. Throws PolicyError where it is not understood any more. */
  policy(): Policy {
    return this.policies.policy(this.info().peopleSeq, () => this.users.people());
  }

  get settings(): Settings {
    return readSettings(this.store);
  }

  set settings(settings: Settings) {
    writeSettings(this.store, settings);
  }

  /** The tailnet, or with a property something of it, as what an event is about. */
  target(property?: string): Target {
    const { id, name } = this.info();
    return { type: "TAILNET", id, name, ...(property === undefined ? {} : { property }) };
  }

  /** Counts a change and stores the event that tells of it [W2], and that it is to be passed on [W10]; gives its number. `now` in milliseconds since the epoch. */
  record(by: By, event: NewEvent, now: number): number {
    const counted = newsOfWhom(by, event);
    if (counted !== null) this.#news.take(counted, now);
    this.refuseOutdated(by, now);
    const policySeq = mattersToPolicy(event.kind) ? "iif(policy_of_nodes = 1, seq + 1, policy_seq)" : "policy_seq";
    const peopleSeq = event.kind.startsWith("user.") ? "seq + 1" : "people_seq";
    this.store.run(`UPDATE tailnet SET seq = seq + 1, policy_seq = ${policySeq}, people_seq = ${peopleSeq}`);
    const { epoch, seq } = this.info();
    this.events.add(by, event, epoch, seq, now);
    this.outbox.add(seq);
    this.webhooks.enqueue(event, seq, now);
    return seq;
  }

  /** [P54] To be called before each part of what is read in parts, too. Throws `forbidden`. */
  refuseOutdated({ actor, role, isEarlier }: By, now: number): void {
    if (isEarlier === true) return;
    if (role !== undefined && this.users.behind(actor)?.role !== role)
      throw new ControlError("forbidden", "your role or standing has changed since you asked");
    const credential = actor.type === "OAUTH_CLIENT" ? actor.id : actor.credential;
    if (credential === undefined) return;
    const { revoked, expires } = this.credentials.byId(credential) ?? { revoked: 0, expires: null };
    if (revoked === null && (expires === null || expires > now)) return;
    throw new ControlError("forbidden", "the credential by which you ask was revoked since, or has expired");
  }

  /** The same for a change of the lock's head, which every node is told. */
  recordLock(by: By, event: Omit<NewEvent, "target">, now: number): number {
    const seq = this.record(by, { ...event, target: this.target("TKA") }, now);
    this.store.run("UPDATE tailnet SET lock_seq = seq");
    return seq;
  }

  /** To be called before a secret that a node or a person gives is put to the KDF; the operator is not counted. Throws `too_many_requests` [W15]. */
  countSecret({ actor }: By, now: number): void {
    if (actor.type !== "OPERATOR") this.#secrets.take(actor.id, now);
  }

  /** To be called before a refused attempt is put on the record. Throws `too_many_requests` [W15]. */
  countRefusal(actor: string, now: number): void {
    this.#refusals.take(actor, now);
  }

  /** To be called where a node says anew where it is. Throws `too_many_requests` [W15]. */
  countPresence(stableId: string, now: number): void {
    this.#presence.take(stableId, now);
  }

  /** Records what a node says of itself; peers are told only of what is new. */
  describe(node: NodeRecord, facts: NodeFacts, now: number): void {
    const news = newsOf(node, facts);
    if (news === null) return;
    const seq = this.record(byNode(node), { kind: "node.described", target: nodeTarget(node), ...news }, now);
    this.nodes.describe(node, facts, seq);
    this.#rename(node, said(node, facts).hostname, now);
  }

  /** The name of a node goes with what its host calls itself, as at Tailscale, until an admin gives it another. */
  #rename(node: NodeRecord, hostname: string, now: number): void {
    if (hostname === "" || isMadeOf(node.name, hostname) || !isMadeOf(node.name, node.hostname)) return;
    const name = this.nodes.freeName(hostname);
    const details = { old: { name: node.name }, new: { name } };
    const seq = this.record(byNode(node), { kind: "node.renamed", target: nodeTarget(node), ...details }, now);
    this.nodes.setName(node, name, seq);
  }

  /** The node that asks, once its request is known to be its own and new. Throws `unknown_node`, `wrong_machine`, `replayed_request`. */
  admit(caller: Caller, nodeKey: NodeKey, now: number): NodeRecord {
    const node = this.nodes.require(nodeKey, caller.machineKey);
    this.nonces.take(caller, now);
    return node;
  }
}
