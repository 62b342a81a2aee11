/**
 * A node joins, comes back, or changes its key.
 *
 * Rule [G1]: a node key belongs to the machine that registered it first, also once it is replaced; another machine is refused.
 * Rule [G2]: a new node needs an auth key, which is spent in the same transaction. A machine that names its old node key keeps its node.
 * Rule [G3]: a signature that comes along is stored if it lets the node key in; otherwise the node is registered without one, and locked out.
 */

import { TkaError, equalBytes, type NodeKey } from "../tka/index.ts";
import { parseAuthKey, type RegisterRequest, type RegisterResponse } from "../protocol/index.ts";
import type { NodeRecord } from "./nodes.ts";
import type { Caller } from "./nonces.ts";
import { proveSignature, type ProvenSignature } from "./proven-signature.ts";
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
  const { tags, ephemeral } = tailnet.authKeys.spend(parts, now);
  return tailnet.nodes.add(
    {
      ...factsOf(request),
      machineKey: caller.machineKey,
      nodeKey: request.NodeKey,
      tags,
      ephemeral: ephemeral || request.Ephemeral,
    },
    tailnet.nextSeq(),
    now,
  );
}

/** [G1] */
function refuseOwned(tailnet: Tailnet, caller: Caller, nodeKey: NodeKey): void {
  const owner = tailnet.nodes.ownerOf(nodeKey);
  if (owner === null || tailnet.nodes.byId(owner)?.machineKey === caller.machineKey) return;
  const head = tailnet.lock.head();
  throw new ControlError("node_key_owned", "this node key belongs to another machine: make a new one", {
    subject: nodeKey,
    ...(head === null ? {} : { head }),
  });
}

/** The node that this request is about: known by its key, by its old key, or new. */
function findOrJoin(tailnet: Tailnet, caller: Caller, request: RegisterRequest, now: number): NodeRecord {
  refuseOwned(tailnet, caller, request.NodeKey);
  const known = tailnet.nodes.byKey(request.NodeKey);
  if (known !== null) return known;
  const old = request.OldNodeKey === null ? null : tailnet.nodes.byKey(request.OldNodeKey);
  if (old?.machineKey === caller.machineKey) return tailnet.nodes.rekey(old, request.NodeKey, tailnet.nextSeq());
  return join(tailnet, caller, request, now);
}

/** Registers, inside the caller's transaction. Throws `node_key_owned`, `bad_auth_key`, `auth_key_expired`, `auth_key_spent`. */
export function register(tailnet: Tailnet, caller: Caller, request: RegisterRequest, now: number): RegisterResponse {
  const node = findOrJoin(tailnet, caller, request, now);
  tailnet.nonces.take(caller, now);
  tailnet.describe(node, factsOf(request));
  const proven = provenOrNull(tailnet, node, request);
  if (proven !== null && !equalBytes(node.keySignature, proven.signature))
    tailnet.nodes.sign(node, proven.signature, proven.signedBy, tailnet.nextSeq());
  return {
    NodeKeyExpired: false,
    MachineAuthorized: true,
    AuthURL: "",
    NodeKeySignature: new Uint8Array(0),
    Error: "",
  };
}
