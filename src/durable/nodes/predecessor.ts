/**
 * Which node a registration is of that comes with a node key of no node. Sources: Go's `control/controlclient/direct.go`: a client makes a new key
 * for each attempt to log in, keeps it once it has heard that it is in, and after a logout has forgotten its old one.
 *
 * Rule [G16]: a Tailscale client is given its node again where it cannot name it: one of its machine whose key is over (it was logged out), or that
 *            has never been heard of by the key that it was let in with (the answer was lost, and the next attempt is with another key). A key
 *            that was replaced leads to its node for as long: afterwards, whoever has it is a clone, and becomes a node of its own.
 */

import { parseAuthKey, type MachineKey, type RegisterRequest } from "../../protocol/index.ts";
import type { NodeKey } from "../../tka/index.ts";
import { isExpired } from "./key-expiry.ts";
import { nodeOf, type NodeRecord } from "./nodes.ts";
import { isNative, type Caller } from "./nonces.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** The machine's nodes here, in order of when their keys are over, those that never are at the end. */
function ofMachine({ store }: Tailnet, machineKey: MachineKey): NodeRecord[] {
  const sql = "SELECT * FROM nodes WHERE machine_key = ? AND home IS NULL ORDER BY key_expiry NULLS LAST, id";
  return store.rows(sql, machineKey).map(nodeOf);
}

/** Notes that a node has asked for its map. Nobody sees it. */
export function noteHeard({ store }: Tailnet, node: NodeRecord): void {
  if (!node.heard) store.run("UPDATE nodes SET heard = 1 WHERE id = ?", node.id);
}

/** Notes the auth key that has let a node in again, or null. Nobody sees it. */
export function noteAuthKey({ store }: Tailnet, node: NodeRecord, authKey: string | null): void {
  store.run("UPDATE nodes SET auth_key = ? WHERE id = ?", authKey, node.id);
}

/** The node whose key this is, or was until a moment ago [G16]. */
function nodeByKey({ nodes }: Tailnet, nodeKey: NodeKey): NodeRecord | null {
  const current = nodes.byKey(nodeKey);
  if (current !== null) return current;
  const owner = nodes.ownerOf(nodeKey);
  const node = owner === null ? null : nodes.byId(owner);
  return node?.heard === false ? node : null;
}

/** True for the auth key that let the node in, where nothing was heard of it since: it is not spent twice [G16]. */
export function isSameAttempt(node: NodeRecord, request: RegisterRequest): boolean {
  const parts = parseAuthKey(request.Auth?.AuthKey ?? "");
  return parts !== null && !node.heard && node.authKey === parts.keyId;
}

/** The machine's node that comes back without its name, or null [G16]. */
function returning(tailnet: Tailnet, { machineKey }: Caller, request: RegisterRequest, now: number): NodeRecord | null {
  const own = ofMachine(tailnet, machineKey);
  const wasOwn = tailnet.nodes.ownerOf(request.NodeKey);
  return (
    own.find((node) => isSameAttempt(node, request)) ??
    own.find((node) => node.id === wasOwn && !node.heard) ??
    own.findLast((node) => isExpired(node, now)) ??
    null
  );
}

/** The node in whose place the request's node key is to stand, or null where the node is new. */
export function predecessor(
  tailnet: Tailnet,
  caller: Caller,
  request: RegisterRequest,
  now: number,
): NodeRecord | null {
  const named = request.OldNodeKey === null ? null : nodeByKey(tailnet, request.OldNodeKey);
  if (named?.machineKey === caller.machineKey) return named;
  return isNative(caller) ? returning(tailnet, caller, request, now) : null;
}
