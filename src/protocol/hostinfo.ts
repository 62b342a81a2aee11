/**
 * What a node says of its host. Source: Go's `tailcfg.Hostinfo`, of which this is the part that is kept, or told to peers; the rest is passed over.
 * All of it is attacker-controlled.
 */

import { boolean, integer, list, optional, record, text, withDefault, type ShapeOf } from "./shape.ts";

/** More than any host has; of these, fewer are kept (durable/nodes/node-facts.ts). */
const MOST = { services: 4096, keys: 256, routes: 4096, tags: 64 };

const service = record({
  /** "tcp", "udp", or one of Tailscale's own: "peerapi4", "peerapi6", "peerapi-dns-proxy". */
  Proto: withDefault(text, ""),
  Port: withDefault(integer, 0),
  Description: withDefault(text, ""),
});

/** Go's `tailcfg.NetInfo`: what it says of the node's home, 0 where it has none or does not know. */
const netInfo = record({ PreferredDERP: withDefault(integer, 0) });

export const hostinfoFields = {
  Hostname: withDefault(text, ""),
  OS: withDefault(text, ""),
  IPNVersion: withDefault(text, ""),
  OSVersion: withDefault(text, ""),
  Distro: withDefault(text, ""),
  DistroVersion: withDefault(text, ""),
  DeviceModel: withDefault(text, ""),
  /** The name of the program, where it is one with a client built in. */
  App: withDefault(text, ""),
  /** True where it lets nobody in. */
  ShieldsUp: withDefault(boolean, false),
  /** Where peers reach the node's own small API, among others. */
  Services: list(service, MOST.services),
  /** Prefixes that it would route. */
  RoutableIPs: list(text, MOST.routes),
  /** Tags of `--advertise-tags`. */
  RequestTags: list(text, MOST.tags),
  /** Lines of an `authorized_keys` kind, of a node that serves Tailscale SSH. */
  sshHostKeys: list(text, MOST.keys),
  /** True where it would relay for others. */
  PeerRelay: withDefault(boolean, false),
  AppConnector: withDefault(boolean, false),
  /** True on a peer that is there only because one of our nodes is shared with it. */
  ShareeNode: withDefault(boolean, false),
};

export const hostinfo = record({ ...hostinfoFields, NetInfo: optional(netInfo) });

/** The same as peers are told it. */
export const shownHostinfo = record(hostinfoFields);

export type Hostinfo = ShapeOf<typeof hostinfo>;
export type ShownHostinfo = ShapeOf<typeof shownHostinfo>;

/** What is known of a host of which nothing was said. */
export const NO_HOSTINFO: Hostinfo = hostinfo({}, "Hostinfo");
