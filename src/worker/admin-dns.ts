/** The admin API for names. Source: Tailscale's `/api/v2/tailnet/{tailnet}/dns/*`, as `tailscale-client-go-v2` uses it. */

import { z } from "zod";
import type { DnsPatch, DnsSettings } from "../durable/index.ts";
import { tailnetRoute, type AdminRoute } from "./admin-route.ts";
import { listOf } from "./admin-shapes.ts";

const MOST_NAMES = 1024;
const names = listOf(z.string(), MOST_NAMES);

/** Resolvers by domain; null, and an empty list, for a domain that goes. */
const splitDns = z
  .record(z.string(), names)
  .refine((domains) => Object.keys(domains).length <= MOST_NAMES, { error: `at most ${MOST_NAMES} domains` });

const DNS = "/api/v2/tailnet/:tailnet/dns";

/** Reads a part of the settings, and changes it. */
function part<B extends z.ZodType, A extends z.ZodType>(spec: {
  readonly path: string;
  readonly what: string;
  readonly method: "POST" | "PATCH";
  readonly body: B;
  readonly answer: A;
  readonly patchOf: (body: z.output<B>) => DnsPatch;
  readonly format: (dns: DnsSettings) => z.input<A>;
}): AdminRoute[] {
  const { path, what, method, body, answer, patchOf, format } = spec;
  return [
    tailnetRoute({
      method: "GET",
      path: `${DNS}/${path}`,
      act: "dns.read",
      summary: what,
      answer,
      call: ({ authority }) => authority.settings(),
      format: ({ dns }) => format(dns),
    }),
    tailnetRoute({
      method,
      path: `${DNS}/${path}`,
      act: "dns.change",
      summary: `Sets: ${what}`,
      body,
      answer,
      call: ({ authority, by, body: sent }) => authority.changeDns(by, patchOf(sent)),
      format,
    }),
  ];
}

const someNames = z.array(z.string());

export const DNS_ROUTES: readonly AdminRoute[] = [
  ...part({
    path: "preferences",
    what: "whether devices have names",
    method: "POST",
    body: z.object({ magicDNS: z.boolean() }),
    answer: z.object({ magicDNS: z.boolean() }),
    patchOf: ({ magicDNS }) => ({ magicDNS }),
    format: ({ magicDNS }) => ({ magicDNS }),
  }),
  ...part({
    path: "nameservers",
    what: "resolvers of the whole tailnet",
    method: "POST",
    body: z.object({ dns: names }),
    answer: z.object({ dns: someNames, magicDNS: z.boolean() }),
    patchOf: ({ dns }) => ({ nameservers: dns }),
    format: ({ nameservers, magicDNS }) => ({ dns: [...nameservers], magicDNS }),
  }),
  ...part({
    path: "searchpaths",
    what: "domains that are searched",
    method: "POST",
    body: z.object({ searchPaths: names }),
    answer: z.object({ searchPaths: someNames }),
    patchOf: ({ searchPaths }) => ({ searchPaths }),
    format: ({ searchPaths }) => ({ searchPaths: [...searchPaths] }),
  }),
  ...part({
    path: "split-dns",
    what: "resolvers of some domains",
    method: "PATCH",
    body: splitDns,
    answer: z.record(z.string(), someNames),
    patchOf: (given) => ({ splitDns: given }),
    format: (dns) =>
      Object.fromEntries(Object.entries(dns.splitDns).map(([domain, resolvers]) => [domain, [...resolvers]])),
  }),
];
