/** Names in rules: `*`, users, groups, tags, autogroups, hosts, addresses. Attacker-controlled, within the limits of the file. */

import { parseAddress, parsePrefix, type Range } from "./addresses.ts";
import { PolicyError, quoted, type Position } from "./policy-error.ts";
import { ROLES, type Person, type Role, type Selector } from "./policy.ts";
import type { Text } from "./reading.ts";

/** The names that a file has made, by which its rules are read. */
export interface Names {
  readonly people: readonly Person[];
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>;
  readonly hosts: ReadonlyMap<string, Range>;
  readonly tags: ReadonlySet<string>;
}

const AUTOGROUPS = ["self", "member", "tagged", "internet", "shared", ...ROLES.slice(1)];
/** As devices are given them (`tags are of the form tag:name`). */
const TAG = /^tag:[a-zA-Z][a-zA-Z0-9-]{0,62}$/;

export function refuseBadTag(tag: string, at: Position): void {
  if (!TAG.test(tag))
    throw new PolicyError(
      `${quoted(tag)} is no tag: a tag is tag: and a name of letters, digits and hyphens that begins with a letter`,
      at,
    );
}

/** True for the name of a user: a login name with an @, or one of those who are here. */
export function isUser(name: string, people: readonly Person[]): boolean {
  return people.some(({ login }) => login === name) || /^[^@\s:*/]+@[^@\s:*/]+$/.test(name);
}

/** Throws PolicyError where the text has bits set behind the prefix, or looks like an address and is none. */
export function parseRange(text: string, at: Position): Range | null {
  const range = parseAddress(text) ?? parsePrefix(text);
  if (range !== null) return range;
  const [address = ""] = text.split("/");
  if (text.includes("/") && parseAddress(address) !== null)
    throw new PolicyError(`${quoted(text)} is no prefix: its length is wrong, or bits are set behind it`, at);
  if (/^[\d.]+(\/\d+)?$/.test(text) && text.includes(".")) throw new PolicyError(`${quoted(text)} is no address`, at);
  return null;
}

function autogroup(name: string, at: Position): Selector {
  const short = name.slice("autogroup:".length);
  // Tailscale's older name for it.
  const role = short === "members" ? "member" : short;
  if (ROLES.includes(role as Role)) return { kind: "role", role: role as Role };
  if (role === "self" || role === "tagged" || role === "internet" || role === "shared") return { kind: role };
  throw new PolicyError(
    `there is no ${quoted(name)} here: there are ${AUTOGROUPS.map((each) => `autogroup:${each}`).join(", ")}`,
    at,
  );
}

function group(name: string, { groups }: Names, at: Position): Selector {
  const members = groups.get(name);
  if (members === undefined) throw new PolicyError(`there is no ${quoted(name)} in groups`, at);
  return { kind: "group", members };
}

function tag(name: string, { tags }: Names, at: Position): Selector {
  refuseBadTag(name, at);
  if (!tags.has(name))
    throw new PolicyError(`${quoted(name)} is not in tagOwners: put it there with who may use it`, at);
  return { kind: "tag", tag: name };
}

/** What a name stands for. Throws PolicyError for one that stands for nothing. */
export function parseSelector({ value: name, at }: Text, names: Names): Selector {
  if (name === "*") return { kind: "all" };
  if (name.startsWith("autogroup:")) return autogroup(name, at);
  if (name.startsWith("group:")) return group(name, names, at);
  if (name.startsWith("tag:")) return tag(name, names, at);
  if (name.startsWith("ipset:")) throw new PolicyError("ipsets are not served here: write the prefixes out", at);
  if (name.startsWith("svc:")) throw new PolicyError("Tailscale Services are not served here", at);
  if (name.startsWith("user:") || name.startsWith("localpart:"))
    throw new PolicyError(`${quoted(name)}: no domain's users are known here: name each, or autogroup:member`, at);
  const host = names.hosts.get(name);
  if (host !== undefined) return { kind: "range", range: host, text: name };
  const range = parseRange(name, at);
  if (range !== null) return { kind: "range", range, text: name };
  if (isUser(name, names.people)) return { kind: "user", login: name };
  throw new PolicyError(
    `${quoted(name)} is neither a user, group, tag or autogroup, nor a name of hosts, an address or a prefix`,
    at,
  );
}

/** The selector and the rest of `host:ports`, where an IPv6 address stands in brackets. Throws PolicyError. */
export function splitPorts({ value, at }: Text): readonly [name: string, ports: string] {
  const cut = value.lastIndexOf(":");
  const [name, ports] = cut < 0 ? ["", ""] : [value.slice(0, cut), value.slice(cut + 1)];
  if (name === "" || ports === "")
    throw new PolicyError(`${quoted(value)} has no ports: write name:22, name:80,443 or name:*`, at);
  const [, bracketed] = /^\[([^[\]]*)\]$/.exec(name) ?? [];
  if (bracketed !== undefined) return [bracketed, ports];
  if (parseAddress(value) !== null || parseAddress(name)?.family === 6)
    throw new PolicyError(`an IPv6 address stands in brackets, before its ports: [${name}]:22`, at);
  const bracketedPrefix = /^\[([^[\]]*)\](\/\d+)$/.exec(name);
  return [bracketedPrefix === null ? name : `${bracketedPrefix[1]}${bracketedPrefix[2]}`, ports];
}
