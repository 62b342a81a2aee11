/** A node as its tailnet's object stores it, and as events name it. */

import type { NodeKey } from "../../tka/index.ts";
import type { MachineKey } from "../../protocol/index.ts";
import type { By, Target } from "../audit/events.ts";
import type { Row } from "../store.ts";

export interface NodeRecord {
  readonly id: number;
  readonly stableId: string;
  readonly machineKey: MachineKey;
  readonly nodeKey: NodeKey;
  /** 32 bytes, or null where the node has none. */
  readonly lockKey: Uint8Array | null;
  /** The first label of its name. */
  readonly name: string;
  readonly hostname: string;
  readonly os: string;
  readonly clientVersion: string;
  readonly capVersion: number;
  readonly tags: readonly string[];
  /** The ID of whose it is; null with tags, and for a node of another tailnet. */
  readonly user: string | null;
  readonly ephemeral: boolean;
  /** A signature that authorised the node key when it was stored, or null. */
  readonly keySignature: Uint8Array | null;
  /** The trusted key behind it. */
  readonly signedBy: Uint8Array | null;
  /** The head that the node last said it has; empty for none. */
  readonly tkaHead: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** The tailnet's seq at the last change that peers can see. */
  readonly changed: number;
  /** When the node key is over, in milliseconds since the epoch, or null for never. */
  readonly keyExpiry: number | null;
  /** False while it waits for device approval. */
  readonly authorized: boolean;
  /** The new node key that its signature was handed to for rotating, or null, and how many times it was handed. */
  readonly handedTo: string | null;
  readonly handed: number;
  /** How far it is that slept through the end of a lock; 0 for one that did not (lock/awakening.ts). */
  readonly awakening: Awakening;
  /** The chain whose genesis it was given last, or null. */
  readonly seenChain: number | null;
  /** True if it ignores the lock by its owner's choice. */
  readonly ignoresLock: boolean;
  /** The seq at the last change that it can see itself, and its peers cannot. */
  readonly selfChanged: number;
  /** The auth key that let it in last, or null. */
  readonly authKey: string | null;
  /** False until it asks for its map by its present key: it may not have heard that it is in [G16]. */
  readonly heard: boolean;
  /** For a node of another tailnet: that tailnet, and its stable ID there; null for one of our own. */
  readonly home: { readonly tailnet: string; readonly id: string } | null;
}

export type Awakening = 0 | 1 | 2;

/** A node as what an event is about. */
export function nodeTarget({ stableId, name }: Pick<NodeRecord, "stableId" | "name">, property?: string): Target {
  return { type: "NODE", id: stableId, name, ...(property === undefined ? {} : { property }) };
}

/** A node that does something by the request at hand. */
export function byNode({ stableId, name }: Pick<NodeRecord, "stableId" | "name">): By {
  return { actor: { type: "NODE", id: stableId, name }, origin: "NODE", group: "" };
}

function homeOf(row: Row): NodeRecord["home"] {
  const tailnet = row.textOrNull("home");
  return tailnet === null ? null : { tailnet, id: row.text("home_id") };
}

/** A row of the table as a node. */
export function nodeOf(row: Row): NodeRecord {
  return {
    id: row.integer("id"),
    stableId: row.text("stable_id"),
    machineKey: row.text("machine_key") as MachineKey,
    nodeKey: row.text("node_key") as NodeKey,
    lockKey: row.bytesOrNull("lock_key"),
    name: row.text("name"),
    hostname: row.text("hostname"),
    os: row.text("os"),
    clientVersion: row.text("client_version"),
    capVersion: row.integer("cap_version"),
    tags: JSON.parse(row.text("tags")) as string[],
    user: row.textOrNull("user"),
    ephemeral: row.integer("ephemeral") === 1,
    keySignature: row.bytesOrNull("key_signature"),
    signedBy: row.bytesOrNull("signed_by"),
    tkaHead: row.text("tka_head"),
    created: row.integer("created"),
    changed: row.integer("changed"),
    keyExpiry: row.integerOrNull("key_expiry"),
    authorized: row.integer("authorized") === 1,
    handedTo: row.textOrNull("handed_to"),
    handed: row.integer("handed"),
    awakening: row.integer("awakening") as Awakening,
    seenChain: row.integerOrNull("seen_chain"),
    ignoresLock: row.integer("ignores_lock") === 1,
    selfChanged: row.integer("self_changed"),
    authKey: row.textOrNull("auth_key"),
    heard: row.integer("heard") === 1,
    home: homeOf(row),
  };
}
