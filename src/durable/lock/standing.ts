/** What a change of the lock means for its nodes, and how events tell of the lock. */

import { decodeHex, encodeHex, formatLockKey, keyKindText, type Key, type State } from "../../tka/index.ts";
import { BY_SYSTEM } from "../audit/events.ts";
import { nodeTarget, type NodeRecord } from "../nodes/nodes.ts";
import type { Tailnet } from "../authority/tailnet.ts";

const LOCK_KEY_BYTES = 32;
/** The command that signs a node directly, run on a signing node: copied by people. */
export function signCommand({ nodeKey, lockKey }: Pick<NodeRecord, "nodeKey" | "lockKey">): string {
  return `tailscale lock sign ${nodeKey}${lockKey === null ? "" : ` ${formatLockKey(lockKey)}`}`;
}

/** A trusted key as events and the admin API tell it. */
export interface KeyDetail {
  /** `tlpub:…` */
  readonly key: string;
  readonly votes: number;
  readonly kind: string;
}

export function keyDetail({ kind, publicKey, votes }: Key): KeyDetail {
  const key = publicKey ?? new Uint8Array(0);
  const text = key.length === LOCK_KEY_BYTES ? formatLockKey(key) : `tlpub:${encodeHex(key)}`;
  return { key: text, votes: Number(votes), kind: keyKindText(kind) };
}

/** The trusted keys as an event tells them. */
export function lockDetail(
  head: string,
  { keys }: State,
): { readonly head: string; readonly trustedKeys: readonly KeyDetail[] } {
  return { head, trustedKeys: (keys ?? []).map(keyDetail) };
}

/** The trusted keys' IDs, in hex. */
export function keyIds({ keys }: State): Set<string> {
  return new Set((keys ?? []).map(({ publicKey }) => encodeHex(publicKey ?? new Uint8Array(0))));
}

/** True if a trusted key of `state` stands behind the node's signature. */
export function isSigned(state: State, { keySignature, signedBy }: NodeRecord): boolean {
  return keySignature !== null && signedBy !== null && keyIds(state).has(encodeHex(signedBy));
}

/** Says of a node that it is locked out from now on, and how it is let in. */
export function recordNeedsSignature(tailnet: Tailnet, node: NodeRecord, why: string, now: number): void {
  const event = { kind: "node.needs_signature", target: nodeTarget(node, "TKA") } as const;
  const detail = { nodeKey: node.nodeKey, why, command: signCommand(node) };
  tailnet.nodes.touch(node, tailnet.record(BY_SYSTEM, { ...event, new: detail }, now));
}

/** Tells of the nodes whose signatures count no more, or count again, since other keys are trusted. */
export function relist(tailnet: Tailnet, before: State, after: State, now: number): void {
  const [old, current] = [keyIds(before), keyIds(after)];
  const gone = [...old].filter((id) => !current.has(id));
  const come = [...current].filter((id) => !old.has(id));
  for (const node of signedByAny(tailnet, gone))
    recordNeedsSignature(tailnet, node, "the key behind its signature is trusted no more", now);
  for (const node of signedByAny(tailnet, come)) {
    const event = { kind: "node.signed", target: nodeTarget(node, "TKA"), new: { nodeKey: node.nodeKey } } as const;
    tailnet.nodes.touch(node, tailnet.record(BY_SYSTEM, event, now));
  }
}

function signedByAny(tailnet: Tailnet, ids: readonly string[]): NodeRecord[] {
  return ids.flatMap((id) => tailnet.nodes.signedBy(decodeHex(id) ?? new Uint8Array(0)));
}
