/**
 * A node joins, comes back, or changes its key. Sources: Go's `control/controlclient/direct.go` for what clients do with each answer.
 *
 * Rule [G1]: a node key belongs to the machine that registered it first, also once it is replaced; another machine is refused.
 * Rule [G15]: a lock key belongs to the machine that has named it first, as long as that has a node here: it says who a signer is [G7], and nobody
 *            has to prove it.
 * Rule [G2]: a new node needs somebody who vouches for it: an auth key, spent in the same transaction, or an approved login. A machine that names
 *            its old node key keeps its node; where that key is over, it needs one too. So does a Tailscale client in any case: it takes a new
 *            key only to be let in anew.
 * Rule [G3]: a signature that comes along is stored if it lets the node key in; otherwise the node is registered without one, and locked out.
 * Rule [G10]: a node that changes its key without a signature is first handed that of its old key, to rotate it; never in answer to a signature,
 *            once for each new key, and twice at most for an old one: what cannot be rotated is not handed out for ever. A Tailscale client, which
 *            rotates whatever it is handed, is handed it again where it asks again: it has not heard the answer. Who does not name its old key
 *            has forgotten it, and what signed for it.
 */

import { TkaError, equalBytes, formatLockKey, type NodeKey } from "../../tka/index.ts";
import type { RegisterRequest, RegisterResponse } from "../../protocol/index.ts";
import { noteDirectSignature } from "../lock/direct-signature.ts";
import { removeNode } from "./devices.ts";
import { expireKey, expiryOf, isExpired, timeText } from "./key-expiry.ts";
import { isSigned, recordNeedsSignature } from "../lock/standing.ts";
import type { NodeFacts } from "./node-facts.ts";
import { byNode, nodeTarget, type NodeRecord } from "./nodes.ts";
import { isNative, type Caller } from "./nonces.ts";
import { proveSignature, type ProvenSignature } from "../lock/proven-signature.ts";
import { randomId } from "../random-id.ts";
import { settleLayout } from "../seating/shards.ts";
import { noteAuthKey, predecessor } from "./predecessor.ts";
import { ControlError } from "../refuse.ts";
import { registerAnswer } from "./register-answer.ts";
import { tagsOf } from "./requested-tags.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import { authKeyOf, hasVoucher, vouch, vouchAgain, type Vouched } from "./vouching.ts";

const NO_BYTES = new Uint8Array(0);
/** How often one key's signature is handed out [G10]. */
const MOST_HANDED = 2;
/** The same to a Tailscale client: connections that it has left behind may still wait for a login, and hear of it first. */
const MOST_HANDED_NATIVE = 20;

/** One registration: who asks what of which tailnet, and when. */
interface Registering {
  readonly tailnet: Tailnet;
  readonly caller: Caller;
  readonly request: RegisterRequest;
  readonly now: number;
}

/** The signature that came along, if it lets the node in [G3]; null where it is none, or none of ours. */
function provenOrNull({ tailnet, request }: Registering, node: NodeRecord): ProvenSignature | null {
  const active = tailnet.lock.active();
  if (active === null || request.NodeKeySignature.length === 0) return null;
  try {
    return proveSignature(tailnet, active.authority.state, node, request.NodeKey, request.NodeKeySignature);
  } catch (error) {
    if (error instanceof TkaError || error instanceof ControlError) return null;
    throw error;
  }
}

function factsOf({ NLKey, Hostinfo, Version }: RegisterRequest): NodeFacts {
  return { lockKey: NLKey, hostinfo: Hostinfo, capVersion: Version };
}

function requestedTags({ Hostinfo }: RegisterRequest): readonly string[] {
  return Hostinfo?.RequestTags ?? [];
}

/** Adds a new node; null where nobody vouches for it. */
function join({ tailnet, caller, request, now }: Registering): NodeRecord | null {
  const vouched = vouch(tailnet, caller, request, null, now);
  if (vouched === null) return null;
  const { ephemeral, preauthorized, by } = vouched;
  const tags = tagsOf(tailnet, vouched, requestedTags(request));
  const name = tailnet.nodes.freeName(request.Hostinfo?.Hostname ?? "");
  const stableId = `${randomId("n")}${tailnet.info().id}`;
  const authorized = preauthorized || !tailnet.settings.devicesApprovalOn;
  const keyExpiry = expiryOf(tailnet, tags, now);
  const user = tags.length > 0 ? null : vouched.user;
  const detail = { nodeKey: request.NodeKey, ...by, user, tags, authorized, keyExpiry: timeText(keyExpiry) };
  const target = nodeTarget({ stableId, name });
  const seq = tailnet.record(byNode({ stableId, name }), { kind: "node.joined", target, new: detail }, now);
  const { machineKey } = caller;
  const { NodeKey: nodeKey, Ephemeral } = request;
  const standing = {
    tags,
    user,
    ephemeral: ephemeral || Ephemeral,
    keyExpiry,
    authorized,
    authKey: authKeyOf(vouched),
  };
  const facts = { ...factsOf(request), stableId, machineKey, nodeKey, ...standing };
  const node = tailnet.nodes.add(facts, name, seq, now);
  settleLayout(tailnet);
  return node;
}

