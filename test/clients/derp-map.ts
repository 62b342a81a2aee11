/** The DERP map of the plays, in the shape of `tailcfg.DERPMap`: one region, whose certificate nobody checks. */

export interface RelayPorts {
  readonly derp: number;
  readonly stun: number;
}

export function derpMap(address: string, { derp, stun }: RelayPorts): object {
  const node = {
    Name: "1a",
    RegionID: 1,
    HostName: address,
    IPv4: address,
    IPv6: "none",
    STUNPort: stun,
    DERPPort: derp,
    STUNTestIP: address,
    InsecureForTests: true,
  };
  return {
    OmitDefaultRegions: true,
    Regions: { 1: { RegionID: 1, RegionCode: "hub", RegionName: "Hub", Nodes: [node] } },
  };
}
