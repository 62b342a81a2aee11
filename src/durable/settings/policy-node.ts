/** A node as its tailnet's policy sees it. Pure. */

import type { PolicyNode } from "../../policy/index.ts";
import { addressesOf } from "../node-address.ts";
import type { HomeView } from "../sharing/views.ts";

/** What a policy looks at in a node. */
export interface PolicyFacts {
  readonly id: number;
  readonly stableId: string;
  /** The login of whose it is; null with tags, and for a foreign node. */
  readonly user: string | null;
  readonly tags: readonly string[];
  /** The tailnet of a foreign node; null for one of our own. */
  readonly home: string | null;
  /** True where the device waits for approval [G14]: it is given nothing, and is nobody to others. */
  readonly waiting: boolean;
}

/** A node as its tailnet's policy sees it. */
export function policyNodeOf(
  { id, stableId, user, tags, home }: Omit<PolicyFacts, "waiting">,
  homes: readonly HomeView[],
): PolicyNode {
  const sharedWith = home === null ? null : (homes.find((view) => view.home === home)?.seenBy ?? []);
  return { id, stableId, user, tags, addresses: addressesOf(id), routes: [], sharedWith };
}
