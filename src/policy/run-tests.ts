/**
 * Runs a policy's `tests` and `sshTests`. They are judged by the rules themselves, for devices that there might be: a policy does not begin to fail
 * because a device has gone. An address stands for the device that has it, where one does.
 */

import { overlaps } from "./addresses.ts";
import { standsFor, subjectOf, type PolicyNode, type Subject } from "./matching.ts";
import type { Named, Policy, Rule, Selector, SshTest, TestTarget } from "./policy.ts";
import { DEFAULT_PROTOCOLS, TCP, UDP } from "./ports.ts";
import { ALLOW_ALL } from "./compile-filter.ts";
import { quoted, type Position } from "./policy-error.ts";

/** A test that failed. */
export interface Failure {
  readonly at: Position;
  /** Who was to reach something, or not. */
  readonly source: string;
  readonly reason: string;
}

function ofUser(user: string): Subject {
  return { user, tags: [], ranges: [] };
}

/** Everybody whom the selector stands for. */
function subjectsOf(selector: Selector, policy: Policy, nodes: readonly PolicyNode[]): Subject[] {
  switch (selector.kind) {
    case "user":
      return [ofUser(selector.login)];
    case "group":
      return [...selector.members].map(ofUser);
    case "role":
      return policy.people.filter(({ roles }) => roles.includes(selector.role)).map(({ login }) => ofUser(login));
    case "tag":
      return [{ user: null, tags: [selector.tag], ranges: [] }];
    case "range": {
      const holder = nodes.map(subjectOf).find(({ ranges }) => ranges.some((range) => overlaps(range, selector.range)));
      return [{ user: holder?.user ?? null, tags: holder?.tags ?? [], ranges: [selector.range] }];
    }
    default:
      return [];
  }
}

function leadsTo(selector: Selector, source: Subject, target: Subject, policy: Policy): boolean {
  if (selector.kind === "self") return source.user !== null && source.user === target.user;
  return standsFor(selector, target, policy);
}

/** True where a rule lets the source reach the port by the protocol. */
function allows(
  policy: Policy,
  rule: Rule,
  source: Subject,
  target: Subject,
  protocol: number,
  port: number,
  sharedTo = false,
): boolean {
  const protocols = rule.protocols.length === 0 ? DEFAULT_PROTOCOLS : rule.protocols;
  if (!protocols.includes(protocol)) return false;
  const isMeant = (selector: Selector): boolean =>
    standsFor(selector, source, policy) || (sharedTo && selector.kind === "shared");
  if (!rule.sources.some(isMeant)) return false;
  return rule.destinations.some(
    ({ selector, ports }) =>
      leadsTo(selector, source, target, policy) && ports.some(({ first, last }) => first <= port && port <= last),
  );
}

/** Whether a policy lets one device reach another: what the receiver's packet filter does, by the rules themselves. */
export function isAllowed(policy: Policy, from: PolicyNode, to: PolicyNode, protocol: number, port: number): boolean {
  const [source, target] = [subjectOf(from), subjectOf(to)];
  const sharedTo = from.sharedWith?.includes(to.id) === true;
  return (policy.rules ?? [ALLOW_ALL]).some((rule) => allows(policy, rule, source, target, protocol, port, sharedTo));
}

/** The pairs that a test is about. */
function pairsOf(
  source: Named,
  target: Named,
  policy: Policy,
  nodes: readonly PolicyNode[],
): (readonly [Subject, Subject])[] {
  return subjectsOf(source.selector, policy, nodes).flatMap((from) => {
    const to = target.selector.kind === "self" ? [from] : subjectsOf(target.selector, policy, nodes);
    return to.map((subject) => [from, subject] as const);
  });
}

function judge(
  { text, port, ...target }: TestTarget,
  source: Named,
  protocols: readonly number[],
  wanted: "accept" | "deny",
  policy: Policy,
  nodes: readonly PolicyNode[],
): Failure[] {
  const pairs = pairsOf(source, { ...target, text }, policy, nodes);
  if (pairs.length === 0)
    return [
      { at: target.at, source: source.text, reason: `${quoted(source.text)} or ${quoted(text)} stands for nobody` },
    ];
  const isReached = ([from, to]: readonly [Subject, Subject]): boolean =>
    protocols.some((protocol) =>
      (policy.rules ?? [ALLOW_ALL]).some((rule) => allows(policy, rule, from, to, protocol, port)),
    );
  const isMet = wanted === "accept" ? pairs.every(isReached) : !pairs.some(isReached);
  const reason =
    wanted === "accept"
      ? `${quoted(text)} should be reached, and is not`
      : `${quoted(text)} should not be reached, and is`;
  return isMet ? [] : [{ at: target.at, source: source.text, reason }];
}

function sshReaches(policy: Policy, from: Subject, to: Subject, account: string): boolean {
  return policy.ssh.some(({ sources, destinations, accounts }) => {
    if (!sources.some((selector) => standsFor(selector, from, policy))) return false;
    if (!destinations.some((selector) => leadsTo(selector, from, to, policy))) return false;
    return (accounts.get(account) ?? accounts.get("*") ?? "") !== "";
  });
}

function judgeSsh(test: SshTest, policy: Policy, nodes: readonly PolicyNode[]): Failure[] {
  return test.destinations.flatMap((target) => {
    const pairs = pairsOf(test.source, target, policy, nodes);
    const failed = (account: string, wanted: boolean): boolean =>
      pairs.length === 0 || pairs.some(([from, to]) => sshReaches(policy, from, to, account) !== wanted);
    const reasonOf = (account: string, wanted: boolean): string =>
      `${quoted(account)} on ${quoted(target.text)} should ${wanted ? "be let in" : "not be let in"} by ssh, and is${wanted ? " not" : ""}`;
    return (
      [
        [test.accept, true],
        [test.deny, false],
      ] as const
    ).flatMap(([accounts, wanted]) =>
      accounts
        .filter((account) => failed(account, wanted))
        .map((account) => ({ at: test.at, source: test.source.text, reason: reasonOf(account, wanted) })),
    );
  });
}

/** Everything that fails; `nodes` are the devices there are, for tests that name addresses. */
export function runTests(policy: Policy, nodes: readonly PolicyNode[]): Failure[] {
  const access = policy.tests.flatMap(({ source, protocols, accept, deny }) => {
    const asked = protocols ?? [TCP, UDP];
    return [
      ...accept.flatMap((target) => judge(target, source, asked, "accept", policy, nodes)),
      ...deny.flatMap((target) => judge(target, source, asked, "deny", policy, nodes)),
    ];
  });
  return [...access, ...policy.sshTests.flatMap((test) => judgeSsh(test, policy, nodes))];
}
