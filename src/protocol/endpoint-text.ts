/**
 * Texts of addresses as Go's `netip` reads them. What one node says of itself is decoded by all of its peers, and one text that Go refuses would
 * cost every one of them its whole map: so only what is sure to be read is passed on. Zones, which Go takes, are not: they mean nothing elsewhere.
 */

/** Characters of the longest text there is: an IPv6 address in brackets with a port. */
const MOST_CHARS = 64;
const MOST_PORT = 65_535;

function isV4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** Groups of 16 bits in one half of an address, or null where it is malformed. `isLast`: an IPv4 address may stand at its end. */
function groupsIn(half: string, isLast: boolean): number | null {
  if (half === "") return 0;
  const parts = half.split(":");
  const v4 = isLast && isV4(parts.at(-1) ?? "") ? 1 : 0;
  const isHex = parts.slice(0, parts.length - v4).every((part) => /^[0-9a-fA-F]{1,4}$/.test(part));
  return isHex ? parts.length + v4 : null;
}

function isV6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const head = groupsIn(halves[0] ?? "", halves.length === 1);
  const tail = groupsIn(halves[1] ?? "", true);
  if (head === null || tail === null) return false;
  return halves.length === 1 ? head === 8 : head + tail < 8;
}

/** True for an address. The text is attacker-controlled. */
export function isAddress(text: string): boolean {
  return text.length <= MOST_CHARS && (isV4(text) || isV6(text));
}

/** True for an address with a port, as `192.0.2.1:41641` or `[2001:db8::1]:41641`. The text is attacker-controlled. */
export function isAddressPort(text: string): boolean {
  if (text.length > MOST_CHARS) return false;
  const [, v6, v4, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([1-9]\d{0,4})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > MOST_PORT) return false;
  return v6 === undefined ? isV4(v4 ?? "") : isV6(v6);
}

/** True for a prefix, as `10.0.0.0/8`. The text is attacker-controlled. */
export function isPrefix(text: string): boolean {
  if (text.length > MOST_CHARS) return false;
  const [, address = "", length = ""] = /^([0-9a-fA-F:.]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  return isV4(address) ? Number(length) <= 32 : isV6(address) && Number(length) <= 128;
}
