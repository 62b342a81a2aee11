/** Steps of a play that ask an authority: about node keys, peers, secrets and links, and for what it builds. */

import {
  UpdateBuilder,
  authorizeNodeKey,
  checkDeeplink,
  encodeAum,
  keyTrusted,
  makeDeeplink,
  makeRevocation,
  obsoleteNodeKeys,
  parseAumHash,
  parseLockPrivateKey,
  parseNodeKey,
  validDisablement,
  TkaError,
  type Authority,
  type RotatedPeer,
} from "../../src/tka/index.ts";
import { authorityOf, keyFromShape, type KeyShape, type Play, type PlayNode } from "./answer-play.ts";
import { fromBase64, toBase64 } from "./answer-ports.ts";

interface NodeKeyShape {
  readonly nodeKey: string;
  readonly sig: string | null;
}

function authorize(play: Play, authority: Authority, { nodeKey, sig }: NodeKeyShape): RotatedPeer | null {
  const key = parseNodeKey(nodeKey);
  const { rotation } = authorizeNodeKey(authority.state, key, fromBase64(sig ?? ""), play.ports.verifier);
  return rotation === null ? null : { nodeKey: key, rotation };
}

function doAuthorized(play: Play, node: PlayNode, step: NodeKeyShape): object {
  const rotated = authorize(play, authorityOf(node), step);
  if (rotated === null) return { prevNodeKeys: [], initialKind: null, initialWrapping: null };
  const { previousNodeKeys, initial } = rotated.rotation;
  return {
    prevNodeKeys: previousNodeKeys,
    initialKind: initial.kind,
    initialWrapping: toBase64(initial.wrappingPubkey),
  };
}

interface PeersStep {
  readonly self?: NodeKeyShape;
  readonly peers: readonly (NodeKeyShape & { readonly id: number })[];
  readonly mode: "full" | "delta";
}

/** Whether it is let in, and as what. */
function admit(play: Play, authority: Authority, peer: NodeKeyShape): { ok: boolean; rotated: RotatedPeer | null } {
  if (peer.sig === null || peer.sig === "") return { ok: false, rotated: null };
  try {
    return { ok: true, rotated: authorize(play, authority, peer) };
  } catch (error) {
    if (error instanceof TkaError) return { ok: false, rotated: null };
    throw error;
  }
}

/** A client applies the rule for obsolete keys to whole netmaps only. */
function doPeers(play: Play, node: PlayNode, step: PeersStep): object {
  const authority = authorityOf(node);
  const admitted = step.peers.map((peer) => ({ peer, ...admit(play, authority, peer) }));
  const rotated = step.mode === "full" ? admitted.flatMap(({ rotated: one }) => (one === null ? [] : [one])) : [];
  const obsolete = obsoleteNodeKeys(rotated);
  const shown = admitted.filter(({ ok, peer }) => ok && !obsolete.has(parseNodeKey(peer.nodeKey)));
  const visible = new Set(shown.map(({ peer }) => peer.id));
  const ids = step.peers.map(({ id }) => id).sort((a, b) => a - b);
  return {
    visible: ids.filter((id) => visible.has(id)),
    filtered: ids.filter((id) => !visible.has(id)),
    selfSigned: step.self !== undefined && admit(play, authority, step.self).ok,
  };
}

interface BuildOp {
  readonly op: "add" | "remove" | "votes" | "meta";
  readonly key?: KeyShape;
  readonly keyId?: string;
  readonly votes?: number;
  readonly meta?: Readonly<Record<string, string>>;
}

function applyOp(builder: UpdateBuilder, op: BuildOp): void {
  const id = fromBase64(op.keyId ?? "");
  if (op.op === "add" && op.key !== undefined) builder.addKey(keyFromShape(op.key));
  else if (op.op === "remove") builder.removeKey(id);
  else if (op.op === "votes") builder.setKeyVotes(id, BigInt(op.votes ?? 0));
  else builder.setKeyMeta(id, new Map(Object.entries(op.meta ?? {})));
}

function doBuild(play: Play, node: PlayNode, step: { priv: string; ops: BuildOp[] }): object {
  const builder = new UpdateBuilder(authorityOf(node), play.ports.signer(parseLockPrivateKey(step.priv)));
  for (const op of step.ops) applyOp(builder, op);
  return { aums: builder.finalize(node.chonk).map((aum) => toBase64(encodeAum(aum))) };
}

function doRevoke(
  _play: Play,
  node: PlayNode,
  step: { removeKeys: string[]; ourKey: string; forkFrom: string },
): object {
  const forkFrom = step.forkFrom === "" ? null : parseAumHash(step.forkFrom);
  const revoked = step.removeKeys.map((text) => fromBase64(text));
  const aum = makeRevocation(node.chonk, authorityOf(node), revoked, fromBase64(step.ourKey), forkFrom);
  return { aum: toBase64(encodeAum(aum)) };
}

interface LinkShape {
  readonly nodeKey: string;
  readonly tlPub: string;
  readonly deviceName: string;
  readonly osName: string;
  readonly loginName: string;
}

function doDeeplinkMake(_play: Play, node: PlayNode, { params }: { params: LinkShape }): object {
  const { nodeKey, tlPub, deviceName, osName, loginName } = params;
  return { url: makeDeeplink(authorityOf(node).state, { nodeKey, lockKey: tlPub, deviceName, osName, loginName }) };
}

/** Go gives an invalid link no field but the error. */
function doDeeplinkValidate(_play: Play, node: PlayNode, { url }: { url: string }): object {
  const invalid = { valid: false, version: 0, nodeKey: "", tlPub: "", deviceName: "", osName: "", emailAddress: "" };
  const { state } = authorityOf(node);
  try {
    const { nodeKey, lockKey, deviceName, osName, loginName } = checkDeeplink(state, url);
    return { ...invalid, valid: true, error: "", nodeKey, tlPub: lockKey, deviceName, osName, emailAddress: loginName };
  } catch (error) {
    if (error instanceof TkaError) return { ...invalid, error: error.message };
    throw error;
  }
}

type StepHandler = (play: Play, node: PlayNode, step: never) => object;

export const NODE_STEPS: Readonly<Record<string, StepHandler>> = {
  authorized: doAuthorized,
  peers: doPeers,
  build: doBuild,
  revoke: doRevoke,
  "deeplink.make": doDeeplinkMake,
  "deeplink.validate": doDeeplinkValidate,
  disablement: (play, node, { secret }: { secret: string }) => ({
    valid: validDisablement(authorityOf(node).state, fromBase64(secret), play.ports.kdf),
  }),
  trusted: (_play, node, { keyId }: { keyId: string }) => ({
    trusted: keyTrusted(authorityOf(node), fromBase64(keyId)),
  }),
};