/** [G1] */
function refuseOwned({ tailnet, caller, request }: Registering): void {
  const owner = tailnet.nodes.ownerOf(request.NodeKey);
  if (owner === null || tailnet.nodes.machineOf(owner) === caller.machineKey) return;
  const head = tailnet.lock.head();
  throw new ControlError("node_key_owned", "this node key belongs to another machine: make a new one", {
    subject: request.NodeKey,
    ...(head === null ? {} : { head }),
  });
}

/** [G15] */
function refuseOwnedLockKey({ tailnet, caller, request }: Registering): void {
  const { NLKey } = request;
  if (NLKey === null || !tailnet.nodes.isLockKeyOfOther(NLKey, caller.machineKey)) return;
  throw new ControlError("key_exists", "this tailnet lock key belongs to another machine: make a new one", {
    subject: formatLockKey(NLKey),
  });
}

/** The stored signature of a node's key, where a trusted key stands behind it; empty otherwise. */
function signatureToRotate(tailnet: Tailnet, node: NodeRecord): Uint8Array {
  const active = tailnet.lock.active();
  return active !== null && isSigned(active.authority.state, node) ? (node.keySignature ?? NO_BYTES) : NO_BYTES;
}

/** True where the node has had its old key's signature, as far as anybody knows [G10]. */
function hasHeard({ caller, request }: Registering, old: NodeRecord): boolean {
  if (request.NodeKeySignature.length > 0) return true;
  return isNative(caller)
    ? old.handed >= MOST_HANDED_NATIVE
    : old.handedTo === request.NodeKey || old.handed >= MOST_HANDED;
}

/** The answer that hands the old key's signature to a node that changes its key, or null where it has had it, or there is none [G10]. */
function handOver(registering: Registering, old: NodeRecord): RegisterResponse | null {
  const { tailnet, request } = registering;
  const NodeKeySignature = signatureToRotate(tailnet, old);
  if (hasHeard(registering, old) || request.OldNodeKey === null || NodeKeySignature.length === 0) return null;
  tailnet.nodes.setHanded(old, request.NodeKey);
  return registerAnswer(tailnet, old, { MachineAuthorized: old.authorized, NodeKeySignature });
}

/** A node that was vouched for anew: its key is good for as long as that of a new one [G8], it takes the tags that come with that, and without any it is the voucher's. */
function renew({ tailnet, request, now }: Registering, node: NodeRecord, vouched: Vouched): void {
  const { preauthorized, by, user: voucher } = vouched;
  const given = tagsOf(tailnet, vouched, requestedTags(request));
  const tags = given.length > 0 ? given : node.tags;
  const keyExpiry = expiryOf(tailnet, tags, now);
  const authorized = node.authorized || preauthorized;
  const user = tags.length > 0 ? null : voucher;
  const old = { keyExpiry: timeText(node.keyExpiry), user: node.user, tags: node.tags, authorized: node.authorized };
  const detail = { ...by, keyExpiry: timeText(keyExpiry), user, tags, authorized };
  const event = { kind: "node.expiry", target: nodeTarget(node), old, new: detail } as const;
  const seq = tailnet.record(byNode(node), event, now);
  tailnet.nodes.setKeyExpiry(node, keyExpiry, seq);
  noteAuthKey(tailnet, node, authKeyOf(vouched));
  if (tags !== node.tags || user !== node.user) tailnet.nodes.setTags(node, tags, user, seq);
  if (authorized && !node.authorized) tailnet.nodes.setAuthorized(node, true, seq);
}

function rekey(tailnet: Tailnet, node: NodeRecord, nodeKey: NodeKey, now: number): NodeRecord {
  const details = { old: { nodeKey: node.nodeKey }, new: { nodeKey } };
  const seq = tailnet.record(byNode(node), { kind: "node.rekeyed", target: nodeTarget(node), ...details }, now);
  return tailnet.nodes.rekey(node, nodeKey, seq);
}

/** A new key comes in the place of a node's; null where somebody has to vouch for the node first, and nobody does [G2]. */
function replaceKey(registering: Registering, old: NodeRecord): RegisterResponse | null {
  const { tailnet, caller, request, now } = registering;
  const isAnew = isExpired(old, now) || isNative(caller);
  if (isAnew && !hasVoucher(tailnet, caller, request, now)) return null;
  const handed = handOver(registering, old);
  if (handed !== null) {
    tailnet.nonces.take(caller, now);
    return handed;
  }
  const take = isAnew ? vouch : vouchAgain;
  const vouched = take(tailnet, caller, request, old, now);
  const node = rekey(tailnet, old, request.NodeKey, now);
  if (vouched !== null) renew(registering, node, vouched);
  return welcome(registering, tailnet.nodes.require(request.NodeKey, caller.machineKey), true);
}

