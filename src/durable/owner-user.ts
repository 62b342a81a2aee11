/**
 * The user whose nodes a tailnet's own nodes are: until people sign in there is one, its owner. Source: Go's `ipn/ipnlocal/profiles.go`.
 *
 * Rule [M11]: the user of each tailnet has an ID of its own: a client takes two profiles at one control plane with the same user ID for the same
 *             profile, and drops one of them, though a machine may be in both tailnets.
 */

import { createHash } from "node:crypto";
import type { UserProfile } from "../protocol/index.ts";

/** Bytes of a hash that make an ID: it stays a safe integer. */
const ID_BYTES = 6;
/** Added to it: users of other tailnets are numbered from a million on (share-views.ts). */
const LEAST_ID = 2 ** 48;
const LEAST_TAGGED_ID = 2 ** 49;
const LEAST_SELF_ID = 2 ** 50;

const TAGGED = { LoginName: "tagged-devices", DisplayName: "Tagged Devices" } as const;

function idOf(text: string, least: number): number {
  return least + createHash("sha256").update(text).digest().readUIntBE(0, ID_BYTES);
}

/** As whose the devices with tags are shown to others: they are nobody's [F9]. */
export function taggedUser(domain: string): UserProfile {
  return { ID: idOf(domain, LEAST_TAGGED_ID), ...TAGGED };
}

/** As whose a device is shown to others. */
export function userOf(tags: readonly string[], domain: string): UserProfile {
  return tags.length > 0 ? taggedUser(domain) : ownerUser(domain);
}

/** As whose a device is shown to itself: one with tags has a user of its own, since clients trust devices of their own user further than others. */
export function selfUser(id: number, tags: readonly string[], domain: string): UserProfile {
  return tags.length > 0 ? { ID: idOf(`${domain}/${id}`, LEAST_SELF_ID), ...TAGGED } : ownerUser(domain);
}

/** The login name of the owner of the tailnet of that name. */
export function ownerLogin(domain: string): string {
  return `owner@${domain}`;
}

/** The owner of the tailnet of that name. */
export function ownerUser(domain: string): UserProfile {
  return { ID: idOf(domain, LEAST_ID), LoginName: ownerLogin(domain), DisplayName: "Owner" };
}
