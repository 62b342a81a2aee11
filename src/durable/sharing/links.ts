/**
 * What a tailnet has to say to those with which it shares nodes, and what it takes from what they say.
 *
 * Rule [S9]: a share goes on while both sides say so; where one says no more, the other ends it, and the nodes go with it.
 * Rule [S10]: whether there is anything to say is settled in the transaction of the act that may have changed it; it is said again until the
 *             other has taken it.
 * Rule [S11]: of another tailnet's nodes those are let in that it has shared and that were accepted here, and, where it has accepted a node of
 *             ours, its own; nothing else that it says has any effect.
 */

import { BY_SYSTEM, type By } from "../audit/events.ts";
import {
  byTailnet,
  factsOf,
  foreignNodes,
  keepForeign,
  refuseTakenName,
  takeForeign,
  touchHome,
  type Home,
} from "./foreign-nodes.ts";
import { NOWHERE } from "../nodes/host-details.ts";
import { nodeOf, type NodeRecord } from "../nodes/nodes.ts";
import type { Link, Share } from "./shares.ts";
import { MAX_FOREIGN_NODES, sealStatement, type ForeignFacts, type Statement } from "./statement.ts";
import type { Tailnet } from "../authority/tailnet.ts";

function ownNodes(tailnet: Tailnet): NodeRecord[] {
  return tailnet.store
    .rows("SELECT * FROM nodes WHERE home IS NULL AND authorized = 1 ORDER BY id LIMIT ?", MAX_FOREIGN_NODES)
    .map(nodeOf);
}

function ownNode(tailnet: Tailnet, stableId: string): NodeRecord | null {
  const row = tailnet.store.row("SELECT * FROM nodes WHERE stable_id = ? AND home IS NULL", stableId);
  return row === null ? null : nodeOf(row);
}

function sharedNodes(tailnet: Tailnet, shares: readonly Share[]): NodeRecord[] {
  return shares.flatMap(({ node }) => ownNode(tailnet, node) ?? []).filter(({ authorized }) => authorized);
}

const isAccepted = ({ accepted }: Share): boolean => accepted !== null;

/** Nodes that the other is to know: those that are shared with it, then, where it has shared any with us, all of our own [S4]. */
function nodesFor(tailnet: Tailnet, out: readonly Share[], holds: readonly Share[]): ForeignFacts[] {
  const nodes = [...sharedNodes(tailnet, out), ...(holds.some(isAccepted) ? ownNodes(tailnet) : [])];
  const places = tailnet.presences.places();
  const byId = new Map(nodes.map((node) => [node.stableId, factsOf(node, places.get(node.id) ?? NOWHERE)]));
  return [...byId.values()].slice(0, MAX_FOREIGN_NODES);
}

/** All that this tailnet has to say to another. */
export function statementFor(tailnet: Tailnet, other: string): Statement {
  const { id: from, name, epoch, era, seq } = tailnet.info();
  const out = tailnet.shares.with(other, "out").filter(isAccepted);
  const holds = tailnet.shares.with(other, "in");
  const placed = foreignNodes(tailnet, other).flatMap(({ id, home }) => (home === null ? [] : [{ node: home.id, id }]));
  return sealStatement({
    from,
    name,
    epoch,
    era,
    seq,
    shares: out.map(({ id, node }) => ({ id, node })),
    holds: holds.map(({ id }) => id),
    nodes: nodesFor(tailnet, out, holds),
    placed,
  });
}

/** The share as what an event is about. */
export function shareTarget({ id, node }: Pick<Share, "id" | "node">): { type: "SHARE"; id: string; name: string } {
  return { type: "SHARE", id, name: node };
}

/** Ends a share on this side, and says why. */
export function endShare(tailnet: Tailnet, share: Share, by: By, why: string, now: number): void {
  tailnet.shares.end(share.id, share.side, now);
  const { other, otherName, side } = share;
  const detail = { side, tailnet: otherName ?? "", why };
  const seq = tailnet.record(by, { kind: "share.withdrawn", target: shareTarget(share), old: detail }, now);
  if (other !== null) touchHome(tailnet, other, seq);
}

function completeIn(tailnet: Tailnet, home: Home, share: Share, node: string, now: number): void {
  if (share.accepted !== null && share.node === node) return;
  tailnet.shares.accept(share.id, "in", home.tailnet, home.name, node, share.accepted ?? now);
  const detail = { side: "in", tailnet: home.name, node };
  const event = { kind: "share.accepted", target: shareTarget({ id: share.id, node }), new: detail } as const;
  touchHome(tailnet, home.tailnet, tailnet.record(share.by ?? BY_SYSTEM, event, now));
}

/** Ends the shares that the other does not name any more, and completes those that it names now [S9]. */
function takeShares(tailnet: Tailnet, home: Home, { shares, holds }: Statement, now: number): void {
  const offered = new Map(shares.map(({ id, node }) => [id, node]));
  for (const share of tailnet.shares.with(home.tailnet, "in")) {
    const node = offered.get(share.id);
    if (node !== undefined) completeIn(tailnet, home, share, node, now);
    else if (isAccepted(share))
      endShare(tailnet, share, byTailnet(home), "the tailnet that shared the node has withdrawn it", now);
  }
  const held = new Set(holds);
  for (const share of tailnet.shares.with(home.tailnet, "out"))
    if (isAccepted(share) && !held.has(share.id))
      endShare(tailnet, share, byTailnet(home), "the tailnet that had accepted the node has given it up", now);
}

