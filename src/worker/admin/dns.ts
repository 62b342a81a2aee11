/** The admin API for names. Source: Tailscale's `/api/v2/tailnet/{tailnet}/dns/*`, as `tailscale-client-go-v2` uses it. */

import { z } from "zod";
import type { DnsPatch, DnsSettings } from "../../durable/index.ts";
import { tailnetRoute, type AdminRoute } from "./route.ts";
import { listOf, orZero } from "./shapes.ts";

const MOST_NAMES = 1024;
const names = listOf(z.string(), MOST_NAMES);

/** Resolvers by domain; null, and an empty list, for a domain that goes. */
const splitDns = z
  .record(z.string(), names)
  .refine((domains) => Object.keys(domains).length <= MOST_NAMES, { error: `at most ${MOST_NAMES} domains` });

const DNS = "/api/v2/tailnet/:tailnet/dns";

interface Part<B extends z.ZodType, A extends z.ZodType> {
  readonly path: string;
  readonly what: string;
  readonly method: "POST" | "PATCH" | "PUT";
  readonly body: B;
  readonly answer: A;
  readonly patchOf: (body: z.output<B>) => DnsPatch;
  readonly format: (dns: DnsSettings) => z.input<A>;
}

/** Changes a part of the settings. */
function change<B extends z.ZodType, A extends z.ZodType>(part: Part<B, A>): AdminRoute {
  const { path, what, method, body, answer, patchOf, format } = part;
  return tailnetRoute({
    method,
    path: `${DNS}/${path}`,
    act: "dns.change",
    summary: `Sets: ${what}`,
    body,
    answer,
    call: ({ authority, by, body: sent }) => authority.changeDns(by, patchOf(sent)),
    format,
  });
}

/** Reads a part of the settings. */
function read<A extends z.ZodType>(spec: Pick<Part<never, A>, "path" | "what" | "answer" | "format">): AdminRoute {
  const { path, what, answer, format } = spec;
  return tailnetRoute({
    method: "GET",
    path: `${DNS}/${path}`,
    act: "dns.read",
    summary: what,
    answer,
    call: ({ authority }) => authority.settings(),
    format: ({ dns }) => format(dns),
  });
}

function part<B extends z.ZodType, A extends z.ZodType>(spec: Part<B, A>): AdminRoute[] {
  return [read(spec), change(spec)];
}

const someNames = z.array(z.string());

const split = {
  path: "split-dns",
  body: splitDns,
  answer: z.record(z.string(), someNames),
  format: (dns: DnsSettings) =>
    Object.fromEntries(Object.entries(dns.splitDns).map(([domain, resolvers]) => [domain, [...resolvers]])),
};

const resolver = z.object({
  address: z.string(),
  useWithExitNode: orZero(z.literal(false, { error: "there are no exit nodes here" }), false),
});
const resolvers = listOf(resolver, MOST_NAMES);
/** `overrideLocalDNS` follows from whether there are resolvers for all names: it is shown, and passed over where it is sent. */
const configuration = z.object({
  nameservers: resolvers,
  splitDNS: orZero(z.record(z.string(), resolvers), {}),
  searchPaths: names,
  preferences: orZero(z.object({ magicDNS: orZero(z.boolean(), false) }), { magicDNS: false }),
});

const shownResolver = z.object({ address: z.string(), useWithExitNode: z.boolean() }).meta({ id: "Resolver" });
const wholeConfiguration = z
  .object({
    nameservers: z.array(shownResolver),
    splitDNS: z.record(z.string(), z.array(shownResolver)),
    searchPaths: someNames,
    preferences: z.object({ overrideLocalDNS: z.boolean(), magicDNS: z.boolean() }),
  })
  .meta({ id: "DnsConfiguration" });

function patchOfConfiguration(given: z.output<typeof configuration>): DnsPatch {
  const addresses = (list: readonly { readonly address: string }[]): string[] => list.map(({ address }) => address);
  const domains = Object.entries(given.splitDNS).map(([domain, list]) => [domain, addresses(list)]);
  return {
    magicDNS: given.preferences.magicDNS,
    nameservers: addresses(given.nameservers),
    searchPaths: given.searchPaths,
    splitDns: Object.fromEntries(domains) as Record<string, string[]>,
    allSplitDns: true,
  };
}

function configurationJson({ nameservers, splitDns: domains, searchPaths, magicDNS }: DnsSettings) {
  const shown = (list: readonly string[]) => list.map((address) => ({ address, useWithExitNode: false }));
  return {
    nameservers: shown(nameservers),
    splitDNS: Object.fromEntries(Object.entries(domains).map(([domain, list]) => [domain, shown(list)])),
    searchPaths: [...searchPaths],
    preferences: { overrideLocalDNS: nameservers.length > 0, magicDNS },
  };
}

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
  // Tailscale's client takes lists alone of what it reads.
  read({
    path: "nameservers",
    what: "resolvers of the whole tailnet",
    answer: z.object({ dns: someNames }),
    format: ({ nameservers }) => ({ dns: [...nameservers] }),
  }),
  change({
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
  ...part({ ...split, method: "PATCH", what: "resolvers of some domains", patchOf: (given) => ({ splitDns: given }) }),
  change({
    ...split,
    method: "PUT",
    what: "resolvers of these domains, and of no others",
    patchOf: (given) => ({ splitDns: given, allSplitDns: true }),
  }),
  ...part({
    path: "configuration",
    what: "all of it",
    method: "POST",
    body: configuration,
    answer: wholeConfiguration,
    patchOf: patchOfConfiguration,
    format: configurationJson,
  }),
];
