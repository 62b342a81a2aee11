/** Letting nodes in through a node that is trusted to sign. Source: Go's `TailnetLockSign` and `TailnetLockWrapPreauthKey`. */

import { KEY_25519, UpdateBuilder, signDirect, wrapAuthKey, type Key, type NodeKey } from "../tka/index.ts";
import { asked, insist, requireSigner, sendUpdates, type ActContext } from "./act-context.ts";
import { newSigningKey } from "./native-crypto.ts";

/** Signs a node key; `rotationKey` (32 bytes) may rotate it later, or is null. Throws `lock_off`, `not_trusted`, or what the client throws. */
export async function signNode(context: ActContext, nodeKey: NodeKey, rotationKey: Uint8Array | null): Promise<void> {
  requireSigner(context);
  const Signature = signDirect(nodeKey, rotationKey, context.signer);
  await insist(() => context.client.sign(asked(context, { Signature })));
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
