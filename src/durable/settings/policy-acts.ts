/** What admins do with the policy file. Everything here runs inside the caller's transaction. */

import {
  CompiledPolicy,
  PolicyError,
  isOfNodes,
  parsePolicy,
  refusedTags,
  runTests,
  type Failure,
  type Policy,
  previewPolicy,
  type PolicyNode,
  type PreviewFor,
  type PreviewMatch,
} from "../../policy/index.ts";
import type { By } from "../audit/events.ts";
import type { PolicyFile } from "./policy-files.ts";
import { policyNodeOf } from "./policy-node.ts";
import { ControlError } from "../refuse.ts";
import { sha256Hex } from "../sha256.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** As Tailscale's clients name a policy that nobody has set. */
const DEFAULT_ETAG = "ts-default";
/** Failures of tests that a refusal tells. */
const MOST_TOLD = 10;

/** Throws `bad_policy`. */
function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof PolicyError) throw new ControlError("bad_policy", error.message);
    throw error;
  }
}

/** All devices, as a policy sees them. */
function devices(tailnet: Tailnet): PolicyNode[] {
  const logins = new Map(tailnet.users.all().map(({ id, login }) => [id, login]));
  return tailnet.nodes.all().map(({ id, stableId, user, tags, home }) => {
    const login = user === null ? null : (logins.get(user) ?? null);
    return policyNodeOf({ id, stableId, user: login, tags, home: home?.tailnet ?? null }, []);
  });
}

/** Refuses a policy by which a device would be given too much [F16]: one of each user and set of tags is looked at. */
function refuseTooLarge(tailnet: Tailnet, policy: Policy): void {
  const nodes = devices(tailnet);
  const compiled = new CompiledPolicy(policy, isOfNodes(policy) ? nodes : [], sha256Hex);
  const kinds = new Map(nodes.map((node) => [JSON.stringify([node.user, node.tags]), node]));
  if (![...kinds.values()].some((node) => compiled.isTooLargeFor(node))) return;
  throw new ControlError(
    "bad_policy",
    "what a device would be given by this policy is too large: join rules that lead to the same devices, and name fewer ports",
  );
}

function failures(tailnet: Tailnet, policy: Policy): readonly Failure[] {
  if (policy.tests.length === 0 && policy.sshTests.length === 0) return [];
  return understood(() => runTests(policy, devices(tailnet)));
}

export function failureText({ at, source, reason }: Failure): string {
  return `line ${at.line}, column ${at.column}: from ${JSON.stringify(source)}, ${reason}`;
}

/** The text is attacker-controlled. Throws `bad_policy`. */
function policyOf(tailnet: Tailnet, text: string): Policy {
  const policy = understood(() => parsePolicy(text, tailnet.users.people()));
  refuseTooLarge(tailnet, policy);
  return policy;
}

/** A policy's tests that fail; none where it may be set. Throws `bad_policy`. */
export function checkPolicy(tailnet: Tailnet, text: string): readonly Failure[] {
  return failures(tailnet, policyOf(tailnet, text));
}

/** The entries of a policy file that are about somebody, or an address and a port. Throws `bad_policy`, and `malformed_request` for what is no address. */
export function previewOf(tailnet: Tailnet, text: string, wanted: PreviewFor): readonly PreviewMatch[] {
  const { users } = tailnet;
  const matches = understood(() => previewPolicy(text, users.people(), devices(tailnet), wanted));
  if (matches === null) throw new ControlError("malformed_request", "previewFor: an address with a port expected");
  return matches;
}

/** Who has read another policy than the one that holds does not overwrite it unseen. */
function refuseOther({ etag, isDefault }: PolicyFile, match: string | null): void {
  if (match === null || match === etag || (isDefault && match === DEFAULT_ETAG)) return;
  throw new ControlError("policy_changed", "the policy has changed since it was read: read it again", {
    subject: etag,
  });
}

/**
 * Puts a policy file in force; the same again is a no-op. `match` is the ETag of the one that it is to take the place of, or null.
 * Throws `bad_policy`, `policy_tests_failed`, `policy_changed`.
 */
export function setPolicy(tailnet: Tailnet, by: By, text: string, match: string | null, now: number): PolicyFile {
  const before = tailnet.policies.current();
  if (!before.isDefault && before.text === text) return before;
  refuseOther(before, match);
  const policy = policyOf(tailnet, text);
  const failed = failures(tailnet, policy);
  if (failed.length > 0)
    throw new ControlError(
      "policy_tests_failed",
      `test(s) failed: ${failed.slice(0, MOST_TOLD).map(failureText).join("; ")}`,
    );
  const details = { old: { etag: before.etag }, new: { etag: sha256Hex(text), characters: text.length } };
  const seq = tailnet.record(by, { kind: "policy.changed", target: tailnet.target("ACL"), ...details }, now);
  tailnet.policies.set(text, isOfNodes(policy), seq, now);
  return tailnet.policies.current();
}

/**
 * Those of the wanted tags that whoever vouches for a node may not give it [F10]: the person who approved its login or made its auth key, by the
 * login, or where that key has tags, those.
 */
export function tagsRefused(
  tailnet: Tailnet,
  login: string | null,
  own: readonly string[],
  wanted: readonly string[],
): readonly string[] {
  const user = own.length === 0 ? login : null;
  try {
    return refusedTags(tailnet.policy(), { user, tags: own }, wanted);
  } catch (error) {
    // What holds was understood once; where it no longer is, it allows nothing.
    if (error instanceof PolicyError) return wanted.filter((tag) => !own.includes(tag));
    throw error;
  }
}
