/** `tailward lock disable` and `tailward lock local-disable`. Neither asks, and neither says anything where all went well, as at Tailscale. */

import type { LocalClient } from "../node/index.ts";
import { parseSecret } from "./lock-arguments.ts";

const USAGE = "usage: tailward lock disable <disablement-secret>";

/** Spends a disablement secret. Throws UsageError, or what the agent says: the secret stands in neither. */
export async function lockDisable(client: LocalClient, args: readonly string[]): Promise<void> {
  await client.disable(parseSecret(args, USAGE));
}

/** Turns the lock off on this node alone. Throws what the agent says. */
export async function lockLocalDisable(client: LocalClient): Promise<void> {
  await client.localDisable();
}