/** Which of another tailnet's nodes may be here, by their stable IDs at home [S11]. */
function admission(tailnet: Tailnet, home: string): (node: string) => boolean {
  if (tailnet.shares.with(home, "out").some(isAccepted)) return () => true;
  const shared = new Set(tailnet.shares.with(home, "in").map(({ node }) => node));
  return (node) => shared.has(node);
}

function takePlaces(tailnet: Tailnet, home: Home, link: Link, { placed }: Statement, now: number): void {
  const ours = placed.filter(({ node }) => ownNode(tailnet, node) !== null);
  const places = ours.map(({ node, id }) => [node, id] as const);
  if (JSON.stringify(places) === JSON.stringify(link.placed)) return;
  tailnet.shares.place(home.tailnet, places);
  const target = { type: "SHARE", id: home.tailnet, name: home.name } as const;
  const detail = { tailnet: home.name, nodes: places.length };
  const seq = tailnet.record(byTailnet(home), { kind: "share.addressed", target, new: detail }, now);
  touchHome(tailnet, home.tailnet, seq);
}

function isStale({ seenEpoch, seenEra, seenSeq }: Link, { epoch, era, seq }: Statement): boolean {
  return era < seenEra || (epoch === seenEpoch && seq < seenSeq);
}

/** One that asks for nothing to be kept. */
function isEmpty({ shares, holds, nodes, placed }: Statement): boolean {
  return [shares, holds, nodes, placed].every(({ length }) => length === 0);
}

/**
 * Takes another tailnet's statement, and gives the digest of the one that is taken now: its own, or a later one [S5]. One from a tailnet with
 * which nothing is shared changes nothing, and is taken only if it says so itself.
 */
export function takeStatement(tailnet: Tailnet, statement: Statement, now: number): string {
  const home = { tailnet: statement.from, name: statement.name };
  const { digest } = statement;
  const link = tailnet.shares.link(home.tailnet);
  if (link === null) return isEmpty(statement) ? digest : "";
  if (isStale(link, statement)) return link.seenDigest;
  refuseTakenName(tailnet, home);
  tailnet.shares.saw(home.tailnet, statement);
  if (digest === link.seenDigest) return digest;
  takeShares(tailnet, home, statement, now);
  const isAdmitted = admission(tailnet, home.tailnet);
  const admitted = statement.nodes.filter(({ node }) => isAdmitted(node));
  const refused = takeForeign(tailnet, home, admitted, now);
  takePlaces(tailnet, home, link, statement, now);
  tailnet.shares.took(home.tailnet, home.name, digest, refused);
  return digest;
}

/** Ends every share, of either side: the tailnet is given up. */
export function endAllShares(tailnet: Tailnet, by: By, now: number): void {
  for (const share of tailnet.shares.all())
    if (share.ended === null) endShare(tailnet, share, by, "the tailnet was deleted", now);
}

/** The other tailnet is no more. */
export function loseTailnet(tailnet: Tailnet, other: string, now: number): void {
  const link = tailnet.shares.link(other);
  if (link === null) return;
  const home = { tailnet: other, name: link.name };
  for (const side of ["in", "out"] as const)
    for (const share of tailnet.shares.with(other, side))
      endShare(tailnet, share, byTailnet(home), "the other tailnet is no more", now);
  keepForeign(tailnet, home, () => false, now);
  tailnet.shares.close(other);
}

/** Ends shares whose node is gone, or that nobody has completed in time. */
export function endLapsed(tailnet: Tailnet, now: number): void {
  for (const share of tailnet.shares.lapsed(now)) {
    const why = share.accepted === null && share.expires <= now ? "nobody has accepted it in time" : "the node is gone";
    endShare(tailnet, share, BY_SYSTEM, why, now);
  }
}

/** Settles for each link whether there is anything to say [S10]. Runs in the transaction of every act. */
export function settleLinks(tailnet: Tailnet, now: number): void {
  if (tailnet.find() === null || !tailnet.shares.any()) return;
  endLapsed(tailnet, now);
  for (const link of tailnet.shares.links()) {
    if (link.checked === tailnet.info().seq) continue;
    // Nodes that no share stands for any more go at once, and do not wait for the other.
    keepForeign(tailnet, { tailnet: link.other, name: link.name }, admission(tailnet, link.other), now);
    const { seq } = tailnet.info();
    const isSaid = statementFor(tailnet, link.other).digest === link.acked;
    tailnet.shares.check(link.other, seq, isSaid ? null : (link.due ?? now));
    closeIdle(tailnet, link, isSaid);
  }
}

/** A link without shares is closed once the other knows that. */
function closeIdle(tailnet: Tailnet, { other }: Link, isSaid: boolean): void {
  const isIdle = (["in", "out"] as const).every((side) => tailnet.shares.with(other, side).length === 0);
  if (isIdle && isSaid) tailnet.shares.close(other);
}
