/** Turning the lock off through a node: for all, or for this node alone. Source: Go's `TailnetLockDisable` and `TailnetLockForceLocalDisable`. */

import { asked, insist, type ActContext } from "./act-context.ts";
import { AgentError } from "./errors.ts";
import type { KeyStore } from "./key-store.ts";
import type { LocalLock } from "./local-lock.ts";
import { stateIdOf } from "./local-lock.ts";

/** Chains that a node remembers as turned off on it. */
const MAX_DISALLOWED = 1000;

/**
 * Spends a disablement secret: the lock is off for everybody, and the secret is public. One that is wrong is never sent: it may be one of
 * another lock. Throws `lock_off`, `incorrect_secret`, or what the client throws.
 */
export async function disableLock(context: ActContext, secret: Uint8Array): Promise<void> {
  const { client, lock } = context;
  const { head } = lock.require();
  if (!lock.isSecret(secret))
    throw new AgentError(
      "incorrect_secret",
      "incorrect disablement secret",
      "each lock has its own: see that it is this one's",
    );
  await insist(() => client.disable(asked(context, { Head: head, DisablementSecret: secret })));
}

/** Turns the lock off on this node alone, for good: no chain with its state IDs is followed any more [Z16]. Throws `lock_off`. */
export function ignoreLock({ lock, store }: { readonly lock: LocalLock; readonly store: KeyStore }): void {
  const id = stateIdOf(lock.require().state);
  const known = store.state.disallowedStateIds.filter((other) => other !== id);
  store.update({ disallowedStateIds: [...known, id].slice(-MAX_DISALLOWED) });
  lock.drop();
}
