/** What an admin does to the names of a tailnet. Everything here runs inside the caller's transaction. */

import { isAddress } from "../../protocol/index.ts";
import type { DnsSettings } from "./dns-settings.ts";
import type { By } from "../audit/events.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/**
 * What is to be changed; of `splitDns` the domains that are named, an empty list of resolvers for one that goes. With `allSplitDns` those that are not
 * named go too.
 */
export interface DnsPatch extends Partial<DnsSettings> {
  readonly allSplitDns?: true;
}

const MOST = { nameservers: 16, searchPaths: 32, domains: 128, chars: 253 };
const DOMAIN = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

function refuse(message: string): never {
  throw new ControlError("malformed_request", message);
}

function refuseDomains(domains: readonly string[], most: number): void {
  const bad = domains.find((domain) => domain.length > MOST.chars || !DOMAIN.test(domain));
  if (bad !== undefined) refuse("domains are of lower-case labels, without a dot at the end");
  if (domains.length > most) refuse(`at most ${most} domains`);
}

function refuseResolvers(resolvers: readonly string[]): void {
  if (!resolvers.every(isAddress)) refuse("resolvers are IP addresses");
  if (resolvers.length > MOST.nameservers) refuse(`at most ${MOST.nameservers} resolvers`);
}

/** Throws `malformed_request`. The settings are attacker-controlled. */
function refuseWrong({ nameservers, searchPaths, splitDns }: DnsSettings): void {
  refuseResolvers(nameservers);
  refuseDomains(searchPaths, MOST.searchPaths);
  refuseDomains(Object.keys(splitDns), MOST.domains);
  Object.values(splitDns).forEach(refuseResolvers);
}

/** Changes what the patch names: nodes are told. Throws `malformed_request`. */
export function changeDns(tailnet: Tailnet, by: By, patch: DnsPatch, now: number): DnsSettings {
  const { settings } = tailnet;
  const before = settings.dns;
  const { allSplitDns = false, ...given } = patch;
  const kept = allSplitDns ? {} : before.splitDns;
  const split = Object.entries({ ...kept, ...given.splitDns }).filter(([, list]) => list.length > 0);
  const after = { ...before, ...given, splitDns: Object.fromEntries(split) };
  refuseWrong(after);
  if (JSON.stringify(after) === JSON.stringify(before)) return before;
  tailnet.settings = { ...settings, dns: after };
  tailnet.record(by, { kind: "tailnet.settings", target: tailnet.target("DNS_CONFIG"), old: before, new: after }, now);
  tailnet.store.run("UPDATE tailnet SET dns_seq = seq");
  return after;
}
