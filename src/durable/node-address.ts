/** The addresses of a node within its tailnet: they follow from its ID. */

/** 100.64.0.0/10, the n-th address of it; and the same number in Tailscale's range of IPv6, as RFC 5952 writes it. */
export function addressesOf(id: number): readonly [v4: string, v6: string] {
  const low = [(id >> 16) & 0x3f, (id >> 8) & 0xff, id & 0xff] as const;
  const hex = (value: number): string => value.toString(16);
  const high = id >>> 16 === 0 ? "" : `${hex(id >>> 16)}:`;
  return [`100.${64 + low[0]}.${low[1]}.${low[2]}`, `fd7a:115c:a1e0::${high}${hex(id & 0xffff)}`];
}