/** The expiry that a client asks for, in milliseconds since the epoch, or null. */
function askedExpiry({ Expiry }: RegisterRequest): number | null {
  const at = Date.parse(Expiry);
  // The zero time of Go says nothing.
  return at > 0 ? at : null;
}

/** True for the request of a client that logs out: it ends the key that it names. */
export function isLogout(request: RegisterRequest, now: number): boolean {
  return (askedExpiry(request) ?? now + 1) <= now;
}

/** Ends the node's key; an ephemeral node goes with it, as at Tailscale. */
function logOut({ tailnet, now }: Registering, node: NodeRecord): RegisterResponse {
  if (node.ephemeral) removeNode(tailnet, byNode(node), node, now);
  else expireKey(tailnet, byNode(node), node, now);
  return registerAnswer(tailnet, node, { MachineAuthorized: node.authorized, NodeKeyExpired: true });
}

/** A node asks for less time than its key has; for more it cannot ask. */
function expireSooner({ tailnet, request, now }: Registering, node: NodeRecord): void {
  const asked = askedExpiry(request);
  if (asked === null || asked >= (node.keyExpiry ?? Infinity)) return;
  const details = { old: { keyExpiry: timeText(node.keyExpiry) }, new: { keyExpiry: timeText(asked) } };
  const event = { kind: "node.expiry", target: nodeTarget(node), ...details } as const;
  tailnet.nodes.setKeyExpiry(node, asked, tailnet.record(byNode(node), event, now));
}

/** A node asks with the key that it has. */
function comeBack(registering: Registering, node: NodeRecord): RegisterResponse {
  const { tailnet, caller, request, now } = registering;
  const isLeaving = isLogout(request, now);
  if (!isLeaving && !isExpired(node, now)) {
    expireSooner(registering, node);
    return welcome(registering, node, false);
  }
  tailnet.nonces.take(caller, now);
  if (isLeaving) return logOut(registering, node);
  const NodeKeySignature = signatureToRotate(tailnet, node);
  return registerAnswer(tailnet, node, {
    MachineAuthorized: node.authorized,
    NodeKeyExpired: true,
    NodeKeySignature,
  });
}

/** Stores the signature that came along, or says of a node that is new, or has a new key, that it waits for one [G3]. */
function takeSignature(registering: Registering, node: NodeRecord, isNews: boolean): void {
  const { tailnet, request, now } = registering;
  const active = tailnet.lock.active();
  if (active === null) return;
  const proven = provenOrNull(registering, node);
  if (proven === null) {
    if (isNews && !isSigned(active.authority.state, node))
      recordNeedsSignature(tailnet, node, whyUnsigned(request), now);
  } else if (!equalBytes(node.keySignature, proven.signature)) {
    const detail = { nodeKey: node.nodeKey, signedBy: formatLockKey(proven.signedBy) };
    const event = { kind: "node.signed", target: nodeTarget(node, "TKA"), new: detail } as const;
    tailnet.nodes.sign(node, proven.signature, proven.signedBy, tailnet.record(byNode(node), event, now));
    noteDirectSignature(tailnet, node, now);
  }
}

function whyUnsigned({ NodeKeySignature }: RegisterRequest): string {
  return NodeKeySignature.length === 0 ? "its node key is not signed" : "the signature that it brought does not verify";
}

/** Takes what a node that is in says of itself. */
function welcome(registering: Registering, node: NodeRecord, isNews: boolean): RegisterResponse {
  const { tailnet, caller, request, now } = registering;
  tailnet.nonces.take(caller, now);
  tailnet.describe(node, factsOf(request), now);
  takeSignature(registering, tailnet.nodes.require(request.NodeKey, caller.machineKey), isNews);
  return registerAnswer(tailnet, node, { MachineAuthorized: node.authorized });
}

/**
 * Registers, inside the caller's transaction; null where somebody has to log the node in.
 * Throws `node_key_owned`, `key_exists`, `bad_auth_key`, `auth_key_expired`, `auth_key_spent`, `tags_not_permitted`.
 */
export function register(
  tailnet: Tailnet,
  caller: Caller,
  request: RegisterRequest,
  now: number,
): RegisterResponse | null {
  const registering = { tailnet, caller, request, now };
  refuseOwned(registering);
  refuseOwnedLockKey(registering);
  const known = tailnet.nodes.byKey(request.NodeKey);
  if (known !== null) return comeBack(registering, known);
  // Who logs out twice, or was removed before, is out.
  if (isLogout(request, now)) return registerAnswer(tailnet, null, { MachineAuthorized: false, NodeKeyExpired: true });
  const old = predecessor(tailnet, caller, request, now);
  if (old !== null) return replaceKey(registering, old);
  const node = join(registering);
  return node === null ? null : welcome(registering, node, true);
}
