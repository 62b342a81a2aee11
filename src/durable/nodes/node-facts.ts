/** What a node says of its host and of itself. Attacker-controlled: cut to what is kept, and never more than shown. */

import type { Hostinfo } from "../../protocol/index.ts";
import { formatLockKey } from "../../tka/index.ts";

/** What a node says of itself, cut to what is kept. */
export interface NodeFacts {
  readonly lockKey: Uint8Array | null;
  readonly hostinfo: Pick<Hostinfo, "Hostname" | "OS" | "IPNVersion"> | null;
  readonly capVersion: number;
}

/** Characters kept of anything that a node says of its host. */
const MAX_FACT = 128;

/** An attacker-controlled text as it is kept: SQLite gives it back as it was, or every comparison with it would find news. */
export function kept(fact: string): string {
  return fact.slice(0, MAX_FACT).toWellFormed();
}

/** What is kept of it. */
export interface Said {
  readonly hostname: string;
  readonly os: string;
  readonly clientVersion: string;
  readonly capVersion: number;
  /** 32 bytes, or null where the node has none. */
  readonly lockKey: Uint8Array | null;
}

/** What a node says of itself, or what is known of it where it says nothing. */
export function said(node: Said, { lockKey, hostinfo, capVersion }: NodeFacts): Said {
  return {
    hostname: kept(hostinfo?.Hostname ?? node.hostname),
    os: kept(hostinfo?.OS ?? node.os),
    clientVersion: kept(hostinfo?.IPNVersion ?? node.clientVersion),
    capVersion,
    lockKey: lockKey ?? node.lockKey,
  };
}

/** The same as an event tells it. */
interface NodeNews {
  readonly hostname?: string;
  readonly os?: string;
  readonly clientVersion?: string;
  readonly capVersion?: number;
  readonly tailnetLockKey?: string;
}

function newsFields({ hostname, os, clientVersion, capVersion, lockKey }: Said): NodeNews {
  return {
    hostname,
    os,
    clientVersion,
    capVersion,
    tailnetLockKey: lockKey === null ? "" : formatLockKey(lockKey),
  };
}

/**
 * The attacker-controlled host name as a DNS label, or "node" where nothing of it is left. It is cut first: what takes dashes off its ends takes
 * the square of their number.
 */
export function labelOf(hostname: string): string {
  const label = kept(hostname)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 50)
    .replace(/-+$/, "");
  return label === "" ? "node" : label;
}

/** True for a name that was made of this host name, not given by an admin. Both are as long as a name is at most. */
export function isMadeOf(name: string, hostname: string): boolean {
  const label = labelOf(hostname);
  return name === label || (name.startsWith(`${label}-`) && /^\d+$/.test(name.slice(label.length + 1)));
}

/** What changes in a node by what it says of itself, before and after; null where nothing does. */
export function newsOf(node: Said, facts: NodeFacts): { readonly old: NodeNews; readonly new: NodeNews } | null {
  const [before, after] = [newsFields(node), newsFields(said(node, facts))];
  const names = (Object.keys(after) as (keyof NodeNews)[]).filter((name) => before[name] !== after[name]);
  if (names.length === 0) return null;
  const only = (news: NodeNews): NodeNews => Object.fromEntries(names.map((name) => [name, news[name]]));
  return { old: only(before), new: only(after) };
}
