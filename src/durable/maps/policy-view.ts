/** What a tailnet's policy gives to each of its nodes, for a sessions object that knows them all. Pure. */

import {
  CompiledPolicy,
  NOTHING_ALLOWED,
  NOTHING_DIGEST,
  PolicyError,
  attributesOf,
  isOfNodes,
  parsePolicy,
  type Compiled,
  type Person,
  type Policy,
} from "../../policy/index.ts";
import { log } from "../log.ts";
import { sha256Hex } from "../sha256.ts";
import { policyNodeOf, type PolicyFacts } from "../settings/policy-node.ts";
import type { HomeView } from "../sharing/views.ts";

/** The attributes that a policy gives to a node, whoever else there is; none where the policy is not understood. */
export function attributesBy(policy: Policy | null, facts: Omit<PolicyFacts, "waiting">): string[] {
  return policy === null ? [] : attributesOf(policy, policyNodeOf(facts, []));
}

/** A policy that was understood when it was set; null where this code does not, and nothing is allowed then. */
export function understoodOrNull(parse: () => Policy): Policy | null {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    log.error("the stored policy is not understood: nothing is allowed", {}, error);
    return null;
  }
}

export class PolicyView {
  readonly #homes: readonly HomeView[];
  readonly #compiled: CompiledPolicy | null;

  /** `people` and `nodes` are all that the tailnet has. */
  constructor(text: string, people: readonly Person[], nodes: readonly PolicyFacts[], homes: readonly HomeView[]) {
    this.#homes = homes;
    const policy = understoodOrNull(() => parsePolicy(text, people));
    const sources = policy === null || !isOfNodes(policy) ? [] : nodes.filter(({ waiting }) => !waiting);
    this.#compiled =
      policy === null
        ? null
        : new CompiledPolicy(
            policy,
            sources.map((node) => policyNodeOf(node, homes)),
            sha256Hex,
          );
  }

  /** Tells what the node is given from anything else. */
  digestFor(node: PolicyFacts): string {
    if (this.#compiled === null || node.waiting) return NOTHING_DIGEST;
    return this.#compiled.digestFor(policyNodeOf(node, this.#homes));
  }

  /** What the node is given. */
  for(node: PolicyFacts): Compiled {
    if (this.#compiled === null || node.waiting) return NOTHING_ALLOWED;
    return this.#compiled.for(policyNodeOf(node, this.#homes));
  }
}
