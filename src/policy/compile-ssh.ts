/**
 * The rules of `ssh` as an SSHPolicy. Source of the form: Go's `tailcfg.SSHPolicy`, and `ssh/tailssh` for what clients make of it.
 *
 * Rule [F9]: who may log in is a person, by login, or a device with tags, by stable ID: a device with tags is shown under no person's login, and an
 *            address can be another device's tomorrow.
 */

import { standsFor } from "./matching.ts";
import type { Viewer } from "./compile-filter.ts";
import type { Policy, SshRule } from "./policy.ts";

const ACCEPT = {
  accept: true,
  allowAgentForwarding: true,
  allowLocalPortForwarding: true,
  allowRemotePortForwarding: true,
} as const;

interface SshRuleJson {
  readonly principals: readonly object[];
  readonly sshUsers: object;
  readonly action: object;
  readonly acceptEnv?: readonly string[];
}

/** Characters of somebody who may log in, about. */
const PRINCIPAL_CHARS = 50;

export class SshCompiler {
  readonly #policy: Policy;
  readonly #nodes: readonly Viewer[];
  readonly #known = new Map<SshRule, readonly object[]>();

  constructor(policy: Policy, nodes: readonly Viewer[]) {
    this.#policy = policy;
    this.#nodes = nodes;
  }

  /** Logins of the people whom a rule's sources stand for. */
  #people({ sources }: SshRule): ReadonlySet<string> {
    const { people } = this.#policy;
    const logins = sources.flatMap((selector): readonly string[] => {
      if (selector.kind === "user") return [selector.login];
      if (selector.kind === "group") return [...selector.members];
      if (selector.kind !== "role") return [];
      return people.filter(({ roles }) => roles.includes(selector.role)).map(({ login }) => login);
    });
    return new Set(logins);
  }

  #principals(rule: SshRule): readonly object[] {
    const known = this.#known.get(rule);
    if (known !== undefined) return known;
    const tags = rule.sources.filter(({ kind }) => kind === "tag" || kind === "tagged");
    const tagged = this.#nodes.filter(({ subject }) =>
      tags.some((selector) => standsFor(selector, subject, this.#policy)),
    );
    const made = [
      ...[...this.#people(rule)].map((userLogin) => ({ userLogin })),
      ...tagged.map(({ node }) => ({ node: node.stableId })),
    ];
    this.#known.set(rule, made);
    return made;
  }

  /** Of `autogroup:self`, the one user whose device it is. */
  #ofOneself(rule: SshRule, user: string): readonly object[] {
    return this.#people(rule).has(user) ? [{ userLogin: user }] : [];
  }

  #ruleOf(rule: SshRule, { node, subject }: Viewer): SshRuleJson[] {
    const isOpen = rule.destinations.some((selector) => standsFor(selector, subject, this.#policy));
    const isSelf = node.user !== null && rule.destinations.some(({ kind }) => kind === "self");
    if (!isOpen && !isSelf) return [];
    const principals = isOpen ? this.#principals(rule) : this.#ofOneself(rule, node.user ?? "");
    if (principals.length === 0) return [];
    const sshUsers = Object.fromEntries(rule.accounts);
    const acceptEnv = rule.acceptEnv.length === 0 ? {} : { acceptEnv: rule.acceptEnv };
    return [{ principals, sshUsers, action: ACCEPT, ...acceptEnv }];
  }

  /** The rules that lead to one device; null where they have more than `most` characters, about [F16]. */
  rulesOf(viewer: Viewer, most: number): readonly object[] | null {
    const rules: object[] = [];
    let chars = 0;
    for (const rule of this.#policy.ssh)
      for (const made of this.#ruleOf(rule, viewer)) {
        chars += made.principals.length * PRINCIPAL_CHARS;
        if (chars > most) return null;
        rules.push(made);
      }
    return rules;
  }
}
