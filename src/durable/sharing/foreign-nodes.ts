/**
 * Nodes of other tailnets, as rows beside our own: they have an ID and so an address of this tailnet's, and are signed, listed and shown like
 * any other; but no machine of theirs is known here, so that nobody can ask for anything in their name.
 *
 * Rule [S6]: a foreign node brings no node key that is or was that of another node here; with one that it does, it is not let in.
 * Rule [S7]: a foreign node's signature goes with its key: when that changes at home it needs signing here again, and an event says so.
 * Rule [S8]: there is a limit to a tailnet's foreign nodes, by home and in all.
 * Rule [S13]: another tailnet goes by no name that is ours, or that of a third one here: its nodes would pass for theirs.
 */

import { formatLockKey } from "../../tka/index.ts";
import type { MachineKey } from "../../protocol/index.ts";
import type { By } from "../audit/events.ts";
import { NOWHERE, NO_DETAILS, type Whereabouts } from "../nodes/host-details.ts";
import { recordNeedsSignature } from "../lock/standing.ts";
import { nodeOf, nodeTarget, type NodeRecord } from "../nodes/nodes.ts";
import { randomId } from "../random-id.ts";
import { ControlError } from "../refuse.ts";
import { MAX_FOREIGN_TOTAL, type ForeignFacts } from "./statement.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Another tailnet, as what its statement is taken from. */
export interface Home {
  readonly tailnet: string;
  /** Its domain. */
  readonly name: string;
}

/** Another tailnet's object, as who does something here. */
export function byTailnet({ tailnet, name }: Home): By {
  return { actor: { type: "AUTOMATED_WORKER", id: tailnet, name }, origin: "CONTROL", group: "" };
}

/** In the place of a machine key; no machine has it. */
function noMachine(home: string, id: string): MachineKey {
  return `foreign:${home}:${id}` as MachineKey;
}

/** The full name at home, without the dot at the end: no label of ours has a dot in it, so none is taken from our own nodes. */
function nameOf({ name }: ForeignFacts, home: Home): string {
  return `${name}.${home.name}`;
}

/** Throws `name_taken` [S13]. The name is attacker-controlled. */
export function refuseTakenName(tailnet: Tailnet, home: Home): void {
  const isThirds = tailnet.shares.links().some(({ other, name }) => other !== home.tailnet && name === home.name);
  if (isThirds || tailnet.info().name === home.name)
    throw new ControlError("name_taken", "another tailnet has that name here", { subject: home.name.slice(0, 63) });
}

export function foreignNodes(tailnet: Tailnet, home: string): NodeRecord[] {
  return tailnet.store.rows("SELECT * FROM nodes WHERE home = ? ORDER BY id", home).map(nodeOf);
}

function foreignNode(tailnet: Tailnet, home: string, id: string): NodeRecord | null {
  const row = tailnet.store.row("SELECT * FROM nodes WHERE home = ? AND home_id = ?", home, id);
  return row === null ? null : nodeOf(row);
}

/** Shows the nodes of a tailnet anew: who is to see them has changed, or under which address they know us. */
export function touchHome(tailnet: Tailnet, home: string, seq: number): void {
  tailnet.store.run("UPDATE nodes SET changed = ? WHERE home = ?", seq, home);
}

/** [S6] */
function isFree(tailnet: Tailnet, home: string, { node, nodeKey }: ForeignFacts): boolean {
  const owner = tailnet.nodes.ownerOf(nodeKey);
  return owner === null || tailnet.nodes.machineOf(owner) === noMachine(home, node);
}

/** [S8] */
function isFull(tailnet: Tailnet): boolean {
  const row = tailnet.store.row("SELECT COUNT(*) AS nodes FROM nodes WHERE home IS NOT NULL");
  return (row?.integer("nodes") ?? 0) >= MAX_FOREIGN_TOTAL;
}

/** Another node of that home has given the name up, or is about to: its own turn comes in the same statement. */
function freeName(tailnet: Tailnet, home: Home, facts: ForeignFacts): string {
  const name = nameOf(facts, home);
  tailnet.store.run(
    "UPDATE nodes SET name = home || '.' || home_id WHERE home = ? AND name = ? AND home_id <> ?",
    home.tailnet,
    name,
    facts.node,
  );
  return name;
}

function sayUnsigned(tailnet: Tailnet, node: NodeRecord, now: number): void {
  if (tailnet.lock.active() === null) return;
  recordNeedsSignature(tailnet, node, "its node key is not signed in this tailnet", now);
}

function join(tailnet: Tailnet, home: Home, facts: ForeignFacts, now: number): void {
  const { node: id, nodeKey, lockKey, os, keyExpiry } = facts;
  const name = freeName(tailnet, home, facts);
  const stableId = `${randomId("n")}${tailnet.info().id}`;
  const detail = { nodeKey, home: home.name };
  const event = { kind: "node.joined", target: nodeTarget({ stableId, name }), new: detail } as const;
  const seq = tailnet.record(byTailnet(home), event, now);
  const hostinfo = { Hostname: facts.name, OS: os, IPNVersion: "" };
  const row = { lockKey, hostinfo, capVersion: 0, stableId, machineKey: noMachine(home.tailnet, id), nodeKey };
  const rest = { tags: [], user: null, ephemeral: false, keyExpiry, authorized: true, authKey: null };
  const node = tailnet.nodes.add({ ...row, ...rest }, name, seq, now);
  tailnet.store.run("UPDATE nodes SET home = ?, home_id = ? WHERE id = ?", home.tailnet, id, node.id);
  sayUnsigned(tailnet, node, now);
}

