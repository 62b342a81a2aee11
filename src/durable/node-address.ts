/** The addresses of a node within its tailnet: they follow from its ID. */

/** 100.64.0.0/10, the n-th address of it; and the same number in Tailscale's range of IPv6. */
export function addressesOf(id: number): readonly [v4: string, v6: string] {
  const low = [(id >> 16) & 0x3f, (id >> 8) & 0xff, id & 0xff] as const;
  const hex = (value: number): string => value.toString(16);
  return [`100.${64 + low[0]}.${low[1]}.${low[2]}`, `fd7a:115c:a1e0::${hex(id >>> 16)}:${hex(id & 0xffff)}`];
}
