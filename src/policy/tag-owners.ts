/**
 * Who may give a device which tags.
 *
 * Rule [F10]: a device asks only for tags of which its user, or a tag that it has itself, is an owner; a tag without owners is given by admins alone.
 */

import { standsFor } from "./matching.ts";
import type { Policy } from "./policy.ts";

/** Who asks: the user who logs the device in or made its auth key, and the tags that the device, or that key, has. */
export interface TagAsker {
  readonly user: string | null;
  readonly tags: readonly string[];
}

function owns({ user, tags }: TagAsker, tag: string, policy: Policy): boolean {
  if (tags.includes(tag)) return true;
  const asker = { user, tags, ranges: [] };
  return (policy.tagOwners.get(tag) ?? []).some((owner) => standsFor(owner, asker, policy));
}

/** Those of the wanted tags that the asker may not give. */
export function refusedTags(policy: Policy, asker: TagAsker, wanted: readonly string[]): string[] {
  return wanted.filter((tag) => !owns(asker, tag, policy));
}
