/**
 * The rules of a policy as packet filters. Source of the form: Go's `tailcfg.FilterRule`, and `wgengine/filter` for what clients make of it.
 *
 * Rule [F8]: a device gets the rules that have it as a destination, with its own addresses in them; nobody else's devices are told of.
 * Rule [F16]: what a device is given is bounded by the number of devices; a policy that would give more is refused where it is set, and where devices that came
 *            later make it so, allows nothing.
 */

import { compareRanges, formatRange, merged, parseAddress, type Range } from "./addresses.ts";
import { standsFor, type PolicyNode, type Subject } from "./matching.ts";
import type { AppGrant, Destination, Policy, Rule, Selector } from "./policy.ts";
import { ALL_PORTS, type PortRange } from "./ports.ts";

/** Public addresses: neither private, shared, loopback, link-local nor multicast. */
const INTERNET: readonly string[] = [
  "0.0.0.0/5 8.0.0.0/7 11.0.0.0/8 12.0.0.0/6 16.0.0.0/4 32.0.0.0/3 64.0.0.0/3 96.0.0.0/6 100.0.0.0/10",
  "100.128.0.0/9 101.0.0.0/8 102.0.0.0/7 104.0.0.0/5 112.0.0.0/5 120.0.0.0/6 124.0.0.0/7 126.0.0.0/8 128.0.0.0/3",
  "160.0.0.0/5 168.0.0.0/8 169.0.0.0/9 169.128.0.0/10 169.192.0.0/11 169.224.0.0/12 169.240.0.0/13 169.248.0.0/14",
  "169.252.0.0/15 169.255.0.0/16 170.0.0.0/7 172.0.0.0/12 172.32.0.0/11 172.64.0.0/10 172.128.0.0/9 173.0.0.0/8",
  "174.0.0.0/7 176.0.0.0/4 192.0.0.0/9 192.128.0.0/11 192.160.0.0/13 192.169.0.0/16 192.170.0.0/15 192.172.0.0/14",
  "192.176.0.0/12 192.192.0.0/10 193.0.0.0/8 194.0.0.0/7 196.0.0.0/6 200.0.0.0/5 208.0.0.0/4 2000::/3",
].flatMap((line) => line.split(" "));

/** Characters of a destination with a port, and of what stands around a source, about. */
const DESTINATION_CHARS = 60;
const SOURCE_CHARS = 3;

/** A device, with what is asked of it again and again. */
export interface Viewer {
  readonly node: PolicyNode;
  readonly subject: Subject;
}

interface FilterRule {
  readonly SrcIPs: readonly string[];
  readonly DstPorts: readonly object[];
}

export class FilterCompiler {
  readonly #policy: Policy;
  readonly #chars = new WeakMap<readonly string[], number>();
  readonly #nodes: readonly Viewer[];
  /** Addresses of all of them, in order: sorted once for all rules. */
  readonly #sorted: readonly { readonly viewer: Viewer; readonly text: string; readonly range: Range }[];
  /** Texts of sources, by their rule, and for `autogroup:self` by the user too. */
  readonly #known = new Map<readonly Selector[], Map<string, readonly string[]>>();

  constructor(policy: Policy, nodes: readonly Viewer[]) {
    this.#policy = policy;
    this.#nodes = nodes;
    this.#sorted = nodes
      .flatMap((viewer) =>
        viewer.node.addresses.flatMap((text) => {
          const range = parseAddress(text);
          return range === null ? [] : [{ viewer, text, range }];
        }),
      )
      .sort((a, b) => compareRanges(a.range, b.range));
  }

  /** The addresses of those who are meant, in order; neighbours as one range. */
  #addresses(isMeant: (viewer: Viewer) => boolean): string[] {
    const meant = new Set(this.#nodes.filter(isMeant));
    const runs: { first: string; last: string; next: bigint; family: 4 | 6 }[] = [];
    for (const { viewer, text, range } of this.#sorted) {
      if (!meant.has(viewer)) continue;
      const run = runs.at(-1);
      if (run?.family === range.family && run.next === range.first) {
        run.last = text;
        run.next = range.last + 1n;
      } else runs.push({ first: text, last: text, next: range.last + 1n, family: range.family });
    }
    return runs.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
  }

