/**
 * Turning the lock on through a node. Source: Go's `TailnetLockInit`.
 *
 * Rule [Z9]: init is two acts, so that the disablement secrets, and the nodes to be signed, can be shown to a person before the lock is on.
 * Rule [Z10]: a finish whose answer was lost is sent again, the same: the control plane answers a repeated one with success.
 * An init signs no node that is not in our map, nor our own key for another to rotate: the control plane alone says which nodes there are.
 */

import { CAPABILITY_VERSION, type SignInfo } from "../protocol/index.ts";
import {
  aumHash,
  encodeAum,
  equalBytes,
  makeGenesis,
  signDirect,
  type Aum,
  type Key,
  type NodeKey,
} from "../tka/index.ts";
import { insist, type ActContext } from "./act-context.ts";
import { AgentError } from "./errors.ts";
import { random } from "./native-crypto.ts";

/** An init between its two acts. */
export interface BegunInit {
  readonly id: string;
  readonly genesis: Aum;
  /** The nodes that the control plane wants signed. */
  readonly nodes: readonly SignInfo[];
}

const KEY_BYTES = 32;
const NOT_OURS = "whoever holds that key could take this node's place: ask whoever runs the control plane";
const NOT_SHOWN =
  "if it joined just now, run lock init again in a moment; if not, the control plane wants a node signed that it shows to nobody";

function unexpected(nodeKey: NodeKey, why: string, hint: string): AgentError {
  return new AgentError("unexpected_node", `the control plane asks for a signature for ${nodeKey}, ${why}`, hint);
}

/** Throws `unexpected_node` unless every node that attacker-controlled `nodes` lists may be signed. */
function requireExpected(nodes: readonly SignInfo[], { nodeKey, signer, peers }: ActContext): void {
  const known = peers();
  const listed = new Set<NodeKey>();
  for (const { NodePublic, RotationPubkey } of nodes) {
    const hasKey = RotationPubkey.length === KEY_BYTES || RotationPubkey.length === 0;
    if (listed.has(NodePublic) || !hasKey)
      throw unexpected(NodePublic, "twice or with a damaged key", "ask whoever runs the control plane");
    listed.add(NodePublic);
    if (NodePublic === nodeKey) {
      if (!equalBytes(RotationPubkey, signer.publicKey))
        throw unexpected(NodePublic, "this node's own, with a rotation key that is not ours", NOT_OURS);
    } else if (!known.has(NodePublic)) throw unexpected(NodePublic, "which is none of this node's peers", NOT_SHOWN);
  }
}

function randomUint64(): bigint {
  return Buffer.from(random(8)).readBigUInt64LE();
}

/** First act: makes the genesis, and learns which nodes need a signature. Throws `lock_on`, `unexpected_node`, TkaError, or what the client throws. */
export async function beginInit(
  context: ActContext,
  keys: readonly Key[],
  disablementValues: readonly Uint8Array[],
  supportDisablement = false,
): Promise<BegunInit> {
  const { client, lock, nodeKey, signer } = context;
  if (lock.authority !== null) throw new AgentError("lock_on", "tailnet lock is already enabled");
  const state = { lastAumHash: null, keys, disablementValues, stateId1: randomUint64(), stateId2: randomUint64() };
  const genesis = makeGenesis(state, signer);
  const { NeedSignatures } = await client.initBegin({
    Version: CAPABILITY_VERSION,
    NodeKey: nodeKey,
    GenesisAUM: encodeAum(genesis),
    ...(supportDisablement ? { SupportDisablement: true } : {}),
  });
  requireExpected(NeedSignatures, context);
  return { id: aumHash(genesis), genesis, nodes: NeedSignatures };
}

/** Second act: signs every node, and turns the lock on. Throws what the client throws. */
export async function finishInit(
  { client, nodeKey, signer }: ActContext,
  init: BegunInit,
  supportDisablement: Uint8Array,
): Promise<void> {
  const signatures = init.nodes.map(({ NodeID, NodePublic, RotationPubkey }) => {
    const rotationKey = RotationPubkey.length === 0 ? null : RotationPubkey;
    return [String(NodeID), signDirect(NodePublic, rotationKey, signer)] as const;
  });
  const body = {
    Version: CAPABILITY_VERSION,
    NodeKey: nodeKey,
    Signatures: new Map(signatures),
    Genesis: init.id,
    ...(supportDisablement.length === 0 ? {} : { SupportDisablement: supportDisablement }),
  };
  await insist(() => client.initFinish(body));
}
