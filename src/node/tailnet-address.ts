/** Addresses of nodes inside a tailnet. Source: Go's `tsaddr.IsTailscaleIP`. */

import { BlockList, SocketAddress, isIP } from "node:net";

const ranges = new BlockList();
ranges.addSubnet("100.64.0.0", 10, "ipv4");
ranges.addSubnet("fd7a:115c:a1e0::", 48, "ipv6");
/** Used inside ChromeOS, and so never given to a node. */
const excluded = new BlockList();
excluded.addSubnet("100.115.92.0", 23, "ipv4");

function addressOf(prefix: string): string | null {
  const [address = "", bits, ...rest] = prefix.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || bits !== (version === 4 ? "32" : "128")) return null;
  const family = version === 4 ? "ipv4" : "ipv6";
  if (!ranges.check(address, family) || excluded.check(address, family)) return null;
  return new SocketAddress({ address, family }).address;
}

/** The tailnet addresses among attacker-controlled prefixes, in canonical text; other prefixes are passed over. */
export function tailnetAddresses(prefixes: readonly string[]): string[] {
  return prefixes.map(addressOf).filter((address) => address !== null);
}
