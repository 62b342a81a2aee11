/**
 * What an object tells the record (D1): its own rows, as the record keeps them. A row changes only together with its `seq`, so that of two the
 * greater is the later one.
 *
 * Rule [W12]: a row of the record is replaced only by one of a later epoch, or of the same and a greater seq; a node that is gone leaves such a
 * row too, so that news of it which comes late does not bring it back.
 */

import { encodeHex, formatLockKey } from "../../tka/index.ts";
import type { StoredEvent } from "../audit/events.ts";
import { keyIds } from "../lock/standing.ts";
import { nodeOf, type NodeRecord } from "../nodes/nodes.ts";
import type { Row } from "../store.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Where a row stands: of two, the one with the later era, or in the same era with the greater seq, is the later one. */
interface Placed {
  readonly era: number;
  readonly seq: number;
}

export interface RecordedTailnet extends Placed {
  readonly tailnetId: string;
  readonly name: string;
  readonly epoch: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly deleted: number | null;
  /** The lock's head, or null where it is off. */
  readonly lockHead: string | null;
  /** The number of the last event that was let go of; 0 for none. */
  readonly logFloor: number;
}

/** Numbers stand for truth values: 0 or 1. Of a node that is gone only its names and keys are known that stand first. */
export interface RecordedNode extends Placed {
  readonly nodeId: number;
  readonly stableId: string;
  readonly machineKey: string;
  readonly removed: 0 | 1;
  /** The tailnet that shares it with this one, or empty for a node of its own. */
  readonly home: string;
  readonly nodeKey: string;
  /** `tlpub:…`, or empty for none. */
  readonly lockKey: string;
  readonly name: string;
  readonly hostname: string;
  readonly os: string;
  readonly clientVersion: string;
  readonly capVersion: number;
  /** JSON. */
  readonly tags: string;
  readonly ephemeral: 0 | 1;
  readonly authorized: 0 | 1;
  /** 1 while a trusted key stands behind its signature. Where the lock is on and this is 0, it is locked out. */
  readonly signed: 0 | 1;
  /** The trusted key behind its signature, as `tlpub:…`, or empty. */
  readonly signedBy: string;
  readonly ignoresLock: 0 | 1;
  readonly awakening: number;
  readonly created: number;
  readonly keyExpiry: number | null;
}

/** What some events mean: rows as they are now. */
export interface RecordedNews {
  readonly tailnet: RecordedTailnet;
  readonly events: readonly StoredEvent[];
  readonly nodes: readonly RecordedNode[];
  /** Where to go on among the nodes, or null at their end. */
  readonly next: number | null;
}

/** Characters of events that are given at once: a call takes 32 MB. */
const PAGE_CHARACTERS = 8_000_000;
/** Nodes that are read at once. */
const NODES_AT_ONCE = 500;
const GONE = {
  removed: 1,
  home: "",
  nodeKey: "",
  lockKey: "",
  name: "",
  hostname: "",
  os: "",
  clientVersion: "",
  capVersion: 0,
  tags: "[]",
  ephemeral: 0,
  authorized: 0,
  signed: 0,
  signedBy: "",
  ignoresLock: 0,
  awakening: 0,
  created: 0,
  keyExpiry: null,
} as const;

function flag(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}

/** An attacker-controlled text as D1 keeps it whole: its JSON functions end a text at U+0000. */
function plain(text: string): string {
  return text.replaceAll("\0", "\u{fffd}");
}

function keyText(key: Uint8Array | null): string {
  return key === null ? "" : formatLockKey(key);
}

function recordedNode(node: NodeRecord, era: number, trusted: ReadonlySet<string>): RecordedNode {
  const { keySignature, signedBy } = node;
  const isSigned = keySignature !== null && signedBy !== null && trusted.has(encodeHex(signedBy));
  return {
    era,
    seq: Math.max(node.changed, node.selfChanged),
    nodeId: node.id,
    stableId: node.stableId,
    machineKey: node.machineKey,
    removed: 0,
    home: node.home?.tailnet ?? "",
    nodeKey: node.nodeKey,
    lockKey: keyText(node.lockKey),
    name: node.name,
    hostname: plain(node.hostname),
    os: plain(node.os),
    clientVersion: plain(node.clientVersion),
    capVersion: node.capVersion,
    tags: JSON.stringify(node.tags),
    ephemeral: flag(node.ephemeral),
    authorized: flag(node.authorized),
    signed: flag(isSigned),
    signedBy: keyText(signedBy),
    ignoresLock: flag(node.ignoresLock),
    awakening: node.awakening,
    created: node.created,
    keyExpiry: node.keyExpiry,
  };
}

