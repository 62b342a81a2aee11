/**
 * What is known of a node at this moment: whether it is connected, where it can be reached, and what it says of its host beyond the record. None of
 * it is an event, or in D1. Everything here runs inside the caller's transaction.
 *
 * Rule [M13]: presence has a counter of its own: every change takes the next number, so that whoever knows of all up to one number can be told of the
 *            rest. Each part of a row has the number at which it last changed: peers are told of what has changed, and nothing else.
 * Rule [M14]: a node is connected where the sessions object that told of it last says so: word that it has gone counts from that object alone.
 */

import { NO_DETAILS, NOWHERE, type HostDetails, type Whereabouts } from "./host-details.ts";
import type { Row, Store } from "../store.ts";

export interface Presence extends Whereabouts {
  /** The number of its latest change; 0 where nothing was ever said. */
  readonly changed: number;
  readonly online: boolean;
  /** When it was last connected, in milliseconds since the epoch; null where it never was, or is. */
  readonly lastSeen: number | null;
  readonly host: HostDetails;
  /** Numbers of the latest change of each part. */
  readonly onlineAt: number;
  readonly discoAt: number;
  readonly placeAt: number;
  readonly hostAt: number;
}

export const NO_PRESENCE: Presence = {
  ...NOWHERE,
  changed: 0,
  online: false,
  lastSeen: null,
  host: NO_DETAILS,
  onlineAt: 0,
  discoAt: 0,
  placeAt: 0,
  hostAt: 0,
};

/** A node that has come, or gone. */
export interface Coming {
  readonly nodeId: number;
  readonly online: boolean;
}

/** The columns, to be read of a row that may lack them. */
export const PRESENCE_COLUMNS =
  "presence.changed AS present, online, last_seen, disco_key, endpoints, home_derp, host, online_at, disco_at, place_at, host_at";

export function presenceOf(row: Row): Presence {
  const changed = row.integerOrNull("present");
  if (changed === null) return NO_PRESENCE;
  return {
    changed,
    online: row.integer("online") === 1,
    lastSeen: row.integerOrNull("last_seen"),
    discoKey: row.text("disco_key"),
    endpoints: JSON.parse(row.text("endpoints")) as string[],
    homeDerp: row.integer("home_derp"),
    host: { ...NO_DETAILS, ...(JSON.parse(row.text("host")) as Partial<HostDetails>) },
    onlineAt: row.integer("online_at"),
    discoAt: row.integer("disco_at"),
    placeAt: row.integer("place_at"),
    hostAt: row.integer("host_at"),
  };
}

export class Presences {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  of(nodeId: number): Presence {
    const row = this.#store.row(`SELECT ${PRESENCE_COLUMNS} FROM presence WHERE node_id = ?`, nodeId);
    return row === null ? NO_PRESENCE : presenceOf(row);
  }

  /** Where all nodes are to be found, by ID. */
  places(): Map<number, Pick<Whereabouts, "discoKey" | "homeDerp">> {
    const rows = this.#store.rows("SELECT node_id, disco_key, home_derp FROM presence");
    return new Map(
      rows.map((row) => [
        row.integer("node_id"),
        { discoKey: row.text("disco_key"), homeDerp: row.integer("home_derp") },
      ]),
    );
  }

  /** Takes the next number, and makes sure that the node has a row. */
  #next(nodeId: number): number {
    this.#store.run("UPDATE tailnet SET presence = presence + 1");
    this.#store.run("INSERT OR IGNORE INTO presence (node_id) VALUES (?)", nodeId);
    return this.#store.row("SELECT presence FROM tailnet")?.integer("presence") ?? 0;
  }

  /** Takes what a node says of where it is and of its host. True where it is news. */
  note(nodeId: number, place: Whereabouts, host: HostDetails): boolean {
    const known = this.of(nodeId);
    const endpoints = JSON.stringify(place.endpoints);
    const details = JSON.stringify(host);
    const isMoved = endpoints !== JSON.stringify(known.endpoints) || place.homeDerp !== known.homeDerp;
    const isDisco = place.discoKey !== known.discoKey;
    const isHost = details !== JSON.stringify(known.host);
    if (!isMoved && !isDisco && !isHost) return false;
    const at = this.#next(nodeId);
    this.#store.run(
      `UPDATE presence SET changed = ?, disco_key = ?, endpoints = ?, home_derp = ?, host = ?, place_at = ?, disco_at = ?, host_at = ?
       WHERE node_id = ?`,
      at,
      place.discoKey,
      endpoints,
      place.homeDerp,
      details,
      isMoved ? at : known.placeAt,
      isDisco ? at : known.discoAt,
      isHost ? at : known.hostAt,
      nodeId,
    );
    return true;
  }

  #setOnline(nodeId: number, holder: string, lastSeen: number | null): void {
    const at = this.#next(nodeId);
    this.#store.run(
      "UPDATE presence SET online = ?, holder = ?, last_seen = ?, online_at = ?, changed = ? WHERE node_id = ?",
      lastSeen === null ? 1 : 0,
      holder,
      lastSeen,
      at,
      at,
      nodeId,
    );
  }

  #take(holder: string, { nodeId, online }: Coming, now: number): void {
    const known = this.#store.row("SELECT online, holder FROM presence WHERE node_id = ?", nodeId);
    const [was, by] = [known?.integer("online") === 1, known?.text("holder")];
    if (online && was && by !== holder) {
      this.#store.run("UPDATE presence SET holder = ? WHERE node_id = ?", holder, nodeId);
    } else if (online && !was) this.#setOnline(nodeId, holder, null);
    else if (!online && was && by === holder) this.#setOnline(nodeId, holder, now);
  }

  /** Takes what a sessions object says of nodes that have come and gone [M14]. */
  take(holder: string, comings: readonly Coming[], now: number): void {
    for (const coming of comings) {
      const isKnown = this.#store.row("SELECT 1 FROM nodes WHERE id = ? AND home IS NULL", coming.nodeId) !== null;
      if (isKnown) this.#take(holder, coming, now);
    }
  }

  /** Takes the whole of what a sessions object holds: others of which it told are gone. */
  settle(holder: string, nodeIds: readonly number[], now: number): void {
    const held = new Set(nodeIds);
    const told = this.#store.rows("SELECT node_id FROM presence WHERE holder = ? AND online = 1", holder);
    const gone = told.map((row) => row.integer("node_id")).filter((id) => !held.has(id));
    const comings = [
      ...nodeIds.map((nodeId) => ({ nodeId, online: true })),
      ...gone.map((nodeId) => ({ nodeId, online: false })),
    ];
    this.take(holder, comings, now);
  }
}
