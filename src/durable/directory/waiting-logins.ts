/**
 * Logins that wait for an admin, in a bucket of the Directory. Everything a node says here is attacker-controlled, and whoever has a key pair can
 * ask: what is kept is bounded, and goes by itself.
 *
 * Rule [G13]: a machine has a few logins at most, and all of them together have a limit: one more is refused until some have expired. Machines that
 *            were let in before have a limit of their own: strangers cannot keep them out.
 */

import { LOGIN_MS, MAX_LOGINS, MAX_LOGINS_OF_MACHINE, type MachineKey } from "../../protocol/index.ts";
import type { NodeKey } from "../../tka/index.ts";
import { refuseBadTags } from "../nodes/devices.ts";
import type { LoginInfo } from "../nodes/logins.ts";
import { kept } from "../nodes/node-facts.ts";
import { randomText } from "../random-id.ts";
import { ControlError } from "../refuse.ts";
import type { Row, Store } from "../store.ts";

/** Characters of a login's ID: 140 bits, so that nobody finds another's page. */
const ID_LENGTH = 24;

export interface NewLogin {
  readonly machineKey: MachineKey;
  readonly nodeKey: NodeKey;
  readonly hostname: string;
  readonly os: string;
  /** That it asks for. */
  readonly tags: readonly string[];
  /** The tailnet that the machine is in by its old node key, or null. */
  readonly tailnet: string | null;
}

function loginOf(row: Row): LoginInfo {
  return {
    id: row.text("id"),
    machineKey: row.text("machine_key") as MachineKey,
    nodeKey: row.text("node_key") as NodeKey,
    hostname: row.text("hostname"),
    os: row.text("os"),
    tags: JSON.parse(row.text("tags")) as string[],
    created: row.integer("created"),
    expires: row.integer("expires"),
    state: row.text("state") as LoginInfo["state"],
    tailnet: row.textOrNull("tailnet"),
  };
}

export class WaitingLogins {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  #count(where: string, ...values: string[]): number {
    return this.#store.row(`SELECT COUNT(*) AS n FROM logins ${where}`, ...values)?.integer("n") ?? 0;
  }

  #ofPair(machineKey: MachineKey, nodeKey: NodeKey): LoginInfo | null {
    const row = this.#store.row("SELECT * FROM logins WHERE machine_key = ? AND node_key = ?", machineKey, nodeKey);
    return row === null ? null : loginOf(row);
  }

  /**
   * The pair's login, made where it has none that waits: one for other tags than before is another, so that nobody approves what was not shown [G17].
   * Throws `too_many_requests` [G13], and `malformed_request` for tags of another form.
   */
  open({ machineKey, nodeKey, hostname, os, tailnet, tags: asked }: NewLogin, now: number): LoginInfo {
    refuseBadTags(asked);
    const tags = JSON.stringify([...new Set(asked)].sort());
    this.#store.run("DELETE FROM logins WHERE expires <= ?", now);
    const known = this.#ofPair(machineKey, nodeKey);
    if (known?.state === "waiting" && JSON.stringify(known.tags) === tags) return known;
    if (
      this.#count(`WHERE tailnet IS ${tailnet === null ? "" : "NOT "}NULL`) >= MAX_LOGINS ||
      this.#count("WHERE machine_key = ?", machineKey) >= MAX_LOGINS_OF_MACHINE + (known === null ? 0 : 1)
    )
      throw new ControlError("too_many_requests", "too many logins wait for an admin: try again later");
    this.#store.run(
      `INSERT OR REPLACE INTO logins (id, machine_key, node_key, hostname, os, created, expires, state, tailnet, tags)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)`,
      randomText(ID_LENGTH),
      machineKey,
      nodeKey,
      kept(hostname),
      kept(os),
      now,
      now + LOGIN_MS,
      tailnet,
      tags,
    );
    return this.#ofPair(machineKey, nodeKey) as LoginInfo;
  }

  /** The login, or null where there is none, or it has expired. */
  find(id: string, now: number): LoginInfo | null {
    const row = this.#store.row("SELECT * FROM logins WHERE id = ? AND expires > ?", id, now);
    return row === null ? null : loginOf(row);
  }

  /** Those that wait, the oldest first. */
  all(now: number): LoginInfo[] {
    return this.#store
      .rows("SELECT * FROM logins WHERE expires > ? AND state = 'waiting' ORDER BY created, id", now)
      .map(loginOf);
  }

  /** Settles a login; `tailnet` is the one that it was let into, or null. */
  settle(id: string, state: "approved" | "denied", tailnet: string | null): void {
    this.#store.run("UPDATE logins SET state = ?, tailnet = ? WHERE id = ?", state, tailnet, id);
  }
}
