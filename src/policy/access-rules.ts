/**
 * `acls` and `grants`: who reaches what.
 *
 * Rule [F11]: a file with neither section allows all, as at Tailscale; with one of them, and be it empty, nothing is allowed that no entry allows.
 */

import type { Located } from "./hujson.ts";
import { plain } from "./hujson.ts";
import { MAX_APP_CHARS, MAX_RULES } from "./limits.ts";
import { PolicyError, quoted, type Position } from "./policy-error.ts";
import type { AppGrant, Capabilities, Destination, Rule, Selector } from "./policy.ts";
import { ALL_PORTS, parsePorts, parseProtocol, refusePorts, type PortRange } from "./ports.ts";
import { fields, list, object, optionalText, refuse, texts, type Text } from "./reading.ts";
import { parseSelector, splitPorts, type Names } from "./selectors.ts";

function sourceOf(source: Text, names: Names): Selector {
  const selector = parseSelector(source, names);
  if (selector.kind === "self" || selector.kind === "internet")
    throw new PolicyError(`${quoted(source.value)} is a destination, and no source`, source.at);
  return selector;
}

/** Sources that `autogroup:self` goes with: those that are people, of whom each is led to devices of their own. `acls` take `*` for them too. */
function isOfPeople({ kind }: Selector): boolean {
  return kind === "user" || kind === "group" || kind === "role";
}

function destinationOf(name: Text, names: Names, sources: readonly Selector[], isAcl: boolean): Selector {
  const selector = parseSelector(name, names);
  if (selector.kind === "shared")
    throw new PolicyError(`${quoted(name.value)} is a source, and no destination`, name.at);
  if (selector.kind === "self" && !sources.every((one) => isOfPeople(one) || (isAcl && one.kind === "all")))
    throw new PolicyError(
      `autogroup:self goes with sources that are people: ${isAcl ? "*, " : ""}users, groups, autogroup:member`,
      name.at,
    );
  if (selector.kind === "range" && selector.range.first === 0n && selector.text.endsWith("/0"))
    throw new PolicyError(`for all addresses write "*" or "autogroup:internet", not ${quoted(name.value)}`, name.at);
  return selector;
}

/** One of two names of a field, of which Tailscale takes the older one too. */
function either(field: Located | null, older: Located | null, name: string): Located | null {
  if (field !== null && older !== null) throw new PolicyError(`${name} is there by its older name too`, older.at);
  return field ?? older;
}

function aclOf(entry: Located, names: Names): Rule {
  const acl = fields(entry, "an entry of acls", ["action", "src", "dst", "proto", "users", "ports", "srcPosture"]);
  const action = optionalText(acl.action, "action");
  if (action?.value !== "accept")
    throw new PolicyError(
      'the action of an entry of acls is "accept": what no entry allows is denied',
      action?.at ?? acl.at,
    );
  refuse(acl.srcPosture, "device posture");
  const proto = optionalText(acl.proto, "proto");
  const protocols = proto === null ? [] : parseProtocol(proto.value, proto.at);
  const sources = texts(either(acl.src, acl.users, "src"), "src").map((source) => sourceOf(source, names));
  const destinations = texts(either(acl.dst, acl.ports, "dst"), "dst").map((target): Destination => {
    const [name, text] = splitPorts(target);
    const ports = parsePorts(text, target.at);
    refusePorts(protocols, ports, target.at);
    return { selector: destinationOf({ value: name, at: target.at }, names, sources, true), ports };
  });
  return { sources, destinations, protocols };
}

/** An entry of a grant's `ip`: `*`, `443`, `tcp:443`, `icmp:*`. */
function ipOf({ value, at }: Text): { readonly protocols: readonly number[]; readonly ports: readonly PortRange[] } {
  const cut = value.indexOf(":");
  const protocols = cut < 0 ? [] : parseProtocol(value.slice(0, cut), at);
  const ports = parsePorts(value.slice(cut + 1), at);
  refusePorts(protocols, ports, at);
  return { protocols, ports };
}