/** [S7] */
function rekey(tailnet: Tailnet, home: Home, node: NodeRecord, { nodeKey }: ForeignFacts, now: number): void {
  const details = { old: { nodeKey: node.nodeKey }, new: { nodeKey } };
  const event = { kind: "node.rekeyed", target: nodeTarget(node), ...details } as const;
  const seq = tailnet.record(byTailnet(home), event, now);
  sayUnsigned(tailnet, tailnet.nodes.rekey(node, nodeKey, seq), now);
}

interface Said {
  readonly name: string;
  readonly os: string;
  readonly tailnetLockKey: string;
  readonly keyExpiry: number | null;
}

function saidBy(
  facts: { readonly os: string; readonly lockKey: Uint8Array | null; readonly keyExpiry: number | null },
  name: string,
): Said {
  const { os, lockKey, keyExpiry } = facts;
  return { name, os, tailnetLockKey: lockKey === null ? "" : formatLockKey(lockKey), keyExpiry };
}

function describe(tailnet: Tailnet, home: Home, node: NodeRecord, facts: ForeignFacts, now: number): void {
  const [before, after] = [saidBy(node, node.name), saidBy(facts, nameOf(facts, home))];
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  const event = { kind: "node.described", target: nodeTarget(node), old: before, new: after } as const;
  const seq = tailnet.record(byTailnet(home), event, now);
  tailnet.store.run(
    "UPDATE nodes SET name = ?, hostname = ?, os = ?, lock_key = ?, key_expiry = ?, changed = ? WHERE id = ?",
    freeName(tailnet, home, facts),
    facts.name,
    facts.os,
    facts.lockKey,
    facts.keyExpiry,
    seq,
    node.id,
  );
}

function remove(tailnet: Tailnet, home: Home, node: NodeRecord, now: number): void {
  const event = { kind: "node.removed", target: nodeTarget(node), old: { nodeKey: node.nodeKey } } as const;
  tailnet.nodes.remove(node, tailnet.record(byTailnet(home), event, now));
}

/** Takes one node as it is now. False where it cannot be let in; it is then not here, with an earlier key neither. */
function letIn(tailnet: Tailnet, home: Home, facts: ForeignFacts, now: number): boolean {
  const known = foreignNode(tailnet, home.tailnet, facts.node);
  if (!isFree(tailnet, home.tailnet, facts) || (known === null && isFull(tailnet))) {
    if (known !== null) remove(tailnet, home, known, now);
    return false;
  }
  if (known === null) {
    join(tailnet, home, facts, now);
    return true;
  }
  // What it says of itself first: the event that it needs signing names the key that may rotate its signature.
  describe(tailnet, home, known, facts, now);
  if (known.nodeKey !== facts.nodeKey)
    rekey(tailnet, home, foreignNode(tailnet, home.tailnet, facts.node) ?? known, facts, now);
  return true;
}

/** The same, and where it can be reached. */
function take(tailnet: Tailnet, home: Home, facts: ForeignFacts, now: number): boolean {
  if (!letIn(tailnet, home, facts, now)) return false;
  const node = foreignNode(tailnet, home.tailnet, facts.node);
  const { discoKey, homeDerp } = facts;
  if (node !== null) tailnet.presences.note(node.id, { ...NOWHERE, discoKey, homeDerp }, NO_DETAILS);
  return true;
}

/** Takes out the nodes of a tailnet that may not stay, by their stable IDs at home. */
export function keepForeign(tailnet: Tailnet, home: Home, mayStay: (node: string) => boolean, now: number): void {
  for (const node of foreignNodes(tailnet, home.tailnet))
    if (node.home !== null && !mayStay(node.home.id)) remove(tailnet, home, node, now);
}

/** Makes the nodes of a tailnet that are here those that it tells of, and gives how many were not let in. */
export function takeForeign(tailnet: Tailnet, home: Home, told: readonly ForeignFacts[], now: number): number {
  const wanted = new Map(told.map((facts) => [facts.node, facts]));
  keepForeign(tailnet, home, (node) => wanted.has(node), now);
  const taken = [...wanted.values()].filter((facts) => take(tailnet, home, facts, now));
  return wanted.size - taken.length;
}

/** What a tailnet's own nodes are to another: those that it is to know, the shared ones first. */
export function factsOf(
  { stableId, nodeKey, lockKey, name, os, keyExpiry }: NodeRecord,
  { discoKey, homeDerp }: Pick<Whereabouts, "discoKey" | "homeDerp">,
): ForeignFacts {
  return { node: stableId, nodeKey, lockKey, name, os, keyExpiry, discoKey, homeDerp };
}
