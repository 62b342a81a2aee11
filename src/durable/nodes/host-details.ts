/**
 * What a node says of its host and its whereabouts, beyond what stands on the record. Attacker-controlled, and decoded by all of its peers: it is cut
 * to what is kept, and what Go would not read is left out.
 */

import { NO_HOSTINFO, isAddressPort, isPrefix, type Hostinfo, type MapRequest } from "../../protocol/index.ts";
import { kept } from "./node-facts.ts";

/** Characters kept of one SSH host key: RSA of 4,096 bits takes some 720. */
const MAX_KEY_CHARS = 1024;
const MOST = { services: 8, keys: 8, routes: 128, endpoints: 32 };
const MOST_PORT = 65_535;
/** The greatest DERP region that is believed. */
export const MOST_REGION = 65_535;
const NO_DISCO_KEY = `discokey:${"0".repeat(64)}`;

/** As in a host's Hostinfo. */
export type HostDetails = Pick<
  Hostinfo,
  | "OSVersion"
  | "Distro"
  | "DistroVersion"
  | "DeviceModel"
  | "App"
  | "ShieldsUp"
  | "Services"
  | "RoutableIPs"
  | "sshHostKeys"
  | "PeerRelay"
  | "AppConnector"
>;

/** Where a node can be reached. */
export interface Whereabouts {
  /** `discokey:…`, or empty where it has none. */
  readonly discoKey: string;
  /** Addresses with ports, in the node's order. */
  readonly endpoints: readonly string[];
  /** The DERP region that it is to be found at, or 0. */
  readonly homeDerp: number;
}

/** Only the services of the node's own API: peers ask for no others. */
function servicesOf({ Services }: Hostinfo): HostDetails["Services"] {
  return Services.filter(({ Proto, Port }) => Proto.startsWith("peerapi") && Port >= 0 && Port <= MOST_PORT)
    .slice(0, MOST.services)
    .map(({ Proto, Port, Description }) => ({ Proto: kept(Proto), Port, Description: kept(Description) }));
}

/** What is kept of a host. */
export function detailsOf(host: Hostinfo): HostDetails {
  const { ShieldsUp, PeerRelay, AppConnector, RoutableIPs, sshHostKeys } = host;
  return {
    OSVersion: kept(host.OSVersion),
    Distro: kept(host.Distro),
    DistroVersion: kept(host.DistroVersion),
    DeviceModel: kept(host.DeviceModel),
    App: kept(host.App),
    ShieldsUp,
    Services: servicesOf(host),
    RoutableIPs: RoutableIPs.filter(isPrefix).slice(0, MOST.routes),
    sshHostKeys: sshHostKeys
      .filter((key) => key.length <= MAX_KEY_CHARS)
      .slice(0, MOST.keys)
      .map((key) => key.toWellFormed()),
    PeerRelay,
    AppConnector,
  };
}

/** Of a node that has said nothing of it. */
export const NO_DETAILS: HostDetails = detailsOf(NO_HOSTINFO);
export const NOWHERE: Whereabouts = { discoKey: "", endpoints: [], homeDerp: 0 };

function regionOf(request: MapRequest, known: number): number {
  const region = request.Hostinfo?.NetInfo?.PreferredDERP ?? known;
  return region >= 0 && region <= MOST_REGION ? region : known;
}

/** Where a node says that it is; what it said before where it says nothing of it, as agents do, which have no such key. */
export function whereaboutsOf(request: MapRequest, known: Whereabouts): Whereabouts {
  const { DiscoKey, Endpoints } = request;
  if (DiscoKey === "") return known;
  return {
    discoKey: DiscoKey === NO_DISCO_KEY ? known.discoKey : DiscoKey,
    endpoints: Endpoints.filter(isAddressPort).slice(0, MOST.endpoints),
    homeDerp: regionOf(request, known.homeDerp),
  };
}
