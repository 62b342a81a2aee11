/** The sections of a policy that make names: `groups`, `hosts` and `tagOwners`. */

import type { Located } from "./hujson.ts";
import { MAX_ENTRIES } from "./limits.ts";
import { PolicyError, quoted } from "./policy-error.ts";
import type { Person, Selector } from "./policy.ts";
import { object, text, texts } from "./reading.ts";
import type { Range } from "./addresses.ts";
import { isUser, parseRange, parseSelector, refuseBadTag, type Names } from "./selectors.ts";

const HOST = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}$/;

function membersOf(section: Located | null, what: string) {
  const members = section === null ? [] : object(section, what);
  if (members.length > MAX_ENTRIES)
    throw new PolicyError(`${what} has at most ${MAX_ENTRIES} entries`, section?.at ?? { line: 1, column: 1 });
  return members;
}

function groupsOf(section: Located | null, people: readonly Person[]): Map<string, ReadonlySet<string>> {
  const groups = new Map<string, ReadonlySet<string>>();
  for (const { name, at, value } of membersOf(section, "groups")) {
    if (!/^group:[^\s:*]+$/.test(name))
      throw new PolicyError(`${quoted(name)}: the name of a group begins with group:`, at);
    const members = texts(value, quoted(name));
    for (const { value: member, at: place } of members) {
      if (member.startsWith("group:"))
        throw new PolicyError(`${quoted(member)}: a group has no groups as its members`, place);
      if (!isUser(member, people))
        throw new PolicyError(
          `${quoted(member)} is no user: a group has users as its members, as alice@example.com`,
          place,
        );
    }
    groups.set(name, new Set(members.map(({ value: member }) => member)));
  }
  return groups;
}

function hostsOf(section: Located | null, people: readonly Person[]): Map<string, Range> {
  const hosts = new Map<string, Range>();
  for (const { name, at, value } of membersOf(section, "hosts")) {
    if (!HOST.test(name) || parseRange(name, at) !== null || isUser(name, people))
      throw new PolicyError(`${quoted(name)} cannot be the name of a host: it would pass for something else`, at);
    const { value: address, at: place } = text(value, quoted(name));
    const range = parseRange(address, place);
    if (range === null) throw new PolicyError(`${quoted(address)} is neither an address nor a prefix`, place);
    hosts.set(name, range);
  }
  return hosts;
}

/** Whether a selector may stand among the owners of a tag. */
function mayOwn({ kind }: Selector): boolean {
  return kind === "user" || kind === "group" || kind === "role" || kind === "tag";
}

/** The names that a file makes, and who owns its tags. Throws PolicyError. */
export function readNames(
  sections: { readonly groups: Located | null; readonly hosts: Located | null; readonly tagOwners: Located | null },
  people: readonly Person[],
): { names: Names; tagOwners: Map<string, readonly Selector[]> } {
  const owned = membersOf(sections.tagOwners, "tagOwners");
  for (const { name, at } of owned) refuseBadTag(name, at);
  const names: Names = {
    people,
    groups: groupsOf(sections.groups, people),
    hosts: hostsOf(sections.hosts, people),
    tags: new Set(owned.map(({ name }) => name)),
  };
  const tagOwners = owned.map(({ name, value }) => {
    const owners = texts(value, quoted(name)).map((owner) => {
      const selector = parseSelector(owner, names);
      if (!mayOwn(selector))
        throw new PolicyError(
          `${quoted(owner.value)} owns no tag: users, groups, autogroups of people and tags do`,
          owner.at,
        );
      return selector;
    });
    return [name, owners] as const;
  });
  return { names, tagOwners: new Map(tagOwners) };
}
