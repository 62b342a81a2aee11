/** A small tailnet that the policies of these tests are about, and a packet filter in a few lines, which the interop test holds Go's against. */

import { createHash } from "node:crypto";
import { CompiledPolicy, parsePolicy, type Compiled, type Person, type PolicyNode } from "../../src/policy/index.ts";

export const PEOPLE: readonly Person[] = [
  { login: "owner@example.com", roles: ["member", "owner", "admin"] },
  { login: "bob@example.com", roles: ["member"] },
];

function node(id: number, fields: Partial<PolicyNode>): PolicyNode {
  const addresses = [`100.64.0.${id}`, `fd7a:115c:a1e0::${id.toString(16)}`];
  return { id, stableId: `n${id}`, user: null, tags: [], addresses, routes: [], sharedWith: null, ...fields };
}

/** Two devices of the owner's, one of Bob's, two servers, a database, and a device of another tailnet with which `web` is shared. */
export const NODES = {
  laptop: node(1, { user: "owner@example.com" }),
  phone: node(2, { user: "owner@example.com" }),
  bob: node(3, { user: "bob@example.com" }),
  web: node(4, { tags: ["tag:web"] }),
  web2: node(5, { tags: ["tag:web", "tag:prod"] }),
  db: node(6, { tags: ["tag:db", "tag:prod"] }),
  stranger: node(7, { sharedWith: [4] }),
} as const;

export type Name = keyof typeof NODES;

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function compiled(policy: string, nodes: readonly PolicyNode[] = Object.values(NODES)): CompiledPolicy {
  return new CompiledPolicy(parsePolicy(policy, PEOPLE), nodes, sha256);
}

export function compiledFor(policy: string, name: Name): Compiled {
  return compiled(policy).for(NODES[name]);
}

export interface FilterRule {
  readonly SrcIPs: readonly string[];
  readonly DstPorts?: readonly {
    readonly IP: string;
    readonly Ports: { readonly First: number; readonly Last: number };
  }[];
  readonly IPProto?: readonly number[];
  readonly CapGrant?: readonly {
    readonly Dsts: readonly string[];
    readonly CapMap: Readonly<Record<string, unknown>>;
  }[];
}

export function filterOf(policy: string, name: Name): FilterRule[] {
  return JSON.parse(compiledFor(policy, name).packetFilter) as FilterRule[];
}

function valueOf(address: string): bigint {
  if (!address.includes(":")) return address.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [head = "", tail = ""] = address.split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const zeros = Array.from({ length: 8 - groups(head).length - groups(tail).length }, () => "0");
  const all = [...groups(head), ...(address.includes("::") ? zeros : []), ...groups(tail)];
  return all.reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
}

function holds(set: string, address: string): boolean {
  if (set === "*") return true;
  const [first = "", last = first] = set.split("-");
  if (first.includes(":") !== address.includes(":")) return false;
  return valueOf(first) <= valueOf(address) && valueOf(address) <= valueOf(last);
}

/** What a filter does with a packet. */
export function lets(filter: readonly FilterRule[], from: string, to: string, protocol: number, port: number): boolean {
  return filter.some(
    ({ SrcIPs, DstPorts = [], IPProto = [6, 17, 1, 58] }) =>
      IPProto.includes(protocol) &&
      SrcIPs.some((set) => holds(set, from)) &&
      DstPorts.some(({ IP, Ports }) => holds(IP, to) && Ports.First <= port && port <= Ports.Last),
  );
}