function recordedTailnet(tailnet: Tailnet): RecordedTailnet {
  const { id, name, epoch, era, seq } = tailnet.info();
  const row = tailnet.store.row("SELECT created, deleted, log_floor FROM tailnet");
  const [created, deleted] = [row?.integer("created") ?? 0, row?.integerOrNull("deleted") ?? null];
  const [lockHead, logFloor] = [tailnet.lock.head(), row?.integer("log_floor") ?? 0];
  return { tailnetId: id, name, epoch, era, seq, created, deleted, lockHead, logFloor };
}

/** The rows of nodes, and those of removed ones, by ID. */
function recordedNodes(tailnet: Tailnet, nodes: readonly Row[], removed: readonly Row[], limit: number) {
  const { era } = tailnet.info();
  const active = tailnet.lock.active();
  const trusted = active === null ? new Set<string>() : keyIds(active.authority.state);
  const gone = removed.map((row): RecordedNode => ({
    era,
    seq: row.integer("seq"),
    nodeId: row.integer("id"),
    stableId: row.text("stable_id"),
    machineKey: row.text("machine_key"),
    ...GONE,
  }));
  const all = [...nodes.map((row) => recordedNode(nodeOf(row), era, trusted)), ...gone];
  const page = all.sort((a, b) => a.nodeId - b.nodeId).slice(0, limit);
  return { nodes: page, next: page.length < limit ? null : (page.at(-1)?.nodeId ?? null) };
}

/** What the events with these numbers mean, the nodes from the one after `after` on. */
export function newsAt(tailnet: Tailnet, seqs: readonly number[], after: number): RecordedNews {
  const { store } = tailnet;
  const json = JSON.stringify(seqs);
  const these = "IN (SELECT value FROM json_each(?1))";
  const page = "id > ?2 ORDER BY id LIMIT ?3";
  const nodes = store.rows(
    `SELECT * FROM nodes WHERE id IN
      (SELECT id FROM nodes WHERE changed ${these} UNION SELECT id FROM nodes WHERE self_changed ${these}) AND ${page}`,
    json,
    after,
    NODES_AT_ONCE,
  );
  const removed = store.rows(`SELECT * FROM removed_nodes WHERE seq ${these} AND ${page}`, json, after, NODES_AT_ONCE);
  return {
    tailnet: recordedTailnet(tailnet),
    events: after < 0 ? seqs.flatMap((seq) => tailnet.events.at(seq) ?? []) : [],
    ...recordedNodes(tailnet, nodes, removed, NODES_AT_ONCE),
  };
}

/** All that the record has of the object, by the page: first the nodes, then the events. */
export type RecordPage =
  | { readonly part: "tailnet"; readonly rows: readonly RecordedTailnet[] }
  | { readonly part: "nodes"; readonly rows: readonly RecordedNode[]; readonly next: number | null }
  | EventsPage;

export interface EventsPage {
  readonly part: "events";
  readonly rows: readonly StoredEvent[];
  readonly next: number | null;
}

/** A page of up to `limit` events with a seq greater than `after`. */
export function eventsPage({ events }: Tailnet, after: number, limit: number): EventsPage {
  const { rows, isMore } = events.page(after, limit, PAGE_CHARACTERS);
  return { part: "events", rows, next: isMore ? (rows.at(-1)?.seq ?? null) : null };
}

/** A page of up to `limit` rows with an ID or a seq greater than `after`. */
export function recordPage(tailnet: Tailnet, part: RecordPage["part"], after: number, limit: number): RecordPage {
  const { store } = tailnet;
  switch (part) {
    case "tailnet":
      return { part, rows: [recordedTailnet(tailnet)] };
    case "nodes": {
      const [nodes, removed] = ["nodes", "removed_nodes"].map((table) =>
        store.rows(`SELECT * FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`, after, limit),
      );
      const { nodes: rows, next } = recordedNodes(tailnet, nodes ?? [], removed ?? [], limit);
      return { part, rows, next };
    }
    case "events":
      return eventsPage(tailnet, after, limit);
  }
}
