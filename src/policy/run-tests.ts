/**
 * Runs a policy's `tests` and `sshTests`. They are judged by the rules themselves, for devices that there might be: a policy does not begin to fail
 * because a device has gone. An address stands for the device that has it, where one does.
 */

import { formatRange } from "./addresses.ts";
import { ALLOW_ALL } from "./compile-filter.ts";
import { MAX_JUDGED } from "./limits.ts";
import { standsFor, subjectOf, type PolicyNode, type Subject } from "./matching.ts";
import type { Named, Policy, Rule, Selector, SshTest, TestTarget } from "./policy.ts";
import { PolicyError, quoted, type Position } from "./policy-error.ts";
import { DEFAULT_PROTOCOLS, TCP, UDP } from "./ports.ts";

/** A test that failed. */
export interface Failure {
  readonly at: Position;
  /** Who was to reach something, or not. */
  readonly source: string;
  readonly reason: string;
}

/** What it costs to make a pair, in selectors that are looked at. */
const COST_OF_PAIR = 8;

type Pair = readonly [from: Subject, to: Subject];

function ofUser(user: string): Subject {
  return { user, tags: [], ranges: [] };
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

function sshReaches(policy: Policy, from: Subject, to: Subject, account: string): boolean {
  return policy.ssh.some(({ sources, destinations, accounts }) => {
    if (!sources.some((selector) => standsFor(selector, from, policy))) return false;
    if (!destinations.some((selector) => leadsTo(selector, from, to, policy))) return false;
    return (accounts.get(account) ?? accounts.get("*") ?? "") !== "";
  });
}

class TestRun {
  readonly #policy: Policy;
  readonly #nodes: readonly PolicyNode[];
  #holders: ReadonlyMap<string, PolicyNode> | null = null;
  /** Selectors that were looked at. */
  #judged = 0;

  constructor(policy: Policy, nodes: readonly PolicyNode[]) {
    this.#policy = policy;
    this.#nodes = nodes;
  }

  /** The device that has an address, or null. */
  #holderOf(address: string): PolicyNode | null {
    this.#holders ??= new Map(this.#nodes.flatMap((node) => node.addresses.map((own) => [own, node] as const)));
    return this.#holders.get(address) ?? null;
  }

  /** Everybody whom the selector stands for. */
  #subjectsOf(selector: Selector): Subject[] {
    const { people } = this.#policy;
    switch (selector.kind) {
      case "user":
        return [ofUser(selector.login)];
      case "group":
        return [...selector.members].map(ofUser);
      case "role":
        return people.filter(({ roles }) => roles.includes(selector.role)).map(({ login }) => ofUser(login));
      case "tag":
        return [{ user: null, tags: [selector.tag], ranges: [] }];
      case "range": {
        const holder = this.#holderOf(formatRange(selector.range));
        return [{ user: holder?.user ?? null, tags: holder?.tags ?? [], ranges: [selector.range] }];
      }
      default:
        return [];
    }
  }

  /** Counts what a test costs, of which its author may have no idea. */
  #count(selectors: number, at: Position): void {
    this.#judged += selectors;
    if (this.#judged > MAX_JUDGED) throw new PolicyError("its tests take too long: make them fewer", at);
  }

  /** The pairs that a test is about. */
  #pairsOf(source: Named, target: Named): Pair[] {
    const sources = this.#subjectsOf(source.selector);
    if (target.selector.kind === "self") return sources.map((from) => [from, from]);
    const targets = this.#subjectsOf(target.selector);
    this.#count(sources.length * targets.length * COST_OF_PAIR, target.at);
    return sources.flatMap((from) => targets.map((to) => [from, to] as const));
  }

  #isReached([from, to]: Pair, protocols: readonly number[], { port, at }: TestTarget): boolean {
    return (this.#policy.rules ?? [ALLOW_ALL]).some((rule) => {
      this.#count(rule.sources.length + rule.destinations.length, at);
      return protocols.some((protocol) => allows(this.#policy, rule, from, to, protocol, port));
    });
  }

  judge(target: TestTarget, source: Named, protocols: readonly number[], wanted: "accept" | "deny"): Failure[] {
    const { at, text } = target;
    const fails = (reason: string): Failure[] => [{ at, source: source.text, reason }];
    const pairs = this.#pairsOf(source, target);
    if (pairs.length === 0) return fails(`${quoted(source.text)} or ${quoted(text)} stands for nobody`);
    const isReached = (pair: Pair): boolean => this.#isReached(pair, protocols, target);
    if (wanted === "accept")
      return pairs.every(isReached) ? [] : fails(`${quoted(text)} should be reached, and is not`);
    return pairs.some(isReached) ? fails(`${quoted(text)} should not be reached, and is`) : [];
  }

  #fails(pairs: readonly Pair[], account: string, wanted: boolean, at: Position): boolean {
    const cost = this.#policy.ssh.reduce((sum, rule) => sum + rule.sources.length + rule.destinations.length, 1);
    this.#count(pairs.length * cost, at);
    return pairs.length === 0 || pairs.some(([from, to]) => sshReaches(this.#policy, from, to, account) !== wanted);
  }

  judgeSsh({ at, source, destinations, accept, deny }: SshTest): Failure[] {
    return destinations.flatMap((target) => {
      const pairs = this.#pairsOf(source, target);
      const reasonOf = (account: string, wanted: boolean): string =>
        `${quoted(account)} on ${quoted(target.text)} should ${wanted ? "" : "not "}be let in by ssh, and is${wanted ? " not" : ""}`;
      const judged = (accounts: readonly string[], wanted: boolean): Failure[] =>
        accounts
          .filter((account) => this.#fails(pairs, account, wanted, at))
          .map((account) => ({ at, source: source.text, reason: reasonOf(account, wanted) }));
      return [...judged(accept, true), ...judged(deny, false)];
    });
  }
}

/** Everything that fails; `nodes` are the devices there are, for tests that name addresses. Throws PolicyError for tests that take too long. */
export function runTests(policy: Policy, nodes: readonly PolicyNode[]): Failure[] {
  const run = new TestRun(policy, nodes);
  const access = policy.tests.flatMap(({ source, protocols, accept, deny }) => {
    const asked = protocols ?? [TCP, UDP];
    return [
      ...accept.flatMap((target) => run.judge(target, source, asked, "accept")),
      ...deny.flatMap((target) => run.judge(target, source, asked, "deny")),
    ];
  });
  return [...access, ...policy.sshTests.flatMap((test) => run.judgeSsh(test))];
}
