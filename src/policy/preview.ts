/**
 * Which rules of a policy are about a person, or about an address and a port: what whoever writes a policy asks of it before it is in force. Source: Tailscale's
 * `POST /api/v2/tailnet/{tailnet}/acl/preview`.
 */

import { parseAddress, formatRange } from "./addresses.ts";
import { readAccess } from "./access-rules.ts";
import { parseHuJson, type Located } from "./hujson.ts";
import { standsFor, subjectOf, type PolicyNode, type Subject } from "./matching.ts";
import { readNames } from "./names.ts";
import { parsePolicy, sectionsOf } from "./parse-policy.ts";
import type { Person, Policy, Rule } from "./policy.ts";
import { fields, list, texts } from "./reading.ts";

/** An entry of `acls` or `grants` that matches: its sources and destinations as they are written, and the line where it begins. */
export interface PreviewMatch {
  readonly users: readonly string[];
  readonly ports: readonly string[];
  readonly line: number;
}

/** Whom a preview is for: a person by login, or an address with a port. */
export type PreviewFor =
  | { readonly kind: "user"; readonly login: string }
  | { readonly kind: "address"; readonly address: string; readonly port: number };

interface Entry {
  readonly users: readonly string[];
  /** The same, `most` of them: an entry of a grant has its destinations times its ports. */
  readonly ports: (most: number) => readonly string[];
  readonly line: number;
  readonly rules: readonly Rule[];
}

/** Destinations that are shown in all: a small file may have very many. */
const MOST_SHOWN = 10_000;

/** Each destination with each port, `most` of them. */
function pairs(destinations: readonly string[], ports: readonly string[], most: number): string[] {
  const shown: string[] = [];
  for (const to of destinations)
    for (const port of ports) {
      if (shown.length >= most) return shown;
      shown.push(`${to}:${port}`);
    }
  return shown;
}

function valuesOf(value: Located | null, what: string): string[] {
  return texts(value, what).map((text) => text.value);
}

/** The entries of both sections, each with the rules that it stands for. */
function entriesOf(text: string, people: readonly Person[]): Entry[] {
  const sections = sectionsOf(parseHuJson(text));
  const { names } = readNames(sections, people);
  const one = (entry: Located): Located => ({ kind: "list", at: entry.at, items: [entry] });
  const acls = list(sections.acls, "acls").map((entry): Entry => {
    const { src, users, dst, ports } = fields(entry, "an entry", ACL_FIELDS);
    const destinations = valuesOf(dst ?? ports, "dst");
    const shown = { users: valuesOf(src ?? users, "src"), ports: (most: number) => destinations.slice(0, most) };
    return { ...shown, line: entry.at.line, rules: readAccess(one(entry), null, names).rules ?? [] };
  });
  const grants = list(sections.grants, "grants").map((entry): Entry => {
    const { src, dst, ip } = fields(entry, "an entry", GRANT_FIELDS);
    const [destinations, all] = [valuesOf(dst, "dst"), valuesOf(ip, "ip")];
    const ports = (most: number) => pairs(destinations, all, most);
    const rules = readAccess(null, one(entry), names).rules ?? [];
    return { users: valuesOf(src, "src"), ports, line: entry.at.line, rules };
  });
  return [...acls, ...grants].sort((a, b) => a.line - b.line);
}

const ACL_FIELDS = ["action", "src", "dst", "proto", "users", "ports", "srcPosture"] as const;
const GRANT_FIELDS = ["src", "dst", "ip", "app", "srcPosture", "via"] as const;

/** A person, with the addresses of their devices. */
function person(login: string, nodes: readonly PolicyNode[]): Subject {
  const own = nodes.filter(({ user }) => user === login);
  return { user: login, tags: [], ranges: own.flatMap((node) => subjectOf(node).ranges) };
}

/** Whatever is at an address: the device that has it, where one does. */
function holder(address: string, nodes: readonly PolicyNode[]): Subject | null {
  const range = parseAddress(address);
  if (range === null) return null;
  const text = formatRange(range);
  const node = nodes.find(({ addresses }) => addresses.includes(text));
  return node === undefined ? { user: null, tags: [], ranges: [range] } : subjectOf(node);
}

function isFrom({ sources }: Rule, subject: Subject, policy: Policy): boolean {
  return sources.some((selector) => standsFor(selector, subject, policy));
}

/** `autogroup:self` leads to any device that is somebody's. */
function isTo({ destinations }: Rule, subject: Subject, port: number, policy: Policy): boolean {
  return destinations.some(
    ({ selector, ports }) =>
      (selector.kind === "self" ? subject.user !== null : standsFor(selector, subject, policy)) &&
      ports.some(({ first, last }) => first <= port && port <= last),
  );
}

/** The entries that match, in the file's order; null where the address is none. The text is attacker-controlled. Throws PolicyError. */
export function previewPolicy(
  text: string,
  people: readonly Person[],
  nodes: readonly PolicyNode[],
  wanted: PreviewFor,
): PreviewMatch[] | null {
  const policy = parsePolicy(text, people);
  const subject = wanted.kind === "user" ? person(wanted.login, nodes) : holder(wanted.address, nodes);
  if (subject === null) return null;
  const matches = (rule: Rule): boolean =>
    wanted.kind === "user" ? isFrom(rule, subject, policy) : isTo(rule, subject, wanted.port, policy);
  let room = MOST_SHOWN;
  return entriesOf(text, people)
    .filter(({ rules }) => rules.some(matches))
    .map(({ users, ports, line }) => {
      const shown = ports(room);
      room -= shown.length;
      return { users, ports: shown, line };
    });
}
