/** What the nodes of a tailnet resolve names by. Source: Tailscale's `/api/v2/tailnet/{tailnet}/dns/*`. */

export interface DnsSettings {
  /** Nodes resolve one another's names, and short ones within the tailnet. */
  readonly magicDNS: boolean;
  /** Addresses of resolvers for all names; none leaves a node to its own. */
  readonly nameservers: readonly string[];
  /** Domains that are tried with short names, after the tailnet's own. */
  readonly searchPaths: readonly string[];
  /** Resolvers for the names under a domain. */
  readonly splitDns: Readonly<Record<string, readonly string[]>>;
}

export const DEFAULT_DNS: DnsSettings = { magicDNS: true, nameservers: [], searchPaths: [], splitDns: {} };

function resolvers(addresses: readonly string[]): object[] {
  return addresses.map((Addr) => ({ Addr }));
}

/** Go's `tailcfg.DNSConfig` as JSON, of a tailnet with that domain. */
export function dnsConfigJson(domain: string, dns: DnsSettings): string {
  const { magicDNS, nameservers, searchPaths, splitDns } = dns;
  const routes = Object.entries(splitDns).map(([name, addresses]) => [name, resolvers(addresses)]);
  const domains = [...(magicDNS ? [domain] : []), ...searchPaths];
  return JSON.stringify({
    ...(nameservers.length === 0 ? {} : { Resolvers: resolvers(nameservers) }),
    ...(routes.length === 0 ? {} : { Routes: Object.fromEntries(routes) as object }),
    ...(domains.length === 0 ? {} : { Domains: domains }),
    ...(magicDNS ? { Proxied: true } : {}),
  });
}