  /** All whom the sources stand for, whoever is asked; `user` narrows them to the devices of one. */
  #sources(sources: readonly Selector[], user: string | null): readonly string[] {
    const ofRule = this.#known.get(sources) ?? new Map<string, readonly string[]>();
    this.#known.set(sources, ofRule);
    const known = ofRule.get(user ?? "");
    if (known !== undefined) return known;
    const made = this.#makeSources(sources, user);
    ofRule.set(user ?? "", made);
    return made;
  }

  #makeSources(sources: readonly Selector[], user: string | null): readonly string[] {
    const isMeant = ({ node, subject }: Viewer): boolean =>
      (user === null || node.user === user) && sources.some((selector) => standsFor(selector, subject, this.#policy));
    if (user !== null) return this.#addresses(isMeant);
    if (sources.some(({ kind }) => kind === "all")) return ["*"];
    // Addresses are what they are, whether a device has them or not.
    const ranges = sources.flatMap((selector) => (selector.kind === "range" ? [selector.range] : []));
    const named = sources.filter(({ kind }) => kind !== "range");
    const addresses = this.#addresses(({ subject }) =>
      named.some((selector) => standsFor(selector, subject, this.#policy)),
    );
    return [...new Set([...merged(ranges).map(formatRange), ...addresses])];
  }

  /** Devices of other tailnets with which the viewer was shared. */
  #sharees(viewer: PolicyNode): string[] {
    return this.#addresses(({ node }) => node.sharedWith?.includes(viewer.id) === true);
  }

  /** Sources as a rule of the viewer's has them. */
  sourcesFor(sources: readonly Selector[], { node }: Viewer, self: boolean): readonly string[] {
    if (self) return this.#sources(sources, node.user ?? "");
    const all = this.#sources(sources, null);
    const isShared = all[0] !== "*" && sources.some(({ kind }) => kind === "shared");
    return isShared ? [...new Set([...all, ...this.#sharees(node)])] : all;
  }

  /** The viewer's part of a destination, as addresses and prefixes; empty where it is none. */
  targetsOf(selector: Selector, { node, subject }: Viewer): readonly string[] {
    if (selector.kind === "self") return node.user === null ? [] : node.addresses;
    if (!standsFor(selector, subject, this.#policy)) return [];
    if (selector.kind === "all") return ["*"];
    if (selector.kind === "range") return [formatPrefix(selector)];
    return selector.kind === "internet" ? INTERNET : node.addresses;
  }

  #ports(destinations: readonly Destination[], viewer: Viewer): object[] {
    return destinations.flatMap(({ selector, ports }) =>
      this.targetsOf(selector, viewer).flatMap((IP) => ports.map((range) => ({ IP, Ports: portsJson(range) }))),
    );
  }

  #rulesOf({ sources, destinations, protocols }: Rule, viewer: Viewer): FilterRule[] {
    return [true, false].flatMap((self) => {
      const meant = destinations.filter(({ selector }) => (selector.kind === "self") === self);
      const DstPorts = this.#ports(meant, viewer);
      if (DstPorts.length === 0) return [];
      const SrcIPs = this.sourcesFor(sources, viewer, self);
      if (SrcIPs.length === 0) return [];
      return [{ SrcIPs, DstPorts, ...(protocols.length === 0 ? {} : { IPProto: protocols }) }];
    });
  }

  #appsOf({ sources, destinations, capabilities }: AppGrant, viewer: Viewer): object[] {
    return [true, false].flatMap((self) => {
      const meant = destinations.filter(({ kind }) => (kind === "self") === self);
      // A capability is used on the device itself: its own addresses are meant, whatever stands for them.
      if (!meant.some((selector) => this.targetsOf(selector, viewer).length > 0)) return [];
      const SrcIPs = this.sourcesFor(sources, viewer, self);
      if (SrcIPs.length === 0) return [];
      const Dsts = viewer.node.addresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`);
      const CapMap = Object.fromEntries([...capabilities].map(([name, json]) => [name, JSON.parse(json) as unknown]));
      return [{ SrcIPs, CapGrant: [{ Dsts, CapMap }] }];
    });
  }

  /** Characters of the same list, counted once. */
  #charsOf(sources: readonly string[]): number {
    const known = this.#chars.get(sources);
    if (known !== undefined) return known;
    const counted = sources.reduce((sum, source) => sum + source.length + SOURCE_CHARS, 0);
    this.#chars.set(sources, counted);
    return counted;
  }

  /** The filter of one device; null where it has more than `most` characters, about [F16]. */
  filterOf(viewer: Viewer, most: number): readonly object[] | null {
    const filter: object[] = [];
    let chars = 0;
    for (const rule of this.#policy.rules ?? [ALLOW_ALL])
      for (const made of this.#rulesOf(rule, viewer)) {
        chars += this.#charsOf(made.SrcIPs) + made.DstPorts.length * DESTINATION_CHARS;
        if (chars > most) return null;
        filter.push(made);
      }
    return [...filter, ...this.#policy.apps.flatMap((app) => this.#appsOf(app, viewer))];
  }
}

export const ALLOW_ALL: Rule = {
  sources: [{ kind: "all" }],
  destinations: [{ selector: { kind: "all" }, ports: [ALL_PORTS] }],
  protocols: [],
};

function portsJson({ first, last }: PortRange): object {
  return { First: first, Last: last };
}

function formatPrefix({ range }: { readonly range: Range }): string {
  return formatRange(range);
}
