/** The admin API for names. Source: Tailscale's `/api/v2/tailnet/{tailnet}/dns/*`, as `tailscale-client-go-v2` uses it. */

import type { DnsPatch, DnsSettings } from "../durable/index.ts";
import { ShapeError, boolean, list, record, text, type Shape } from "../protocol/index.ts";
import { byOf, tailnetBodyRoute, tailnetRoute, type AdminRoute } from "./admin-route.ts";

const MOST_NAMES = 1024;
const names = list(text, MOST_NAMES);

/** Resolvers by domain; null, and an empty list, for a domain that goes. */
const splitDns: Shape<DnsSettings["splitDns"]> = (value, at) => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ShapeError(`${at}: an object expected`);
  const entries = Object.entries(value);
  if (entries.length > MOST_NAMES) throw new ShapeError(`${at}: an object of at most ${MOST_NAMES} fields expected`);
  return Object.fromEntries(entries.map(([domain, given]) => [domain, names(given, `${at}.${domain.slice(0, 64)}`)]));
};

const DNS = "/api/v2/tailnet/:tailnet/dns";

/** Reads a part of the settings, and changes it. */
function part<B>(
  path: string,
  method: "POST" | "PATCH",
  body: Shape<B>,
  patchOf: (body: B) => DnsPatch,
  format: (dns: DnsSettings) => unknown,
): AdminRoute[] {
  return [
    {
      method: "GET",
      path: `${DNS}/${path}`,
      act: "settings.read",
      handle: tailnetRoute(
        (authority) => authority.settings(),
        ({ dns }) => format(dns),
      ),
    },
    {
      method,
      path: `${DNS}/${path}`,
      act: "settings.change",
      handle: tailnetBodyRoute(body, (authority, c, given) => authority.changeDns(byOf(c), patchOf(given)), format),
    },
  ];
}

export const DNS_ROUTES: readonly AdminRoute[] = [
  ...part(
    "preferences",
    "POST",
    record({ magicDNS: boolean }),
    ({ magicDNS }) => ({ magicDNS }),
    ({ magicDNS }) => ({ magicDNS }),
  ),
  ...part(
    "nameservers",
    "POST",
    record({ dns: names }),
    ({ dns }) => ({ nameservers: dns }),
    ({ nameservers, magicDNS }) => ({ dns: nameservers, magicDNS }),
  ),
  ...part(
    "searchpaths",
    "POST",
    record({ searchPaths: names }),
    ({ searchPaths }) => ({ searchPaths }),
    ({ searchPaths }) => ({ searchPaths }),
  ),
  ...part(
    "split-dns",
    "PATCH",
    splitDns,
    (given) => ({ splitDns: given }),
    (dns) => dns.splitDns,
  ),
];
