/** IP addresses and prefixes as numbers. Texts are those that Go's `netip` takes; what is written is canonical (RFC 5952). */

export interface Range {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

const BITS = { 4: 32, 6: 128 } as const;

function parseV4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

/** Groups of 16 bits, the last two of which may be written as an IPv4 address. */
function groupsOf(text: string): bigint[] | null {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    const v4 = part.includes(".") && i === parts.length - 1 ? parseV4(part) : null;
    if (v4 !== null) groups.push(v4 >> 16n, v4 & 0xffffn);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`));
    else return null;
  }
  return groups;
}

function parseV6(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = [groupsOf(halves[0] ?? ""), groupsOf(halves[1] ?? "")];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...tail];
  return groups.reduce((sum, group) => (sum << 16n) | group, 0n);
}

/** One address as a range, or null where the text is none. */
export function parseAddress(text: string): Range | null {
  const family = text.includes(":") ? 6 : 4;
  const value = family === 6 ? parseV6(text) : parseV4(text);
  return value === null ? null : { family, first: value, last: value };
}

/** A prefix as `10.0.0.0/8`; null where the text is none, or has bits set behind the prefix. */
export function parsePrefix(text: string): Range | null {
  const [, address = "", length = ""] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const range = parseAddress(address);
  if (range === null || Number(length) > BITS[range.family]) return null;
  const mask = (1n << BigInt(BITS[range.family] - Number(length))) - 1n;
  return (range.first & mask) === 0n ? { ...range, last: range.first | mask } : null;
}

export function overlaps(a: Range, b: Range): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

function formatV6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(16 * (7 - i))) & 0xffffn).toString(16));
  // The longest run of zeros, of two at least, is left out; the first of equals.
  const runs = [...groups.join(":").matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)];
  const longest = runs.reduce<RegExpExecArray | null>(
    (best, run) => (best === null || run[0].length > best[0].length ? run : best),
    null,
  );
  const all = groups.join(":");
  if (longest === null) return all;
  const before = all.slice(0, longest.index).replace(/:$/, "");
  const after = all.slice(longest.index + longest[0].length).replace(/^:/, "");
  return `${before}::${after}`;
}

function formatAddress(family: 4 | 6, value: bigint): string {
  if (family === 6) return formatV6(value);
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".");
}

/** As a packet filter takes it: an address, or two with a hyphen between. */
export function formatRange({ family, first, last }: Range): string {
  const from = formatAddress(family, first);
  return first === last ? from : `${from}-${formatAddress(family, last)}`;
}

/** The order of ranges: IPv4 first, then by their first addresses. */
export function compareRanges(a: Range, b: Range): number {
  return a.family - b.family || (a.first < b.first ? -1 : a.first > b.first ? 1 : 0);
}

/** The same addresses in as few ranges as there can be, in order. */
export function merged(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort(compareRanges);
  const out: Range[] = [];
  for (const range of sorted) {
    const before = out.at(-1);
    if (before?.family !== range.family || range.first > before.last + 1n) out.push(range);
    else if (range.last > before.last) out[out.length - 1] = { ...before, last: range.last };
  }
  return out;
}
