/** `tests` and `sshTests`: what a policy's author says that it must allow and forbid. */

import type { Located } from "./hujson.ts";
import { MAX_RULES } from "./limits.ts";
import { PolicyError, quoted } from "./policy-error.ts";
import type { AccessTest, Named, Selector, SshTest, TestTarget } from "./policy.ts";
import { parsePorts, parseProtocol, refusePorts } from "./ports.ts";
import { fields, list, optionalText, refuse, texts, type Text } from "./reading.ts";
import { parseSelector, splitPorts, type Names } from "./selectors.ts";

function named({ value: text, at }: Text, names: Names, kinds: readonly Selector["kind"][], what: string): Named {
  const selector = parseSelector({ value: text, at }, names);
  if (!kinds.includes(selector.kind)) throw new PolicyError(`${quoted(text)} cannot be ${what}`, at);
  // Of a prefix, one address may be reached and another not.
  if (selector.kind === "range" && selector.range.first !== selector.range.last)
    throw new PolicyError(`${quoted(text)} is a prefix: a test is about one address`, at);
  return { text, at, selector };
}

const SOURCES = ["user", "group", "role", "tag", "range"] as const;
const TARGETS = ["user", "group", "role", "tag", "range", "self"] as const;

function sourceOf(source: Text | null, older: Text | null, entry: Located, names: Names): Named {
  const given = source ?? older;
  if (given === null) throw new PolicyError("a test names its src", entry.at);
  return named(given, names, SOURCES, "the source of a test");
}

function targetOf(target: Text, protocols: readonly number[] | null, names: Names): TestTarget {
  const [name, text] = splitPorts(target);
  const [range, ...more] = parsePorts(text, target.at);
  // Of a protocol without ports, all are meant.
  const isAll = text === "*" && protocols !== null;
  if (range === undefined || more.length > 0 || (!isAll && range.first !== range.last))
    throw new PolicyError(`${quoted(target.value)}: a test is about one port`, target.at);
  refusePorts(protocols ?? [], [range], target.at);
  return {
    ...named({ value: name, at: target.at }, names, TARGETS, "the destination of a test"),
    text: target.value,
    port: range.first,
  };
}

function testOf(entry: Located, names: Names): AccessTest {
  const test = fields(entry, "an entry of tests", [
    "src",
    "proto",
    "accept",
    "deny",
    "user",
    "allow",
    "srcPostureAttrs",
  ]);
  refuse(test.srcPostureAttrs, "device posture");
  const proto = optionalText(test.proto, "proto");
  const parsed = proto === null ? [] : parseProtocol(proto.value, proto.at);
  const protocols = parsed.length === 0 ? null : parsed;
  const targets = (list: Located | null, what: string): TestTarget[] =>
    texts(list, what).map((target) => targetOf(target, protocols, names));
  const accept = [...targets(test.accept, "accept"), ...targets(test.allow, "allow")];
  const deny = targets(test.deny, "deny");
  if (accept.length === 0 && deny.length === 0) throw new PolicyError("a test has accept or deny, or both", entry.at);
  const source = sourceOf(optionalText(test.src, "src"), optionalText(test.user, "user"), entry, names);
  return { at: entry.at, source, protocols, accept, deny };
}

/** Throws PolicyError. */
export function readTests(section: Located | null, names: Names): readonly AccessTest[] {
  return list(section, "tests", MAX_RULES).map((entry) => testOf(entry, names));
}

const SSH_TARGETS = ["user", "tag", "range"] as const;

function sshTestOf(entry: Located, names: Names): SshTest {
  const test = fields(entry, "an entry of sshTests", ["src", "dst", "accept", "check", "deny"]);
  refuse(test.check, "the action check");
  const accounts = (list: Located | null, what: string): string[] => texts(list, what).map(({ value }) => value);
  const [accept, deny] = [accounts(test.accept, "accept"), accounts(test.deny, "deny")];
  if (accept.length === 0 && deny.length === 0) throw new PolicyError("a test has accept or deny, or both", entry.at);
  const destinations = texts(test.dst, "dst").map((target) =>
    named(target, names, SSH_TARGETS, "the destination of a test of ssh"),
  );
  if (destinations.length === 0) throw new PolicyError("a test of ssh names its dst", entry.at);
  return {
    at: entry.at,
    source: sourceOf(optionalText(test.src, "src"), null, entry, names),
    destinations,
    accept,
    deny,
  };
}

/** Throws PolicyError. */
export function readSshTests(section: Located | null, names: Names): readonly SshTest[] {
  return list(section, "sshTests", MAX_RULES).map((entry) => sshTestOf(entry, names));
}
