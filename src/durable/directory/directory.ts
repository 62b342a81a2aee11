/**
 * Which tailnet a machine is in by which node key, in buckets by machine key; one bucket lists the tailnets, and one the logins that wait. A
 * convenience for routing, never a permission: the authority checks the pair again. Buckets of people hold their sessions, and which tailnets they may
 * be in: who somebody is, and never what they may.
 */

import { DurableObject } from "cloudflare:workers";
import type { NodeKey } from "../../tka/index.ts";
import { LOGIN_HOLD_MS, type MachineKey, type Outcome } from "../../protocol/index.ts";
import type { ObjectsEnv } from "../env.ts";
import type { LoginInfo } from "../nodes/logins.ts";
import { Memberships } from "./memberships.ts";
import { PersonSessions, type PersonSession } from "./person-sessions.ts";
import { followRequests } from "../followed.ts";
import { outcomeOf } from "../refuse.ts";
import { DIRECTORY_MIGRATIONS } from "./schema.ts";
import { sha256 } from "../sha256.ts";
import { SignInLinks, type LinkProof } from "./sign-in-links.ts";
import type { SignInProof } from "../people/sign-in-proof.ts";
import { Store } from "../store.ts";
import { WaitingLogins, type NewLogin } from "./waiting-logins.ts";

/** Never changed once in use: a bucket's name is where its routes are. */
const BUCKETS = 64;
/** The bucket that lists the tailnets. */
export const TAILNETS_BUCKET = "tailnets";
/** The bucket that holds the logins that wait. */
export const LOGINS_BUCKET = "logins";

/** The name of the bucket that holds a machine's routes. */
export function bucketOf(machineKey: MachineKey): string {
  return `machines-${(sha256(machineKey)[0] ?? 0) % BUCKETS}`;
}

/** Questions that are held for one login: a node asks one at a time, and has lost some answers. */
const MOST_HELD = 4;

export interface TailnetEntry {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

export class Directory extends DurableObject<ObjectsEnv> {
  /** Milliseconds for which a node that waits for its login is held at most, whatever it asks for. */
  readonly holdMs: number = LOGIN_HOLD_MS;
  readonly #store: Store;
  readonly #logins: WaitingLogins;
  readonly #sessions: PersonSessions;
  readonly #links: SignInLinks;
  readonly #memberships: Memberships;
  /** Whoever waits for a login to be settled, by its ID. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#store = new Store(ctx.storage);
    this.#store.migrate(DIRECTORY_MIGRATIONS);
    this.#logins = new WaitingLogins(this.#store);
    this.#sessions = new PersonSessions(this.#store);
    this.#links = new SignInLinks(this.#store);
    this.#memberships = new Memberships(this.#store);
  }

  /** Records a route. A node key is in one tailnet: a new route takes the place of the old one. */
  route(machineKey: MachineKey, nodeKey: NodeKey, tailnet: string): void {
    this.#store.run(
      "INSERT OR REPLACE INTO routes (machine_key, node_key, tailnet, routed) VALUES (?, ?, ?, ?)",
      machineKey,
      nodeKey,
      tailnet,
      Date.now(),
    );
  }

