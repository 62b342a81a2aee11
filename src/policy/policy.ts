/** A policy as it was understood: every name in it is known, and nothing in it is passed over. */

import type { Range } from "./addresses.ts";
import type { Position } from "./policy-error.ts";
import type { PortRange } from "./ports.ts";

/** A person of the tailnet. */
export interface Person {
  readonly login: string;
  /** The `autogroup:` names that the person is in. */
  readonly roles: readonly Role[];
}

export const ROLES = ["member", "owner", "admin", "network-admin", "it-admin", "billing-admin", "auditor"] as const;

export type Role = (typeof ROLES)[number];

/** Whom or what a name in a rule stands for. */
export type Selector =
  /** `*`: whoever has got through to the node. */
  | { readonly kind: "all" }
  | { readonly kind: "user"; readonly login: string }
  | { readonly kind: "group"; readonly members: ReadonlySet<string> }
  | { readonly kind: "role"; readonly role: Role }
  | { readonly kind: "tag"; readonly tag: string }
  /** `autogroup:tagged`: every device with a tag. */
  | { readonly kind: "tagged" }
  /** `autogroup:shared`: devices of tailnets that have accepted the share of the device in question. */
  | { readonly kind: "shared" }
  /** An address, a prefix, or a name of `hosts`. */
  | { readonly kind: "range"; readonly range: Range; readonly text: string }
  /** `autogroup:self`: the devices of the very user who asks, without tags. */
  | { readonly kind: "self" }
  /** `autogroup:internet`: public addresses, by an exit node. */
  | { readonly kind: "internet" };

export interface Destination {
  readonly selector: Selector;
  readonly ports: readonly PortRange[];
}

/** What a grant's `app` gives: JSON of a list of values for each name. */
export type Capabilities = ReadonlyMap<string, string>;

/** An entry of `acls`, or what an entry of `grants` says for one set of protocols. */
export interface Rule {
  readonly sources: readonly Selector[];
  readonly destinations: readonly Destination[];
  /** Numbers; empty for the default ones. */
  readonly protocols: readonly number[];
}

export interface AppGrant {
  readonly sources: readonly Selector[];
  readonly destinations: readonly Selector[];
  readonly capabilities: Capabilities;
}

export interface SshRule {
  readonly sources: readonly Selector[];
  readonly destinations: readonly Selector[];
  /** Accounts on the machine, by what is asked for; `=` for the same, empty for none, `*` for any other. */
  readonly accounts: ReadonlyMap<string, string>;
  readonly acceptEnv: readonly string[];
}

export interface NodeAttributes {
  readonly targets: readonly Selector[];
  readonly names: readonly string[];
}

/** An entry of `tests`. */
export interface AccessTest {
  readonly at: Position;
  readonly source: Named;
  /** Null where the test names none: TCP or UDP. */
  readonly protocols: readonly number[] | null;
  readonly accept: readonly TestTarget[];
  readonly deny: readonly TestTarget[];
}

/** A selector with its text, for what is said of it. */
export interface Named {
  readonly text: string;
  readonly at: Position;
  readonly selector: Selector;
}

export interface TestTarget extends Named {
  readonly port: number;
}

/** An entry of `sshTests`. */
export interface SshTest {
  readonly at: Position;
  readonly source: Named;
  readonly destinations: readonly Named[];
  readonly accept: readonly string[];
  readonly deny: readonly string[];
}

export interface Policy {
  readonly people: readonly Person[];
  /** Owners of each tag; who owns a tag may give it to a device. */
  readonly tagOwners: ReadonlyMap<string, readonly Selector[]>;
  /** Null where the file has neither `acls` nor `grants`: all is allowed then. */
  readonly rules: readonly Rule[] | null;
  readonly apps: readonly AppGrant[];
  readonly ssh: readonly SshRule[];
  readonly attributes: readonly NodeAttributes[];
  readonly tests: readonly AccessTest[];
  readonly sshTests: readonly SshTest[];
}

/** What holds in a tailnet for which nobody has set a policy: devices reach one another, and nobody logs in by Tailscale SSH. */
export const DEFAULT_POLICY = `// This is the policy of a tailnet for which none was set: all of its devices reach one another.
{
	"grants": [
		{"src": ["*"], "dst": ["*"], "ip": ["*"]},
	],

	// Nobody logs in by Tailscale SSH without a rule. This one would let people do so on their own devices:
	// "ssh": [
	// 	{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["autogroup:nonroot", "root"]},
	// ],
}
`;
