/**
 * Who sees the nodes of other tailnets, and as what.
 *
 * Rule [M18]: a node that is shared with this tailnet is jailed: it is reached, and begins no conversation itself, but with a node of ours that was shared
 *            with its tailnet.
 * Rule [M7]: a node that is shared with this tailnet is shown to all; the nodes of a tailnet that has accepted one of ours, to that one alone.
 */

import { foreignNodes } from "./foreign-nodes.ts";
import { addressesOf } from "../node-address.ts";
import type { Link } from "./shares.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** What a sessions object is told of a tailnet that has nodes here. When any of it changes, its nodes count as changed. */
export interface HomeView {
  readonly home: string;
  /** As whose its nodes are shown. */
  readonly user: { readonly ID: number; readonly LoginName: string; readonly DisplayName: string };
  /** IDs of its nodes that all see. */
  readonly open: readonly number[];
  /** IDs of our nodes that see all of its nodes. */
  readonly seenBy: readonly number[];
  /** Our nodes, each with the ID (and so the address) under which that tailnet knows it. */
  readonly placed: readonly { readonly here: number; readonly there: number }[];
}

/** Users from here on are other tailnets: those below are people of this one. */
const FIRST_HOME_USER = 1_000_000;

function ownId(tailnet: Tailnet, stableId: string): number[] {
  const row = tailnet.store.row("SELECT id FROM nodes WHERE stable_id = ? AND home IS NULL", stableId);
  return row === null ? [] : [row.integer("id")];
}

function viewOf(tailnet: Tailnet, { other, name, user, placed }: Link): HomeView {
  const accepted = (side: "in" | "out"): string[] =>
    tailnet.shares.with(other, side).flatMap((share) => (share.accepted === null ? [] : [share.node]));
  const shared = new Set(accepted("in"));
  return {
    home: other,
    user: { ID: FIRST_HOME_USER + user, LoginName: name, DisplayName: name },
    open: foreignNodes(tailnet, other).flatMap(({ id, home }) => (home !== null && shared.has(home.id) ? [id] : [])),
    seenBy: accepted("out").flatMap((node) => ownId(tailnet, node)),
    placed: placed.flatMap(([node, there]) => ownId(tailnet, node).map((here) => ({ here, there }))),
  };
}

export function homesOf(tailnet: Tailnet): HomeView[] {
  return tailnet.shares.links().map((link) => viewOf(tailnet, link));
}

/** True where `viewer` was shared with that tailnet, whose nodes may begin to talk to it [M18]. */
export function isSharee({ seenBy }: HomeView, viewer: number): boolean {
  return seenBy.includes(viewer);
}

/** True where the node `viewer` is to see a foreign node. */
export function isVisible({ open, seenBy }: HomeView, id: number, viewer: number): boolean {
  return seenBy.includes(viewer) || open.includes(id);
}

/** The addresses by which the nodes of that tailnet know `viewer`, where they are not those that it has at home. */
export function addressesThere({ placed }: HomeView, viewer: number): readonly [v4: string, v6: string] | null {
  const place = placed.find(({ here }) => here === viewer);
  return place === undefined || place.there === viewer ? null : addressesOf(place.there);
}
