/**
 * The nodes that would be locked out with a trusted key, and what each is to be signed with anew. Source: Go's `TailnetLockAffectedSigs`.
 *
 * Rule [Z20]: the control plane is asked, and not believed: what it lists must prove, under our own chain, the node key of a node in our map
 *             by just that key. What our own map has besides is added: who is left out of the list would be locked out.
 *             A node that is locked out already, as a clone is, is not signed: it would come in.
 */

import {
  SIG_KIND,
  TkaError,
  authorizeNodeKey,
  decodeNodeKeySignature,
  equalBytes,
  formatLockKey,
  initialSignature,
  nodeKeyFromBinary,
  unverifiedWrappingKey,
  type NodeKey,
  type State,
} from "../tka/index.ts";
import { asked, type ActContext } from "./act-context.ts";
import { AgentError } from "./errors.ts";
import { nodeVerifier } from "./native-crypto.ts";

/** A node key to be signed anew. */
export interface AffectedNode {
  readonly nodeKey: NodeKey;
  /** The key (32 bytes) that may rotate its signature, as before; null where there is none. */
  readonly rotationKey: Uint8Array | null;
}

function unexpected(why: string, hint: string): AgentError {
  return new AgentError("unexpected_node", `the control plane lists a signature ${why}`, hint);
}

/**
 * The key that a signature lets rotate it. None where that is the throw-away key of a signed auth key: whoever has the text of the auth key has
 * that one, and the node itself does not.
 */
export function rotationKeyOf(signature: Uint8Array): Uint8Array | null {
  const sig = decodeNodeKeySignature(signature);
  const wrapping = unverifiedWrappingKey(sig);
  const initial = initialSignature(sig);
  const isThrowAway = initial.kind === SIG_KIND.credential && equalBytes(wrapping, initial.wrappingPubkey);
  return isThrowAway ? null : wrapping;
}

/** The node key that attacker-controlled `signature` proves by the trusted key `keyId`, or null where it proves none by that. */
export function provenBy(state: State, keyId: Uint8Array, signature: Uint8Array): NodeKey | null {
  if (signature.length === 0) return null;
  try {
    const nodeKey = nodeKeyFromBinary(decodeNodeKeySignature(signature).pubkey ?? new Uint8Array(0));
    const { authorizedBy } = authorizeNodeKey(state, nodeKey, signature, nodeVerifier);
    return equalBytes(authorizedBy.publicKey, keyId) ? nodeKey : null;
  } catch (error) {
    if (error instanceof TkaError) return null;
    throw error;
  }
}

function affectedMembers({ members }: ActContext, state: State, keyId: Uint8Array): Map<NodeKey, Uint8Array> {
  const own = members().filter(({ Key, KeySignature }) => provenBy(state, keyId, KeySignature) === Key);
  return new Map(own.map(({ Key, KeySignature }) => [Key, KeySignature]));
}

/** The nodes that rest on the trusted key `keyId` [Z20]. Throws `lock_off`, `unexpected_node`, or what the client throws. */
export async function affectedNodes(context: ActContext, keyId: Uint8Array): Promise<AffectedNode[]> {
  const { client, lock } = context;
  const { Signatures } = await client.affectedSigs(asked(context, { KeyID: keyId }));
  const { state } = lock.require();
  const affected = affectedMembers(context, state, keyId);
  const [known, isMember] = [context.peers(), new Set(context.members().map(({ Key }) => Key))];
  for (const signature of Signatures) {
    const nodeKey = provenBy(state, keyId, signature);
    if (nodeKey === null)
      throw unexpected(
        `that does not rest on ${formatLockKey(keyId)}`,
        "try again in a moment; if this goes on, ask whoever runs the control plane",
      );
    if (!known.has(nodeKey))
      throw unexpected(
        `for ${nodeKey}, which is none of this node's peers`,
        "if it joined just now, try again in a moment; if not, the control plane wants a node signed that it shows to nobody",
      );
    if (isMember.has(nodeKey) && !affected.has(nodeKey)) affected.set(nodeKey, signature);
  }
  return [...affected].map(([nodeKey, signature]) => ({ nodeKey, rotationKey: rotationKeyOf(signature) }));
}
