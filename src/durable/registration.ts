/**
 * A node joins, comes back, or changes its key.
 *
 * Rule [G1]: a node key belongs to the machine that registered it first, also once it is replaced; another machine is refused.
 * Rule [G2]: a new node needs an auth key, which is spent in the same transaction. A machine that names its old node key keeps its node.
 * Rule [G3]: a signature that comes along is stored if it lets the node key in; otherwise the node is registered without one, and locked out.
 */

import { TkaError, equalBytes, formatLockKey, type NodeKey } from "../tka/index.ts";
import { parseAuthKey, type RegisterRequest, type RegisterResponse } from "../protocol/index.ts";
import { byNode, nodeTarget, type NodeRecord } from "./nodes.ts";
import type { Caller } from "./nonces.ts";
import { isSigned, recordNeedsSignature } from "./lock-standing.ts";
import { proveSignature, type ProvenSignature } from "./proven-signature.ts";
import { randomId } from "./random-id.ts";
import { ControlError } from "./refuse.ts";
import type { Tailnet } from "./tailnet.ts";

/** The signature that came along, if it lets the node in [G3]; null where it is none, or none of ours. */
function provenOrNull(
  tailnet: Tailnet,
  node: NodeRecord,
  { NodeKey, NodeKeySignature }: RegisterRequest,
): ProvenSignature | null {
  const active = tailnet.lock.active();
  if (active === null || NodeKeySignature.length === 0) return null;
  try {
    return proveSignature(tailnet, active.authority.state, node, NodeKey, NodeKeySignature);
  } catch (error) {
    if (error instanceof TkaError || error instanceof ControlError) return null;
    throw error;
  }
}

function factsOf({ NLKey, Hostinfo, Version }: RegisterRequest): {
  lockKey: Uint8Array | null;
  hostinfo: RegisterRequest["Hostinfo"];
  capVersion: number;
} {
  return { lockKey: NLKey, hostinfo: Hostinfo, capVersion: Version };
}

function join(tailnet: Tailnet, caller: Caller, request: RegisterRequest, now: number): NodeRecord {
  const parts = parseAuthKey(request.Auth?.AuthKey ?? "");
  if (parts === null || parts.tailnet !== tailnet.info().id)
    throw new ControlError("bad_auth_key", "a new node needs an auth key of this tailnet");
  const { id: authKey, tags, ephemeral } = tailnet.authKeys.spend(parts, now);
  const name = tailnet.nodes.freeName(request.Hostinfo?.Hostname ?? "");
  const stableId = randomId("n");
  const detail = { nodeKey: request.NodeKey, authKey, tags };
  const target = nodeTarget({ stableId, name });
  const seq = tailnet.record(byNode({ stableId, name }), { kind: "node.joined", target, new: detail }, now);
  return tailnet.nodes.add(
    {
      ...factsOf(request),
      stableId,
      machineKey: caller.machineKey,
      nodeKey: request.NodeKey,
      tags,
      ephemeral: ephemeral || request.Ephemeral,
      keyExpiry: null,
      authorized: true,
    },
    name,
    seq,
    now,
  );
}

/** [G1] */
function refuseOwned(tailnet: Tailnet, caller: Caller, nodeKey: NodeKey): void {
  const owner = tailnet.nodes.ownerOf(nodeKey);
  if (owner === null || tailnet.nodes.machineOf(owner) === caller.machineKey) return;
  const head = tailnet.lock.head();
  throw new ControlError("node_key_owned", "this node key belongs to another machine: make a new one", {
    subject: nodeKey,
    ...(head === null ? {} : { head }),
  });
}

function rekey(tailnet: Tailnet, node: NodeRecord, nodeKey: NodeKey, now: number): NodeRecord {
  const details = { old: { nodeKey: node.nodeKey }, new: { nodeKey } };
  const seq = tailnet.record(byNode(node), { kind: "node.rekeyed", target: nodeTarget(node), ...details }, now);
  return tailnet.nodes.rekey(node, nodeKey, seq);
}

/** The node that this request is about: known by its key, by its old key, or new. */
function findOrJoin(tailnet: Tailnet, caller: Caller, request: RegisterRequest, now: number): NodeRecord {
  refuseOwned(tailnet, caller, request.NodeKey);
  const known = tailnet.nodes.byKey(request.NodeKey);
  if (known !== null) return known;
  const old = request.OldNodeKey === null ? null : tailnet.nodes.byKey(request.OldNodeKey);
  if (old?.machineKey === caller.machineKey) return rekey(tailnet, old, request.NodeKey, now);
  return join(tailnet, caller, request, now);
}

/** Stores the signature that came along, or says that the node waits for one [G3]. */
function takeSignature(tailnet: Tailnet, node: NodeRecord, request: RegisterRequest, now: number): void {
  const active = tailnet.lock.active();
  if (active === null) return;
  const proven = provenOrNull(tailnet, node, request);
  if (proven === null) {
    if (!isSigned(active.authority.state, node)) recordNeedsSignature(tailnet, node, whyUnsigned(request), now);
  } else if (!equalBytes(node.keySignature, proven.signature)) {
    const detail = { nodeKey: node.nodeKey, signedBy: formatLockKey(proven.signedBy) };
    const event = { kind: "node.signed", target: nodeTarget(node, "TKA"), new: detail } as const;
    tailnet.nodes.sign(node, proven.signature, proven.signedBy, tailnet.record(byNode(node), event, now));
  }
}

function whyUnsigned({ NodeKeySignature }: RegisterRequest): string {
  return NodeKeySignature.length === 0 ? "its node key is not signed" : "the signature that it brought does not verify";
}

/** Registers, inside the caller's transaction. Throws `node_key_owned`, `bad_auth_key`, `auth_key_expired`, `auth_key_spent`. */
export function register(tailnet: Tailnet, caller: Caller, request: RegisterRequest, now: number): RegisterResponse {
  const node = findOrJoin(tailnet, caller, request, now);
  tailnet.nonces.take(caller, now);
  tailnet.describe(node, factsOf(request), now);
  takeSignature(tailnet, node, request, now);
  return {
    NodeKeyExpired: false,
    MachineAuthorized: true,
    AuthURL: "",
    NodeKeySignature: new Uint8Array(0),
    Error: "",
  };
}
