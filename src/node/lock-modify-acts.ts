/**
 * Adding and removing trusted keys through a node. Source: Go's `TailnetLockModify`, and `lock remove` of its command line.
 *
 * Rule [Z21]: what rests on a key is signed anew before the key goes, so that no node is locked out in between; and what would refuse the
 *             removal is found out before the first signature is made.
 */

import {
  UpdateBuilder,
  equalBytes,
  formatLockKey,
  keyTrusted,
  signDirect,
  type Aum,
  type Authority,
  type Key,
} from "../tka/index.ts";
import { asked, insist, requireSigner, sendUpdates, type ActContext } from "./act-context.ts";
import { affectedNodes } from "./affected-signatures.ts";
import { AgentError } from "./errors.ts";

/** Trusts keys. Throws `lock_off`, `not_trusted`, `lock_moved`, TkaError (`key_exists`, `invalid_key` and the like), or what the client throws. */
export async function addKeys(context: ActContext, keys: readonly Key[]): Promise<void> {
  const authority = requireSigner(context);
  const builder = new UpdateBuilder(authority, context.signer);
  for (const key of keys) builder.addKey(key);
  const updates = builder.finalize(context.lock.chonk);
  context.lock.rehearse(updates);
  await sendUpdates(context, authority, updates);
}

/** The updates that remove keys, our own last: we sign them all. Every node would take them. */
function removal({ lock, signer }: ActContext, authority: Authority, ids: readonly Uint8Array[]): readonly Aum[] {
  const isOwn = (id: Uint8Array): boolean => equalBytes(id, signer.publicKey);
  const stranger = ids.find((id) => !keyTrusted(authority, id));
  if (stranger !== undefined)
    throw new AgentError("bad_argument", `${formatLockKey(stranger)} is not trusted, so there is nothing to remove`);
  const builder = new UpdateBuilder(authority, signer);
  for (const id of [...ids.filter((other) => !isOwn(other)), ...ids.filter(isOwn)]) builder.removeKey(id);
  const updates = builder.finalize(lock.chonk);
  lock.rehearse(updates);
  return updates;
}

async function signAnew(context: ActContext, keyId: Uint8Array): Promise<void> {
  for (const { nodeKey, rotationKey } of await affectedNodes(context, keyId)) {
    const Signature = signDirect(nodeKey, rotationKey, context.signer);
    await insist(() => context.client.sign(asked(context, { Signature })));
  }
}

/**
 * Ends the trust in keys (32 bytes each); with `signsAnew`, what rests on them is signed with our own key first [Z21].
 * Throws `lock_off`, `not_trusted`, `last_key`, `own_key`, `unexpected_node`, `lock_moved`, TkaError, or what the client throws.
 */
export async function removeKeys(context: ActContext, ids: readonly Uint8Array[], signsAnew: boolean): Promise<void> {
  const authority = requireSigner(context);
  if (signsAnew && ids.some((id) => equalBytes(id, context.signer.publicKey)))
    throw new AgentError(
      "own_key",
      "this node's own key cannot be removed while signatures are made anew with it",
      "run this on another signing node, or add --re-sign=false",
    );
  const updates = removal(context, authority, ids);
  if (signsAnew) for (const id of ids) await signAnew(context, id);
  await sendUpdates(context, authority, updates);
}
