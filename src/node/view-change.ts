/** What a person would want to read of a change of the view: one line an event. */

import type { MapNode } from "../protocol/index.ts";
import { printable } from "./printable.ts";
import type { View } from "./view.ts";

function named(node: MapNode): string {
  return `${printable(node.Name)} (${node.Key})`;
}

/** Peers by what is told of them: their key, and why they are locked out if they are. */
function standing({ peers }: View): Map<number, { readonly node: MapNode; readonly why: string | null }> {
  const all = [
    ...peers.visible.map((node) => ({ node, why: null })),
    ...peers.filtered.map(({ peer, why }) => ({ node: peer, why })),
  ];
  return new Map(all.map((standing) => [standing.node.ID, standing]));
}

function selfLines(before: View, after: View): string[] {
  if (!after.locked) return before.locked ? ["this node: the lock is off"] : [];
  if (before.locked && before.selfSigned === after.selfSigned) return [];
  return [after.selfSigned ? "this node: signed" : "this node: LOCKED OUT, its node key is not signed"];
}

/** The events between two views. */
export function describeChange(before: View, after: View): string[] {
  const lines = selfLines(before, after);
  const old = standing(before);
  for (const [id, { node, why }] of standing(after)) {
    const was = old.get(id);
    old.delete(id);
    if (was?.node.Key === node.Key && was.why === why) continue;
    lines.push(why === null ? `peer visible: ${named(node)}` : `peer LOCKED OUT: ${named(node)}: ${why}`);
  }
  for (const { node } of old.values()) lines.push(`peer gone: ${named(node)}`);
  return lines;
}
