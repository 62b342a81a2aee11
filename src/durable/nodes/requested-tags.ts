/**
 * The tags that a node asks for as it registers (`tailscale up --advertise-tags`).
 *
 * Rule [G17]: a node has the tags of the auth key that it was let in with, and of those that it asks for only what that key carries or the policy's
 *            `tagOwners` allow; where one is neither, the node is refused. Who asks later for others is not heard until somebody vouches for it again.
 *            Of a node that was let in by a login, the tags are those that the admin was shown, and no others.
 */

import { refuseBadTags } from "./devices.ts";
import { tagsRefused } from "../settings/policy-acts.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import type { Vouched } from "./vouching.ts";

/** The tags of a node that was vouched for, in order. Throws `tags_not_permitted`, and `malformed_request` for a tag of another form. */
export function tagsOf(tailnet: Tailnet, vouched: Vouched, requested: readonly string[]): readonly string[] {
  if (requested.length === 0) return vouched.tags;
  refuseBadTags(requested);
  const { seen, user } = vouched;
  if (seen !== null && !requested.every((tag) => seen.includes(tag)))
    throw new ControlError(
      "tags_not_permitted",
      "the requested tags are not those with which this login was approved: log in again",
    );
  const bad = tagsRefused(tailnet, user === null ? null : tailnet.users.require(user).login, vouched.tags, requested);
  if (bad.length > 0)
    throw new ControlError(
      "tags_not_permitted",
      `requested tags [${bad.join(" ")}] are invalid or not permitted: use an auth key that carries them, or have an admin name their owners ` +
        "under tagOwners in the policy",
    );
  return [...new Set([...vouched.tags, ...requested])].sort();
}
