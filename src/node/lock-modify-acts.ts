/**
 * Adding and removing trusted keys through a node. Source: Go's `TailnetLockModify`, and `lock remove` of its command line.
 *
 * Rule [Z21]: what rests on a key is signed anew before the key goes, so that no node is locked out in between; and what would refuse the
 *             removal is found out before the first signature is made.
 */

import { UpdateBuilder, equalBytes, formatLockKey, keyTrusted, signDirect, type Aum, type Key } from "../tka/index.ts";
import { asked, insist, requireSigner, sendUpdates, type ActContext, type SigningContext } from "./act-context.ts";
import { affectedNodes } from "./affected-signatures.ts";
import { AgentError } from "./errors.ts";

/** The updates that trust keys. Every node would take them. Throws `lock_off`, `not_trusted`, TkaError (`key_exists`, `invalid_key` and the like). */
export function addition(context: SigningContext, keys: readonly Key[]): readonly Aum[] {
  const builder = new UpdateBuilder(requireSigner(context), context.signer);
  for (const key of keys) builder.addKey(key);
  const updates = builder.finalize(context.lock.chonk);
  context.lock.rehearse(updates);
  return updates;
}

/** Trusts keys. Throws what `addition` throws, `lock_moved`, or what the client throws. */
export async function addKeys(context: ActContext, keys: readonly Key[]): Promise<void> {
  const authority = requireSigner(context);
  await sendUpdates(context, authority, addition(context, keys));
}

/** The updates that remove keys, our own last: we sign them all. Every node would take them. Throws `not_trusted`, `bad_argument`, TkaError. */
export function removal(context: SigningContext, ids: readonly Uint8Array[]): readonly Aum[] {
  const { lock, signer } = context;
  const authority = requireSigner(context);
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

/** Throws `own_key` where our own key is among those that go: what it signs anew would rest on it. */
export function refuseOwnKey({ signer }: SigningContext, ids: readonly Uint8Array[]): void {
  if (!ids.some((id) => equalBytes(id, signer.publicKey))) return;
  throw new AgentError(
    "own_key",
    "this node's own key cannot be removed while signatures are made anew with it",
    "run this on another signing node, or add --re-sign=false",
  );
}

/**
 * Ends the trust in keys (32 bytes each); with `signsAnew`, what rests on them is signed with our own key first [Z21].
 * Throws `lock_off`, `not_trusted`, `last_key`, `own_key`, `unexpected_node`, `lock_moved`, TkaError, or what the client throws.
 */
export async function removeKeys(context: ActContext, ids: readonly Uint8Array[], signsAnew: boolean): Promise<void> {
  const authority = requireSigner(context);
  if (signsAnew) refuseOwnKey(context, ids);
  const updates = removal(context, ids);
  if (signsAnew) for (const id of ids) await signAnew(context, id);
  await sendUpdates(context, authority, updates);
}