  /** The tailnet of the pair, or null. */
  find(machineKey: MachineKey, nodeKey: NodeKey): string | null {
    const row = this.#store.row(
      "SELECT tailnet FROM routes WHERE machine_key = ? AND node_key = ?",
      machineKey,
      nodeKey,
    );
    return row?.text("tailnet") ?? null;
  }

  /** The tailnet that the machine was routed to last, by whichever node key, or null. */
  lastOf(machineKey: MachineKey): string | null {
    const sql = "SELECT tailnet FROM routes WHERE machine_key = ? ORDER BY routed DESC LIMIT 1";
    return this.#store.row(sql, machineKey)?.text("tailnet") ?? null;
  }

  /** Lists a tailnet under a new name, or gives the one that has the name. */
  list(id: string, name: string): TailnetEntry {
    this.#store.run("INSERT OR IGNORE INTO tailnets (id, name, created) VALUES (?, ?, ?)", id, name, Date.now());
    return this.#entries("WHERE name = ?", name)[0] as TailnetEntry;
  }

  /** Takes a tailnet off the list: its name is free again. */
  unlist(id: string): void {
    this.#store.run("DELETE FROM tailnets WHERE id = ?", id);
  }

  /** The tailnet of that name, or null. */
  named(name: string): TailnetEntry | null {
    return this.#entries("WHERE name = ?", name)[0] ?? null;
  }

  /** The tailnet where there is exactly one, or null. */
  only(): TailnetEntry | null {
    const entries = this.#entries("LIMIT 2");
    return entries.length === 1 ? (entries[0] ?? null) : null;
  }

  /** The login of a node without an auth key. Refuses with `too_many_requests`. */
  openLogin(login: NewLogin): Promise<Outcome<LoginInfo>> {
    return outcomeOf(() => this.#store.transaction(() => this.#logins.open(login, Date.now())));
  }

  login(id: string): LoginInfo | null {
    return this.#logins.find(id, Date.now());
  }

  logins(): LoginInfo[] {
    return this.#logins.all(Date.now());
  }

  /** Settles a login, and wakes the node that waits for it. */
  settleLogin(id: string, state: "approved" | "denied", tailnet: string | null): void {
    this.#logins.settle(id, state, tailnet);
    for (const wake of this.#waiting.get(id) ?? []) wake();
  }

  /** The login of that ID, once it is settled or `holdMs` have passed; null where there is none. */
  async awaitLogin(id: string, holdMs: number): Promise<LoginInfo | null> {
    const isCrowded = (this.#waiting.get(id)?.size ?? 0) >= MOST_HELD;
    if (this.login(id)?.state === "waiting" && !isCrowded) await this.#settled(id, holdMs);
    return this.login(id);
  }

  async #settled(id: string, holdMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => {
      resolve(undefined);
    };
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(wake));
    const timer = setTimeout(wake, Math.min(holdMs, this.holdMs));
    await promise;
    clearTimeout(timer);
    waiting.delete(wake);
    if (waiting.size === 0) this.#waiting.delete(id);
  }

  /** Notes that a person may be in a tailnet; again is a no-op. */
  enrol(login: string, tailnet: string): void {
    this.#memberships.add(login, tailnet);
  }

  /** The same of one who is no longer. */
  withdraw(login: string, tailnet: string): void {
    this.#memberships.remove(login, tailnet);
  }

  /** IDs of the tailnets that a person may be in. */
  tailnetsOf(login: string): string[] {
    return this.#memberships.of(login);
  }

  /** Opens a person's session. `hash` is the SHA-256 of its secret, here and below. */
  openSession(hash: Uint8Array, proof: SignInProof): void {
    this.#store.transaction(() => {
      this.#sessions.open(hash, proof, Date.now());
    });
  }

  /** The session with that secret, which is thereby used; null for none. */
  session(hash: Uint8Array): PersonSession | null {
    return this.#sessions.use(hash, Date.now());
  }

  /** Ends the session, or with it all of the same person. */
  closeSession(hash: Uint8Array, everywhere: boolean): void {
    if (everywhere) this.#sessions.closeAll(hash, Date.now());
    this.#sessions.close(hash);
  }

  /** Keeps a one-time link, and gives when it is over. */
  keepLink(hash: Uint8Array, proof: LinkProof): number {
    return this.#store.transaction(() => this.#links.keep(hash, proof, Date.now()));
  }

  /** Whom a one-time link is for; null where there is none that is good. */
  link(hash: Uint8Array): LinkProof | null {
    return this.#links.find(hash, Date.now());
  }

  /** Spends a one-time link and opens the session that it is for. Refuses with `forbidden`. */
  spendLink(hash: Uint8Array, session: Uint8Array): Promise<Outcome<LinkProof>> {
    return outcomeOf(() =>
      this.#store.transaction(() => {
        const proof = this.#links.spend(hash, Date.now());
        this.#sessions.open(session, proof, Date.now());
        return proof;
      }),
    );
  }

  tailnets(): TailnetEntry[] {
    return this.#entries("ORDER BY name");
  }

  #entries(clause: string, ...values: string[]): TailnetEntry[] {
    return this.#store
      .rows(`SELECT id, name, created FROM tailnets ${clause}`, ...values)
      .map((row) => ({ id: row.text("id"), name: row.text("name"), created: row.integer("created") }));
  }
}

followRequests(Directory, DurableObject);
