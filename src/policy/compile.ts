/** A policy for the devices there are: what each of them is given. What is the same for several is made once. */

import { FilterCompiler, type Viewer } from "./compile-filter.ts";
import { SshCompiler } from "./compile-ssh.ts";
import { overlaps, type Range } from "./addresses.ts";
import { dependsOnNodes, standsFor, subjectOf, type PolicyNode, type Subject } from "./matching.ts";
import { mostCompiled } from "./limits.ts";
import type { Policy, Selector } from "./policy.ts";

/** What one device is given, as JSON. */
export interface Compiled {
  /** Go's `[]tailcfg.FilterRule`; an empty list lets nothing in. */
  readonly packetFilter: string;
  /** Go's `tailcfg.SSHPolicy`. */
  readonly sshPolicy: string;
  /** Names of attributes of its own, in order. */
  readonly attributes: readonly string[];
}

/** Clients serve Tailscale SSH only where they have this attribute; whom they let in says the SSHPolicy. */
const CAP_SSH = "https://tailscale.com/cap/ssh";
const CAP_SSH_RULE_IN = "https://tailscale.com/cap/ssh-rule-in";
const CAP_SSH_ENV = "ssh-env-vars";

const DIGEST_CHARS = 16;
/** Of what is too large to be given to anybody [F16]. */
const TOO_LARGE = "much too large!!";

/** SHA-256 of a text, in hex: the host's is many times faster than one of ours, and a large tailnet's lists are long. */
export type Hash = (text: string) => string;

/** What a device is given that is to see nobody, and its digest. */
export const NOTHING_ALLOWED: Compiled = { packetFilter: "[]", sshPolicy: '{"rules":[]}', attributes: [] };
export const NOTHING_DIGEST = "nothing allowed!";

function selectorsOf({ rules, apps, ssh, attributes }: Policy): Selector[] {
  return [
    ...(rules ?? []).flatMap(({ sources, destinations }) => [
      ...sources,
      ...destinations.map(({ selector }) => selector),
    ]),
    ...apps.flatMap(({ sources, destinations }) => [...sources, ...destinations]),
    ...ssh.flatMap(({ sources, destinations }) => [...sources, ...destinations]),
    ...attributes.flatMap(({ targets }) => targets),
  ];
}

/** True where what a device is given may change with the devices there are, their tags and their users, and not with the policy alone. */
export function isOfNodes(policy: Policy): boolean {
  return selectorsOf(policy).some(dependsOnNodes);
}

/** Names of the attributes that a device has by the policy, in order: whoever else there is. */
export function attributesOf(policy: Policy, node: PolicyNode, subject = subjectOf(node)): string[] {
  const isMeant = (selector: Selector): boolean =>
    standsFor(selector, subject, policy) || (selector.kind === "self" && node.user !== null);
  const named = policy.attributes.flatMap(({ targets, names }) => (targets.some(isMeant) ? names : []));
  const ssh = policy.ssh.filter(({ destinations }) => destinations.some(isMeant));
  const isEnvRead = ssh.some(({ acceptEnv }) => acceptEnv.length > 0);
  return [
    ...new Set([
      CAP_SSH,
      ...(ssh.length === 0 ? [] : [CAP_SSH_RULE_IN]),
      ...(isEnvRead ? [CAP_SSH_ENV] : []),
      ...named,
    ]),
  ].sort();
}

/** In what is digested, in the place of a device's own. */
const OWN_ADDRESSES = ["own", "own:"];
/** Fields whose lists are long, and the same for many devices: in what is digested, a list stands as its own digest, made once. */
const SHARED_LISTS: ReadonlySet<string> = new Set(["SrcIPs", "principals"]);

interface Parts {
  readonly filter: readonly object[];
  readonly ssh: readonly object[];
  readonly attributes: readonly string[];
}

export class CompiledPolicy {
  readonly #policy: Policy;
  readonly #hash: Hash;
  readonly #nodes: readonly Viewer[];
  readonly #filters: FilterCompiler;
  readonly #ssh: SshCompiler;
  readonly #digests = new Map<string, string>();
  readonly #listDigests = new WeakMap<object, string>();
  /** Addresses and prefixes that the policy names. */
  readonly #ranges: readonly Range[];
  /** Of each device of another tailnet, the devices that were shared with that. */
  readonly #foreign: readonly (readonly number[])[];

  /** `nodes` are all devices that may be sources: those that wait for approval are not among them. */
  constructor(policy: Policy, nodes: readonly PolicyNode[], hash: Hash) {
    this.#policy = policy;
    this.#hash = hash;
    this.#nodes = nodes.map((node) => ({ node, subject: subjectOf(node) }));
    this.#filters = new FilterCompiler(policy, this.#nodes);
    this.#ssh = new SshCompiler(policy, this.#nodes);
    this.#ranges = selectorsOf(policy).flatMap((selector) => (selector.kind === "range" ? [selector.range] : []));
    this.#foreign = nodes.flatMap(({ sharedWith }) => (sharedWith === null ? [] : [sharedWith]));
  }

  /** Null where they are too large [F16]. */
  #partsOf(viewer: Viewer): Parts | null {
    const most = mostCompiled(this.#nodes.length);
    const filter = this.#filters.filterOf(viewer, most);
    const ssh = filter === null ? null : this.#ssh.rulesOf(viewer, most);
    if (filter === null || ssh === null) return null;
    return { filter, ssh, attributes: attributesOf(this.#policy, viewer.node, viewer.subject) };
  }

  /** True where what such a device would be given is too large: it is given nothing [F16]. */
  isTooLargeFor(node: PolicyNode): boolean {
    return this.digestFor(node) === TOO_LARGE;
  }

  #listDigest(list: object): string {
    const known = this.#listDigests.get(list);
    if (known !== undefined) return known;
    const made = this.#hash(JSON.stringify(list));
    this.#listDigests.set(list, made);
    return made;
  }

  /** Devices of one class are given the same, but for their own addresses: what tells them apart for this policy. */
  #classOf({ id, user, tags, routes }: PolicyNode, subject: Subject): string {
    const inRanges = this.#ranges.flatMap((range, i) =>
      subject.ranges.some((own) => overlaps(own, range)) ? [i] : [],
    );
    const sharees = this.#foreign.filter((sharedWith) => sharedWith.includes(id)).length > 0 ? id : 0;
    return JSON.stringify([user, tags, routes, inRanges, sharees]);
  }

  #digest(node: PolicyNode, subject: Subject): string {
    const parts = this.#partsOf({ node: { ...node, addresses: OWN_ADDRESSES }, subject });
    if (parts === null) return TOO_LARGE;
    const short = JSON.stringify(parts, (name, value: unknown) =>
      SHARED_LISTS.has(name) ? this.#listDigest(value as object) : value,
    );
    return this.#hash(short).slice(0, DIGEST_CHARS);
  }

  /** Tells what the device is given from anything else that it might be: 16 characters. Its own addresses do not change, and do not count. */
  digestFor(node: PolicyNode): string {
    const subject = subjectOf(node);
    const key = this.#classOf(node, subject);
    const known = this.#digests.get(key);
    if (known !== undefined) return known;
    const made = this.#digest(node, subject);
    this.#digests.set(key, made);
    return made;
  }

  /** What the device is given. */
  for(node: PolicyNode): Compiled {
    const parts = this.#partsOf({ node, subject: subjectOf(node) });
    if (parts === null) return NOTHING_ALLOWED;
    const { filter, ssh, attributes } = parts;
    return { packetFilter: JSON.stringify(filter), sshPolicy: JSON.stringify({ rules: ssh }), attributes };
  }
}
