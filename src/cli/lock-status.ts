/** `tailward lock status`, which `tailward lock` alone is too. Lines that are there to be copied are those of `tailscale lock status`. */

import { printable, type AgentStatus, type LocalClient } from "../node/index.ts";
import {
  lockStatusJson,
  nodeKeySignatureText,
  type LockPeer,
  type LockStatus,
  type TrustedKeyStatus,
} from "../protocol/index.ts";
import { TkaError, decodeNodeKeySignature, equalBytes, formatLockKey } from "../tka/index.ts";
import { PROGRAM, type Terminal } from "./terminal.ts";

function signatureText(encoded: Uint8Array): string {
  try {
    return nodeKeySignatureText(decodeNodeKeySignature(encoded));
  } catch (error) {
    if (error instanceof TkaError) return "(cannot be read)";
    throw error;
  }
}

function selfText(status: LockStatus, rotates: boolean): string {
  const { PublicKey, NodeKey, NodeKeySigned, NodeKeySignature } = status;
  if (PublicKey === null || NodeKey === null) return "";
  const command = `\t${PROGRAM} lock sign ${NodeKey} ${formatLockKey(PublicKey)}\n`;
  if (NodeKeySigned) {
    const signature = signatureText(NodeKeySignature ?? new Uint8Array(0));
    const text = `This node is signed, and other nodes talk to it. Its signature:\n${signature}\n\n`;
    if (rotates) return text;
    return `${text}This node cannot sign its own next key: it would be locked out when its node key is replaced. To prevent that, run this\non a signing node:\n${command}\n`;
  }
  return `This node is LOCKED OUT: other nodes do not talk to it. To let it in, run this on a signing node:\n${command}\n`;
}

function purposeText({ Metadata }: TrustedKeyStatus): string {
  if (Metadata?.get("purpose") !== "pre-auth key") return "";
  const id = Metadata.get("authkey_stableid") ?? "";
  return id === "" ? "(pre-auth key)" : `(pre-auth key ${printable(id)})`;
}

function keyText(key: TrustedKeyStatus, own: Uint8Array | null): string {
  const self = own !== null && equalBytes(key.Key, own) ? "(self)" : "";
  return `\t${formatLockKey(key.Key)}\t${key.Votes}\t${self}${purposeText(key)}\n`;
}

function peerText({ Name, TailscaleIPs, StableID, NodeKey }: LockPeer): string {
  return `\t${printable(Name)}\t${TailscaleIPs.join(",")}\t${printable(StableID)}\t${NodeKey}\n`;
}

function titleText({ Enabled }: LockStatus, ignored: boolean): string {
  if (Enabled) return "Tailnet lock is ENABLED.\n\n";
  if (!ignored) return "Tailnet lock is NOT enabled.\n\n";
  return "Tailnet lock is NOT enabled on this node, which was told to ignore it (local-disable). It is on in the tailnet.\n\n";
}

/** What the words take of the node, beside its lock. */
export type NodeFacts = Pick<AgentStatus["node"], "lockIgnored" | "rotates">;

/** The status in words. */
export function lockStatusText(status: LockStatus, node: NodeFacts = { lockIgnored: false, rotates: true }): string {
  let out = titleText(status, node.lockIgnored);
  if (status.Enabled) out += selfText(status, node.rotates);
  if (status.PublicKey !== null) out += `This node's tailnet lock key: ${formatLockKey(status.PublicKey)}\n\n`;
  if (!status.Enabled) return out;
  if (status.TrustedKeys.length > 0)
    out += `Trusted signing keys:\n${status.TrustedKeys.map((key) => keyText(key, status.PublicKey)).join("")}`;
  if (status.FilteredPeers.length > 0)
    out += `\nThese nodes are locked out, and cut off from all others:\n${status.FilteredPeers.map(peerText).join("")}`;
  return out;
}

/** Runs the command; `json` is the version of the stable JSON, or null for words. */
export async function lockStatusCommand(client: LocalClient, { out }: Terminal, json: 1 | null): Promise<void> {
  const { lock, node } = await client.status();
  if (json !== null) {
    out(lockStatusJson(lock));
    return;
  }
  if (node.approvalUrl !== "") out(`An admin must let this node in first: ${printable(node.approvalUrl)}\n\n`);
  else if (!node.connected)
    out("This node is not connected to its control plane: what follows may be out of date.\n\n");
  out(lockStatusText(lock, node));
}