/** Ports by protocols, each set of protocols once. */
function byProtocols(
  entries: readonly Text[],
): (readonly [protocols: readonly number[], ports: readonly PortRange[]])[] {
  const sets = new Map<string, readonly [readonly number[], PortRange[]]>();
  for (const entry of entries) {
    const { protocols, ports } = ipOf(entry);
    const set = sets.get(protocols.join()) ?? ([protocols, []] as const);
    set[1].push(...ports);
    sets.set(protocols.join(), set);
  }
  return [...sets.values()].map(([protocols, ports]) => [
    protocols,
    ports.some((one) => one === ALL_PORTS) ? [ALL_PORTS] : ports,
  ]);
}

const CAPABILITY = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\/[^\s]+$/i;
/** Names in Tailscale's own domain that its documentation tells people to grant. */
const TAILSCALE_CAPABILITIES = [
  "drive",
  "kubernetes",
  "relay",
  "webui",
  "golink",
  "tsidp",
  "setec",
  "secrets",
  "aperture",
];

function refuseBadCapability(name: string, at: Position): void {
  if (!CAPABILITY.test(name) || name.includes("://"))
    throw new PolicyError(`${quoted(name)}: a capability is domain/path`, at);
  const own = /^tailscale\.com\/cap\/(.*)$/i.exec(name)?.[1];
  if (/^(.*\.)?tailscale\.com\//i.test(name) && !TAILSCALE_CAPABILITIES.includes(own ?? ""))
    throw new PolicyError(`${quoted(name)} is a name of Tailscale's own, and cannot be granted`, at);
}

function capabilitiesOf(app: Located | null): Capabilities {
  const capabilities = new Map<string, string>();
  for (const { name, at, value } of app === null ? [] : object(app, "app")) {
    refuseBadCapability(name, at);
    const values = list(value, quoted(name)).map((item) => plain(item));
    const json = JSON.stringify(values);
    if (json.length > MAX_APP_CHARS)
      throw new PolicyError(`${quoted(name)} has more than ${MAX_APP_CHARS} characters`, at);
    capabilities.set(name, json);
  }
  return capabilities;
}

function grantOf(entry: Located, names: Names): { readonly rules: readonly Rule[]; readonly app: AppGrant | null } {
  const grant = fields(entry, "an entry of grants", ["src", "dst", "ip", "app", "srcPosture", "via"]);
  refuse(grant.srcPosture, "device posture");
  refuse(grant.via, "routing by via");
  const ip = texts(grant.ip, "ip");
  const capabilities = capabilitiesOf(grant.app);
  if (ip.length === 0 && capabilities.size === 0) throw new PolicyError("a grant has ip or app, or both", grant.at);
  const sources = texts(grant.src, "src").map((source) => sourceOf(source, names));
  const destinations = texts(grant.dst, "dst").map((target) => destinationOf(target, names, sources, false));
  if (capabilities.size > 0 && destinations.some(({ kind }) => kind === "internet"))
    throw new PolicyError("autogroup:internet takes no app", grant.at);
  const rules = byProtocols(ip).map(([protocols, ports]) => ({
    sources,
    destinations: destinations.map((selector) => ({ selector, ports })),
    protocols,
  }));
  return { rules, app: capabilities.size === 0 ? null : { sources, destinations, capabilities } };
}

/** All rules of both sections; null rules where there is neither. Throws PolicyError. */
export function readAccess(
  acls: Located | null,
  grants: Located | null,
  names: Names,
): { rules: readonly Rule[] | null; apps: readonly AppGrant[] } {
  const listed = list(acls, "acls", MAX_RULES).map((entry) => aclOf(entry, names));
  const granted = list(grants, "grants", MAX_RULES).map((entry) => grantOf(entry, names));
  return {
    rules: acls === null && grants === null ? null : [...listed, ...granted.flatMap(({ rules }) => rules)],
    apps: granted.flatMap(({ app }) => (app === null ? [] : [app])),
  };
}
