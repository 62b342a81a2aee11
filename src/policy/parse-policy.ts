/** A policy file, read whole. Source of its sections: Tailscale's documentation of the tailnet policy file. */

import { readAccess } from "./access-rules.ts";
import { parseHuJson, type Located } from "./hujson.ts";
import { readNames } from "./names.ts";
import { readAttributes } from "./node-attributes.ts";
import { PolicyError } from "./policy-error.ts";
import type { Person, Policy } from "./policy.ts";
import { readSshTests, readTests } from "./policy-tests.ts";
import { fields, refuse, type Fields } from "./reading.ts";
import { readSsh } from "./ssh-rules.ts";

/** Sections that Tailscale has and that are not served here [F5], each with what it is for. */
const UNSERVED = {
  autoApprovers: "approval of routes and exit nodes by themselves",
  postures: "device posture",
  defaultSrcPosture: "device posture",
  ipsets: "ipsets",
  derpMap: "a DERP map in the policy file (the control plane's configuration has one)",
  disableIPv4: "a tailnet without IPv4",
  oneCGNATRoute: "the choice of routes for 100.64.0.0/10",
  attrConfig: "attributes of one's own",
} as const;

const SERVED = [
  "acls",
  "grants",
  "groups",
  "hosts",
  "tagOwners",
  "ssh",
  "nodeAttrs",
  "tests",
  "sshTests",
  "randomizeClientPort",
] as const;
type Section = (typeof SERVED)[number] | keyof typeof UNSERVED;
const SECTIONS = [...SERVED, ...Object.keys(UNSERVED)] as Section[];

/** In Go a null list is an absent one, and without both sections all is allowed: whoever writes null has hardly meant that. */
function refuseNullRules(file: Located): void {
  const members = file.kind === "object" ? file.members : [];
  const found = members.find(({ name, value }) => /^(acls|grants)$/i.test(name) && value.kind === "null");
  if (found !== undefined)
    throw new PolicyError(`${found.name} is null: write [] to allow nothing, or leave it out`, found.at);
}

/** The sections of a file, of which those that are not served are refused. Throws PolicyError. */
export function sectionsOf(file: Located): Fields<Section> {
  refuseNullRules(file);
  const sections = fields(file, "a policy file", SECTIONS);
  for (const [name, reason] of Object.entries(UNSERVED)) refuse(sections[name as keyof typeof UNSERVED], reason);
  return sections;
}

/** The text is attacker-controlled. `people` are those of the tailnet. Throws PolicyError. */
export function parsePolicy(text: string, people: readonly Person[]): Policy {
  const sections = sectionsOf(parseHuJson(text));
  const { names, tagOwners } = readNames(sections, people);
  return {
    people,
    tagOwners,
    ...readAccess(sections.acls, sections.grants, names),
    ssh: readSsh(sections.ssh, names),
    attributes: readAttributes(sections.nodeAttrs, sections.randomizeClientPort, names),
    tests: readTests(sections.tests, names),
    sshTests: readSshTests(sections.sshTests, names),
  };
}
