/**
 * Where the Worker may send what an admin has configured: webhooks, the log. Attacker-controlled: whoever may configure that would otherwise reach, from
 * inside, what they cannot reach from outside.
 *
 * Rule [W31]: an address is `https:`, with no user in it, and names a public host: no address of a private, shared, loopback, link-local, metadata,
 *            multicast or reserved network in any spelling, and no name that is local by its form. What is not known to be public is refused.
 */

import { overlaps, parseAddress, parsePrefix } from "../../policy/index.ts";

/** Characters of an address. */
export const MAX_URL_CHARS = 2048;

/** Networks of IPv4 that are not the internet's (IANA's special-purpose registry), and the address of Azure's metadata service. */
const CLOSED_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];
/** The one network of IPv6 that is the internet's. IPv4 in IPv6's clothes, unique local and link-local addresses are outside of it. */
const OPEN_V6 = "2000::/3";
/** What is special inside: protocol assignments (Teredo among them), documentation, 6to4, documentation again. */
const CLOSED_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

const LOOPBACK = ["127.0.0.0/8", "::1/128"];

/** Names that are local by their form: the last label. */
const LOCAL_NAMES: ReadonlySet<string> = new Set([
  "localhost",
  "local",
  "localdomain",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "arpa",
  "onion",
  "alt",
]);

const FIRST_FREE_PORT = 1024;

type Range = NonNullable<ReturnType<typeof parsePrefix>>;

function rangesOf(prefixes: readonly string[]): Range[] {
  return prefixes.map((prefix) => {
    const range = parsePrefix(prefix);
    if (range === null) throw new Error(`${prefix} is no prefix`);
    return range;
  });
}

const CLOSED = rangesOf([...CLOSED_V4, ...CLOSED_V6]);
const OPEN = rangesOf([OPEN_V6]);
const OWN = rangesOf(LOOPBACK);

function isIn(ranges: readonly Range[], address: Range): boolean {
  return ranges.some((range) => overlaps(range, address));
}

/** True if the text is an address of the public internet [W31]. */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === null || isIn(CLOSED, address)) return false;
  return address.family === 4 || isIn(OPEN, address);
}

/** True for an address of this machine. */
function isLoopbackAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== null && isIn(OWN, address);
}

/** The host of a URL: an address without brackets, or a name without the dot at its end. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}

/** True for a host that is an address and no name. */
export function isAddressText(host: string): boolean {
  return parseAddress(host) !== null;
}

/** True for this machine by name or address: nothing is looked up. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || isLoopbackAddress(host);
}

function isLocalName(host: string): boolean {
  const labels = host.split(".");
  return labels.length < 2 || LOCAL_NAMES.has(labels.at(-1) ?? "");
}

/** What is wrong with the host, by what it says alone, or null. */
function refusedHost(host: string): string | null {
  if (isAddressText(host))
    return isPublicAddress(host) ? null : `${host} is not an address of the public internet, and nothing is sent there`;
  // A name all of digits could be an address in a spelling that somebody else knows.
  if (isLocalName(host) || /^[0-9.]+$/.test(host)) return `${host} is not a name of the public internet`;
  return null;
}

function refusedPort({ port }: URL): string | null {
  return port === "" || Number(port) >= FIRST_FREE_PORT
    ? null
    : `port ${port}: only 443, or one from 1024 on, is sent to`;
}

/**
 * Why nothing is sent to that URL, in words for people, or null where something may be. `allowLoopback`: this machine is as good as the internet,
 * and without TLS too: for a local start.
 */
export function refusedUrl(text: string, allowLoopback: boolean): string | null {
  if (text.length > MAX_URL_CHARS) return `the address is longer than ${MAX_URL_CHARS} characters`;
  // A parser passes over white space and controls: what is stored is what is sent to.
  if (!URL.canParse(text) || /[\s\p{Cc}]/u.test(text)) return "the address is no URL";
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return "the address has a user or a password in it";
  if (allowLoopback && isLoopbackHost(hostOf(url)) && ["http:", "https:"].includes(url.protocol)) return null;
  if (url.protocol !== "https:") return "the address is not https";
  return refusedHost(hostOf(url)) ?? refusedPort(url);
}
