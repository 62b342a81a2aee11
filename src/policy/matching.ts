/**
 * Whether a selector stands for a device.
 *
 * Rule [F6]: a device with tags is nobody's: no user, group or autogroup of people stands for it.
 * Rule [F7]: a device of another tailnet is nobody's here, and has no tags here: as a source only `*`, `autogroup:shared` and addresses stand for it.
 */

import { overlaps, parseAddress, parsePrefix, type Range } from "./addresses.ts";
import type { Policy, Role, Selector } from "./policy.ts";

/** A device as a policy sees it. */
export interface PolicyNode {
  readonly id: number;
  readonly stableId: string;
  /** The login of whose it is; null with tags, and for a device of another tailnet. */
  readonly user: string | null;
  readonly tags: readonly string[];
  /** Without prefix lengths. */
  readonly addresses: readonly string[];
  /** Prefixes that it routes and may route. */
  readonly routes: readonly string[];
  /** For a device of another tailnet, IDs of our devices that were shared with that; null for one of our own. */
  readonly sharedWith: readonly number[] | null;
}

/** A device or, in a test, somebody who might have one. */
export interface Subject {
  readonly user: string | null;
  readonly tags: readonly string[];
  readonly ranges: readonly Range[];
}

/** The device as a subject: its addresses, and what it routes. They are read once, where a rule names any. */
export function subjectOf({ user, tags, addresses, routes }: PolicyNode): Subject {
  let known: readonly Range[] | null = null;
  const read = (): readonly Range[] =>
    [...addresses.map(parseAddress), ...routes.map(parsePrefix)].filter((range) => range !== null);
  return {
    user,
    tags,
    get ranges() {
      return (known ??= read());
    },
  };
}

/** Logins of the people with a role. */
function isIn(role: Role, login: string, { people }: Policy): boolean {
  return people.some((person) => person.login === login && person.roles.includes(role));
}

/** True if the selector stands for it by itself: `self` and `shared` take a second device, and never do. */
export function standsFor(selector: Selector, { user, tags, ranges }: Subject, policy: Policy): boolean {
  switch (selector.kind) {
    case "all":
      return true;
    case "user":
      return user === selector.login;
    case "group":
      return user !== null && selector.members.has(user);
    case "role":
      return user !== null && isIn(selector.role, user, policy);
    case "tag":
      return tags.includes(selector.tag);
    case "tagged":
      return tags.length > 0;
    case "range":
      return ranges.some((range) => overlaps(range, selector.range));
    case "internet":
      // Who routes everything.
      return ranges.some(({ family, first, last }) => first === 0n && last === (family === 4 ? MOST_V4 : MOST_V6));
    case "self":
    case "shared":
      return false;
  }
}

const MOST_V4 = (1n << 32n) - 1n;
const MOST_V6 = (1n << 128n) - 1n;

/** True where what the selector stands for may change with the devices there are. */
export function dependsOnNodes({ kind }: Selector): boolean {
  return kind !== "all" && kind !== "range" && kind !== "internet";
}
