/** Relays for Tailscale's clients, as Go's `tailcfg.DERPMap` in JSON. Source: Go's `tailcfg/derpmap.go`. */

import {
  ShapeError,
  boolean,
  dictionary,
  integer,
  jsonReplacer,
  list,
  record,
  text,
  withDefault,
  type Shape,
  type ShapeOf,
} from "./shape.ts";

const MOST_REGIONS = 1024;
const MOST_NODES = 64;
const MOST_PORT = 65_535;

const port: Shape<number> = (value, at) => {
  const given = integer(value, at);
  if (given >= -1 && given <= MOST_PORT) return given;
  throw new ShapeError(`${at}: a port expected, or -1 for none`);
};

const named: Shape<string> = (value, at) => {
  const given = text(value, at);
  if (given !== "") return given;
  throw new ShapeError(`${at}: a text expected that is not empty`);
};

const number: Shape<number> = (value, at) => {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new ShapeError(`${at}: a number expected`);
};

const derpNode = record({
  Name: named,
  RegionID: integer,
  HostName: named,
  CertName: withDefault(text, ""),
  IPv4: withDefault(text, ""),
  IPv6: withDefault(text, ""),
  STUNPort: withDefault(port, 0),
  STUNOnly: withDefault(boolean, false),
  DERPPort: withDefault(port, 0),
  InsecureForTests: withDefault(boolean, false),
  STUNTestIP: withDefault(text, ""),
  CanPort80: withDefault(boolean, false),
});

const derpRegion = record({
  RegionID: integer,
  RegionCode: named,
  RegionName: withDefault(text, ""),
  Latitude: withDefault(number, 0),
  Longitude: withDefault(number, 0),
  Avoid: withDefault(boolean, false),
  NoMeasureNoHome: withDefault(boolean, false),
  Nodes: list(derpNode, MOST_NODES),
});

const derpMap = record({
  Regions: dictionary(derpRegion, MOST_REGIONS),
  omitDefaultRegions: withDefault(boolean, false),
});

/** Throws ShapeError. */
function refuseWrongIds({ Regions }: ShapeOf<typeof derpMap>, at: string): void {
  for (const [id, { RegionID, Nodes }] of Regions) {
    if (RegionID < 1 || String(RegionID) !== id)
      throw new ShapeError(`${at}.Regions.${id}.RegionID: ${id} expected, a number from 1 on`);
    const wrong = Nodes.findIndex((node) => node.RegionID !== RegionID);
    if (wrong !== -1) throw new ShapeError(`${at}.Regions.${id}.Nodes[${wrong}].RegionID: ${id} expected`);
  }
}

/** What stands for nothing is left out. */
function withoutZeros(name: string, value: unknown): unknown {
  return value === "" || value === 0 || value === false ? undefined : jsonReplacer(name, value);
}

/** Reads a DERP map, and gives it as JSON. Throws ShapeError, which names the place. */
export function readDerpMap(value: unknown, at: string): string {
  const map = derpMap(value, at);
  refuseWrongIds(map, at);
  return JSON.stringify(map, withoutZeros);
}
