/** Ports and protocols of rules. Names and numbers are those of Tailscale's documentation; numbers IANA's. */

import { PolicyError, quoted, type Position } from "./policy-error.ts";

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const ALL_PORTS: PortRange = { first: 0, last: 65_535 };

export const TCP = 6;
export const UDP = 17;
export const SCTP = 132;
/** What a rule without a protocol is about, for Go's filter: TCP, UDP and ICMP of both families. */
export const DEFAULT_PROTOCOLS: readonly number[] = [TCP, UDP, 1, 58];

const PROTOCOLS: Readonly<Record<string, readonly number[]>> = {
  icmp: [1, 58],
  igmp: [2],
  ipv4: [4],
  "ip-in-ip": [4],
  tcp: [TCP],
  egp: [8],
  igp: [9],
  udp: [UDP],
  gre: [47],
  esp: [50],
  ah: [51],
  "ipv6-icmp": [58],
  sctp: [SCTP],
};

/** Numbers of the protocol; an empty text or `*` is an empty list, which stands for the default ones. Throws PolicyError. */
export function parseProtocol(text: string, at: Position): readonly number[] {
  if (text === "") return [];
  const named = Object.hasOwn(PROTOCOLS, text) ? PROTOCOLS[text] : undefined;
  if (named !== undefined) return named;
  const number = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 256;
  if (number <= 255) return [number];
  const names = Object.keys(PROTOCOLS).join(", ");
  throw new PolicyError(`there is no protocol ${quoted(text)}: it is a number from 1 to 255, or one of ${names}`, at);
}

/** True for protocols that have ports. */
export function hasPorts(protocols: readonly number[]): boolean {
  return protocols.every((protocol) => protocol === TCP || protocol === UDP || protocol === SCTP);
}

function parsePort(text: string, at: Position): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 65_536;
  if (port === 0) throw new PolicyError('there is no port 0: "*" stands for all ports', at);
  if (port > 65_535) throw new PolicyError(`${quoted(text)} is no port: a port is a number from 1 to 65535`, at);
  return port;
}

/** Ports as `*`, `22`, `80-90` or, with commas, several of these. Throws PolicyError. */
export function parsePorts(text: string, at: Position): readonly PortRange[] {
  if (text === "*") return [ALL_PORTS];
  return text.split(",").map((part) => {
    const [first = "", last = first, ...more] = part.trim().split("-");
    const range = { first: parsePort(first, at), last: parsePort(last, at) };
    if (more.length > 0) throw new PolicyError(`${quoted(part)} is no range of ports`, at);
    if (range.first > range.last) throw new PolicyError(`the range ${quoted(part)} ends before it begins`, at);
    return range;
  });
}

/** Refuses ports for a protocol that has none. */
export function refusePorts(protocols: readonly number[], ports: readonly PortRange[], at: Position): void {
  if (protocols.length === 0 || hasPorts(protocols)) return;
  if (ports.some(({ first, last }) => first !== ALL_PORTS.first || last !== ALL_PORTS.last))
    throw new PolicyError('only TCP, UDP and SCTP have ports: for another protocol they are "*"', at);
}
