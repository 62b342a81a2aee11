/** `tailward status`: this node, its tailnet, and its peers. */

import { printable, type AgentStatus, type LocalClient, type PeerStatus } from "../node/index.ts";
import { columns } from "./columns.ts";
import type { Terminal } from "./terminal.ts";

function addressesText(addresses: readonly string[]): string {
  return addresses.length === 0 ? "-" : addresses.join(",");
}

function peerRow({ name, addresses, nodeKey, why }: PeerStatus): string[] {
  const standing = why === null ? "visible" : `LOCKED OUT: ${why}`;
  return [printable(name), addressesText(addresses), nodeKey, printable(standing)];
}

function lockText({ lock, node }: AgentStatus): string {
  if (node.lockIgnored) return "on, and ignored by this node (local-disable)";
  if (!lock.Enabled) return "off";
  return lock.NodeKeySigned ? "on, this node is signed" : "on, this node is LOCKED OUT (see `tailward lock status`)";
}

/** What stands between this node and its peers, beside the lock. */
function gateRows({ node }: AgentStatus): string[][] {
  const rows: string[][] = [];
  if (node.approvalUrl !== "")
    rows.push(["to let this node in", `an admin approves it at ${printable(node.approvalUrl)}`]);
  if (!node.authorized) rows.push(["device approval", "an admin must approve this node before others talk to it"]);
  return rows;
}

/** When the node's key is over, for people: nothing where it never is. */
function expiryText(keyExpiry: string): string {
  return Date.parse(keyExpiry) > 0 ? ` (until ${keyExpiry.slice(0, 10)})` : "";
}

/** The status in words. */
export function statusText(status: AgentStatus): string {
  const { node } = status;
  const self = columns([
    ["node", node.name === "" ? "(not joined yet)" : printable(node.name)],
    ["addresses", addressesText(node.addresses)],
    ["node key", `${node.nodeKey}${printable(expiryText(node.keyExpiry))}`],
    ["tailnet", printable(node.tailnet)],
    ["control plane", `${node.controlUrl} (${node.connected ? "connected" : "not connected"})`],
    ["tailnet lock", lockText(status)],
    ...gateRows(status),
  ]);
  if (node.peers.length === 0) return `${self}\nNo peers.\n`;
  return `${self}\n${columns(node.peers.map(peerRow))}`;
}

/** Runs the command. */
export async function statusCommand(client: LocalClient, { out }: Terminal): Promise<void> {
  out(statusText(await client.status()));
}
