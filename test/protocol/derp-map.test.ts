/** The DERP map of a deployment: read whole, or refused with the place that is wrong. */

import { describe, expect, test } from "vitest";
import { readDerpMap } from "../../src/protocol/index.ts";

const NODE = { Name: "900a", RegionID: 900, HostName: "derp.example.com" };
const REGION = { RegionID: 900, RegionCode: "home", RegionName: "Home", Nodes: [NODE] };
const MAP = { Regions: { 900: REGION } };

describe("a DERP map", () => {
  test("is given as it is, without what stands for nothing", () => {
    const full = {
      ...REGION,
      Latitude: 0,
      Avoid: false,
      Nodes: [{ ...NODE, IPv4: "", STUNPort: -1, CanPort80: true }],
    };
    const given = readDerpMap({ Regions: { 900: full }, Comment: "ours" }, "DERP_MAP");
    expect(JSON.parse(given)).toEqual({
      Regions: { 900: { ...REGION, Nodes: [{ ...NODE, STUNPort: -1, CanPort80: true }] } },
    });
    expect(JSON.parse(readDerpMap(MAP, "DERP_MAP"))).toEqual(MAP);
    expect(JSON.parse(readDerpMap({}, "DERP_MAP"))).toEqual({ Regions: {} });
  });

  test.each([
    ["text", "DERP_MAP: an object expected"],
    [{ Regions: [] }, "DERP_MAP.Regions: an object expected"],
    [{ Regions: { 900: {} } }, "DERP_MAP.Regions.900.RegionID: an integer expected"],
    [{ Regions: { 901: REGION } }, "DERP_MAP.Regions.901.RegionID: 901 expected, a number from 1 on"],
    [
      { Regions: { 900: { ...REGION, RegionCode: "" } } },
      "DERP_MAP.Regions.900.RegionCode: a text expected that is not empty",
    ],
    [
      { Regions: { 900: { ...REGION, Nodes: [{ ...NODE, RegionID: 1 }] } } },
      "DERP_MAP.Regions.900.Nodes[0].RegionID: 900 expected",
    ],
    [
      { Regions: { 900: { ...REGION, Nodes: [{ ...NODE, HostName: 5 }] } } },
      "DERP_MAP.Regions.900.Nodes[0].HostName: a text expected",
    ],
    [
      { Regions: { 900: { ...REGION, Nodes: [{ ...NODE, DERPPort: 70_000 }] } } },
      "DERP_MAP.Regions.900.Nodes[0].DERPPort: a port expected, or -1 for none",
    ],
  ])("is refused with the place that is wrong: %j", (map, message) => {
    expect(() => readDerpMap(map, "DERP_MAP")).toThrow(message);
  });
});
