/** `tailward lock add` and `tailward lock remove`: order of refusals and questions as at Tailscale. Both say nothing where all went well. */

import type { LocalClient, KeyToTrust } from "../node/index.ts";
import type { LockStatus } from "../protocol/index.ts";
import { equalBytes } from "../tka/index.ts";
import { parseKeys } from "./lock-arguments.ts";
import { PROGRAM, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

async function requireLock(client: LocalClient): Promise<LockStatus> {
  const { lock } = await client.status();
  if (!lock.Enabled) throw new UsageError("tailnet lock is not enabled on this node: see `tailward lock status`");
  return lock;
}

/** Runs `lock add`. Throws UsageError, or what the agent says. */
export async function lockAdd(client: LocalClient, args: readonly string[]): Promise<void> {
  const keys = parseKeys(args);
  await requireLock(client);
  await client.addKeys(keys);
}

function refuseOwnKey(keys: readonly KeyToTrust[], own: Uint8Array | null): void {
  if (own !== null && keys.some(({ publicKey }) => equalBytes(publicKey, own)))
    throw new UsageError(
      "this node's own key cannot be removed while signatures are made anew with it: run this on another signing node, or add --re-sign=false",
    );
}

const YES = new Set(["", "y", "yes", "sure"]);

/** True unless somebody is there who says no. */
async function agreed({ out, ask }: Terminal): Promise<boolean> {
  if (ask === null) return true;
  out("Warning: without new signatures (--re-sign=false), every node that these keys have signed is locked out.\n");
  const answer = await ask("Remove the keys all the same? [Y/n] ");
  return YES.has(answer.trim().toLowerCase());
}

/** Runs `lock remove`. Throws UsageError, or what the agent says. */
export async function lockRemove(
  client: LocalClient,
  terminal: Terminal,
  reSign: boolean,
  args: readonly string[],
): Promise<void> {
  const keys = parseKeys(args);
  const { TrustedKeys, PublicKey } = await requireLock(client);
  if (TrustedKeys.length === 1)
    throw new UsageError(
      `the last trusted key cannot be removed: turn the lock off with \`${PROGRAM} lock disable\`, or add another key first`,
    );
  if (reSign) refuseOwnKey(keys, PublicKey);
  else if (!(await agreed(terminal))) {
    terminal.out("Nothing was removed.\n");
    return;
  }
  await client.removeKeys(
    keys.map(({ publicKey }) => publicKey),
    reSign,
  );
}
