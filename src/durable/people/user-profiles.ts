/**
 * As whose a device is shown in maps. Source: Go's `ipn/ipnlocal/profiles.go`.
 *
 * Rule [M11]: each user of each tailnet has a number of its own: a client takes two profiles at one control plane with the same number for the same
 *             profile, and drops one of them, though a machine may be in both tailnets. The first owner's follows from the tailnet's name.
 */

import type { UserProfile } from "../../protocol/index.ts";
import { sha256 } from "../sha256.ts";

/** Bytes of a hash that make an ID: it stays a safe integer. */
const ID_BYTES = 6;
/** Added to it: users of other tailnets are numbered from a million on (sharing/views.ts). */
const LEAST_FIRST_ID = 2 ** 48;
const LEAST_TAGGED_ID = 2 ** 49;
const LEAST_PERSON_ID = 2 ** 49 + 2 ** 48;
const LEAST_SELF_ID = 2 ** 50;

const TAGGED = { LoginName: "tagged-devices", DisplayName: "Tagged Devices" } as const;

function idOf(text: string, least: number): number {
  return least + sha256(text).readUIntBE(0, ID_BYTES);
}

/** The number of the first owner of the tailnet of that name. */
export function firstProfile(domain: string): number {
  return idOf(domain, LEAST_FIRST_ID);
}

/** The number of anybody else, by the user's ID. */
export function personProfile(userId: string): number {
  return idOf(userId, LEAST_PERSON_ID);
}

/** As whose the devices with tags are shown to others: they are nobody's [F9]. */
export function taggedUser(domain: string): UserProfile {
  return { ID: idOf(domain, LEAST_TAGGED_ID), ...TAGGED };
}

/** As whose a device is shown to itself: one with tags has a user of its own, since clients trust devices of their own user further than others. */
export function selfUser(id: number, owner: UserProfile | null, domain: string): UserProfile {
  return owner ?? { ID: idOf(`${domain}/${id}`, LEAST_SELF_ID), ...TAGGED };
}

/** The login name of the first owner of the tailnet of that name, where nobody says another. */
export function ownerLogin(domain: string): string {
  return `owner@${domain}`;
}

/** As whose a device is shown that was somebody's who is here no more. */
export function goneUser(domain: string): UserProfile {
  return { ID: firstProfile(domain), LoginName: ownerLogin(domain), DisplayName: "Owner" };
}
