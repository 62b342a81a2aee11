/**
 * Which tags an OAuth client may give.
 *
 * Rule [P58]: a client gives the tags that it has itself, as far as its access token has them, and those of which these are owners by the policy; an auth
 *             key that it makes has one at least: it would be nobody's otherwise.
 */

import type { By } from "../audit/events.ts";
import { tagsRefused } from "../settings/policy-acts.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** `wanted` are tags that whoever acts is about to give; the rights of people are the door's to see. Throws `tags_not_permitted`. */
export function refuseOtherTags(tailnet: Tailnet, { actor }: By, wanted: readonly string[]): void {
  if (actor.type !== "OAUTH_CLIENT") return;
  const given = actor.tags ?? [];
  const own = (tailnet.credentials.byId(actor.id)?.tags ?? []).filter((tag) => given.includes(tag));
  const other = tagsRefused(tailnet, null, own, wanted);
  if (other.length > 0)
    throw new ControlError("tags_not_permitted", `this OAuth client may not give these tags: ${other.join(", ")}`);
}

/** The same for a new auth key. Throws `malformed_request` for one without tags. */
export function refuseUntagged(tailnet: Tailnet, by: By, wanted: readonly string[]): void {
  if (by.actor.type === "OAUTH_CLIENT" && wanted.length === 0)
    throw new ControlError("malformed_request", "an auth key that an OAuth client makes has tags");
  refuseOtherTags(tailnet, by, wanted);
}
