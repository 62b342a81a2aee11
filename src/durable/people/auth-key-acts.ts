/** What admins do with auth keys, and how the record tells it: by their IDs, never by their secrets [W4]. */

import type { AuthKeyInfo, AuthKeyOptions } from "./auth-keys.ts";
import { refuseUntagged } from "./client-tags.ts";
import { refuseBadTags } from "../nodes/devices.ts";
import type { By } from "../audit/events.ts";
import { refuseMoreAuthKeys } from "./key-limits.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Makes a key; its text is given once. Throws `malformed_request` for a tag that no device may have, `too_many_keys` [P59]. */
export function createAuthKey(
  tailnet: Tailnet,
  by: By,
  options: AuthKeyOptions,
  now: number,
): { info: AuthKeyInfo; key: string } {
  refuseBadTags(options.tags);
  refuseUntagged(tailnet, by, options.tags);
  refuseMoreAuthKeys(tailnet.store, now);
  const made = tailnet.authKeys.create(tailnet.info().id, tailnet.users.behind(by.actor)?.id ?? null, options, now);
  const { id, ...rest } = made.info;
  const target = { type: "API_KEY", id, name: rest.description } as const;
  tailnet.record(by, { kind: "authkey.created", target, new: rest }, now);
  return made;
}

/** Throws `unknown_key_id`; a key that is revoked already is a success. */
export function revokeAuthKey(tailnet: Tailnet, by: By, id: string, now: number): null {
  const { revoked, description } = tailnet.authKeys.require(id, now);
  if (revoked !== null) return null;
  tailnet.authKeys.revoke(id, now);
  tailnet.record(by, { kind: "authkey.revoked", target: { type: "API_KEY", id, name: description } }, now);
  return null;
}
