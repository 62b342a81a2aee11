/**
 * What a person does to the lock through a node: turning it on, signing nodes, signing auth keys. Source: Go's `TailnetLockInit`,
 * `TailnetLockSign`, `TailnetLockModify` and `TailnetLockWrapPreauthKey`.
 *
 * Rule [Z9]: init is two acts, so that the disablement secrets, and the nodes to be signed, can be shown to a person before the lock is on.
 * Rule [Z10]: a finish whose answer was lost is sent again, the same: the control plane answers a repeated one with success.
 * An init signs no node that is not in our map, nor our own key for another to rotate: the control plane alone says which nodes there are.
 */

import { CAPABILITY_VERSION, type SignInfo } from "../protocol/index.ts";
import {
  KEY_25519,
  UpdateBuilder,
  aumHash,
  encodeAum,
  equalBytes,
  keyTrusted,
  makeGenesis,
  signDirect,
  wrapAuthKey,
  type Aum,
  type Authority,
  type Key,
  type NodeKey,
  type Signer,
} from "../tka/index.ts";
import { AgentError, ControlUnreachable } from "./errors.ts";
import type { ControlClient } from "./https-client.ts";
import type { LocalLock } from "./local-lock.ts";
import { newSigningKey, random } from "./native-crypto.ts";

/** What Tailscale's clients answer, so that whoever looks for the words finds them. */
const NOT_TRUSTED = "this node is not trusted by Tailnet Lock";

export interface ActContext {
  readonly client: ControlClient;
  readonly lock: LocalLock;
  readonly nodeKey: NodeKey;
  /** The node's lock key. */
  readonly signer: Signer;
  /** Node keys of all peers in the map as it is when asked for. */
  readonly peers: () => ReadonlySet<NodeKey>;
}

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

const FINISH_TRIES = 3;

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
  for (let attempt = 1; ; attempt++) {
    try {
      await client.initFinish(body);
      return;
    } catch (error) {
      if (!(error instanceof ControlUnreachable) || attempt === FINISH_TRIES) throw error;
    }
  }
}

function requireSigner({ lock, signer }: ActContext): Authority {
  const authority = lock.require();
  if (!keyTrusted(authority, signer.publicKey))
    throw new AgentError(
      "not_trusted",
      NOT_TRUSTED,
      "run this on a signing node: `tailward lock status` lists their keys",
    );
  return authority;
}

/** Signs a node key; `rotationKey` (32 bytes) may rotate it later, or is null. Throws `lock_off`, `not_trusted`, or what the client throws. */
export async function signNode(context: ActContext, nodeKey: NodeKey, rotationKey: Uint8Array | null): Promise<void> {
  requireSigner(context);
  const Signature = signDirect(nodeKey, rotationKey, context.signer);
  await context.client.sign({ Version: CAPABILITY_VERSION, NodeKey: context.nodeKey, Signature });
}

async function sendUpdates(context: ActContext, authority: Authority, updates: readonly Aum[]): Promise<void> {
  const [last] = updates.slice(-1);
  if (last === undefined) return;
  const { Head } = await context.client.syncSend({
    Version: CAPABILITY_VERSION,
    NodeKey: context.nodeKey,
    Head: authority.head,
    MissingAUMs: updates.map(encodeAum),
    Interactive: true,
  });
  if (Head !== aumHash(last))
    throw new AgentError("lock_moved", "the chain has moved on meanwhile, and the change was not taken", "try again");
}

/** The public part of an auth key, `<id>CNTRL`, or null where the text is of another form. Never the secret part. */
function authKeyId(authKey: string): string | null {
  const [, id] = /^tskey-auth-([^-]+)-/.exec(authKey) ?? [];
  return id ?? null;
}

/**
 * Signs an auth key, so that nodes which join by it come in signed: a key made for it alone becomes a trusted key.
 * `stableId` is this node's, `now` in milliseconds since the epoch. Gives the wrapped auth key, a secret.
 * Throws `lock_off`, `not_trusted`, `lock_moved`, TkaError, or what the client throws.
 */
export async function wrapKey(context: ActContext, authKey: string, stableId: string, now: number): Promise<string> {
  const authority = requireSigner(context);
  const credentialKey = newSigningKey();
  const wrapped = wrapAuthKey(authKey, credentialKey.signer, newSigningKey());
  const id = authKeyId(authKey);
  const meta = new Map([
    ["purpose", "pre-auth key"],
    ["wrapper_stableid", stableId],
    ["wrapper_createtime", String(Math.floor(now / 1000))],
    ...(id === null ? [] : [["authkey_stableid", id] as const]),
  ]);
  const key: Key = { kind: KEY_25519, votes: 1n, publicKey: credentialKey.publicKey, meta };
  const updates = new UpdateBuilder(authority, context.signer).addKey(key).finalize(context.lock.chonk);
  await sendUpdates(context, authority, updates);
  return wrapped;
}
