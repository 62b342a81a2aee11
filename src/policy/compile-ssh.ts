/**
 * The rules of `ssh` as an SSHPolicy. Source of the form: Go's `tailcfg.SSHPolicy`, and `ssh/tailssh` for what clients make of it.
 *
 * Rule [F9]: who may log in is named device by device, by stable ID: addresses can be given to another, and a login names tagged devices too.
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

export class SshCompiler {
  readonly #policy: Policy;
  readonly #nodes: readonly Viewer[];
  /** Principals, by their rule and, for `autogroup:self`, the user. */
  readonly #known = new Map<SshRule, Map<string, readonly object[]>>();

  constructor(policy: Policy, nodes: readonly Viewer[]) {
    this.#policy = policy;
    this.#nodes = nodes;
  }

  #principals(rule: SshRule, user: string | null): readonly object[] {
    const ofRule = this.#known.get(rule) ?? new Map<string, readonly object[]>();
    this.#known.set(rule, ofRule);
    const known = ofRule.get(user ?? "");
    if (known !== undefined) return known;
    const made = this.#nodes.flatMap(({ node, subject }) => {
      const isMeant = user === null || node.user === user;
      return isMeant && rule.sources.some((selector) => standsFor(selector, subject, this.#policy))
        ? [{ node: node.stableId }]
        : [];
    });
    ofRule.set(user ?? "", made);
    return made;
  }

  #ruleOf(rule: SshRule, { node, subject }: Viewer): object[] {
    const isOpen = rule.destinations.some((selector) => standsFor(selector, subject, this.#policy));
    const isSelf = node.user !== null && rule.destinations.some(({ kind }) => kind === "self");
    if (!isOpen && !isSelf) return [];
    const principals = this.#principals(rule, isOpen ? null : node.user);
    if (principals.length === 0) return [];
    const sshUsers = Object.fromEntries(rule.accounts);
    const acceptEnv = rule.acceptEnv.length === 0 ? {} : { acceptEnv: rule.acceptEnv };
    return [{ principals, sshUsers, action: ACCEPT, ...acceptEnv }];
  }

  /** The rules that lead to one device. */
  rulesOf(viewer: Viewer): readonly object[] {
    return this.#policy.ssh.flatMap((rule) => this.#ruleOf(rule, viewer));
  }
}
